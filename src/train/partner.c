/* Partners: for every cell of a batch another cell, drawn from its neighbours in the
 * teacher's graph or from all cells, whose rows come from whoever holds them. */
#include "internal.h"

#include "regatta/graph.h"

#include <math.h>
#include <string.h>

#define NEAR "near:"
enum { HALF = 1 << 24 }; /* integers that a float holds exactly */

bool rg_is_near(const char *name)
{
  return strncmp(name, NEAR, strlen(NEAR)) == 0;
}

/* ---- links ---- */

static void put_link(float *two, int64_t number)
{
  two[0] = number < 0 ? -1 : (float)(number / HALF);
  two[1] = number < 0 ? -1 : (float)(number % HALF);
}

static int64_t get_link(const float *two)
{
  return two[0] < 0 ? -1 : (int64_t)two[0] * HALF + (int64_t)two[1];
}

/* The teacher's rows, without number where a cell is not taught. Owned. */
static rg_mat taught_rows(const rg_covariates *all)
{
  const rg_mat *teacher = rg_covariates_find(all, "teacher");
  const rg_mat *taught = rg_covariates_find(all, "taught");
  rg_mat rows = rg_mat_new(teacher->rows, teacher->cols);
  for (int64_t i = 0; i < rows.rows; i++)
    for (int64_t j = 0; j < rows.cols; j++)
      rg_mat_row(&rows, i)[j] = taught->data[i] > 0 ? rg_mat_row(teacher, i)[j] : NAN;
  return rows;
}

rg_status rg_partner_links(rg_comm *comm, const rg_model *model,
                           const rg_covariates *all, const int64_t *eligible,
                           rg_covariates *covariates)
{
  rg_status status = RG_OK;
  int k = model->partner_neighbours;
  rg_knn knn = {0};
  rg_knn_options options = {.k = k, .metric = RG_COSINE, .exact = true};
  rg_mat rows = taught_rows(all);
  RG_TRY(rg_knn_graph(comm, &rows, &options, &knn));
  int64_t n = rows.rows * k, total = rows.rows;
  rg_sum_i64(comm, &total, 1);
  int64_t *ids = RG_NEW(int64_t, n), *number = RG_NEW(int64_t, n);
  for (int64_t e = 0; e < n; e++)
    ids[e] = knn.index[e] < 0 ? 0 : knn.index[e];
  rg_fetch(comm, eligible, total, sizeof *eligible, ids, n, number);
  rg_mat *links = rg_covariates_add(covariates, "#links", rows.rows, 2 * (int64_t)k);
  for (int64_t e = 0; e < n; e++)
    put_link(links->data + 2 * e, knn.index[e] < 0 ? -1 : number[e]);
  rg_free(ids);
  rg_free(number);
  rg_knn_fini(&knn);
out:
  rg_mat_fini(&rows);
  return status;
}

/* ---- drawing ---- */

/* Number (among the eligible cells) of the partner of a cell in a step. */
static int64_t draw(const rg_session *session, const rg_key *key, int64_t cell,
                    const float *links)
{
  int k = session->model.partner_neighbours;
  float u[3];
  rg_uniforms(key, (uint64_t)cell, 3, u);
  if ((double)u[0] < session->model.partner_share) {
    int64_t j = (int64_t)((double)u[1] * k);
    int64_t partner = get_link(links + 2 * (j < k ? j : k - 1));
    if (partner >= 0)
      return partner;
  }
  int64_t any = (int64_t)((double)u[2] * (double)session->deal.n_cells);
  return any < session->deal.n_cells ? any : session->deal.n_cells - 1;
}

/* ---- asking and answering ---- */

typedef struct wanted {
  int64_t lane, index;
} wanted;

typedef struct exchange {
  rg_session *session;
  rg_comm *comm;
  int64_t cells;
  int64_t *order;         /* batch cells by the rank that holds their partner */
  int64_t *offset;        /* bytes of requests to each rank */
  const char **answer;    /* per batch cell */
  char *bytes;            /* what the answers lie in */
} exchange;

/* Where a partner is; where one rank is played, one of its own cells instead. */
static rg_place place_of(const rg_session *session, int64_t partner)
{
  rg_place place = rg_deal_place(&session->deal, partner);
  rg_range lanes = rg_grid_share(session->grid)->my_lanes;
  if (!rg_grid_is_played(session->grid))
    return place;
  place.lane = (int)(lanes.low + place.lane % rg_range_n(lanes));
  place.index %= rg_deal_smallest(&session->deal);
  return place;
}

static void *make_requests(exchange *x, const rg_batch *batch, uint64_t step)
{
  const rg_session *session = x->session;
  const rg_mat *links = &session->store.dense[session->store.n_dense - 1];
  int size = rg_size(x->comm);
  rg_key key = {.seed = (uint64_t)session->plan->train.seed, .step = step,
                .purpose = RG_FOR_NEGATIVES};
  wanted *want = RG_NEW(wanted, x->cells), *sorted = RG_NEW(wanted, x->cells);
  int *owner = RG_NEW(int, x->cells);
  int64_t *at = RG_NEW(int64_t, size + 1);
  for (int64_t i = 0; i < x->cells; i++) {
    int64_t partner =
        draw(session, &key, batch->cell[i], rg_mat_row(links, batch->row[i]));
    rg_place place = place_of(session, partner);
    want[i] = (wanted){place.lane, place.index};
    owner[i] = rg_part_owner(session->deal.lanes, size, place.lane);
    at[owner[i] + 1]++;
  }
  for (int r = 0; r < size; r++)
    at[r + 1] += at[r];
  for (int r = 0; r <= size; r++)
    x->offset[r] = at[r] * (int64_t)sizeof *want;
  for (int64_t i = 0; i < x->cells; i++) {
    x->order[at[owner[i]]] = i;
    sorted[at[owner[i]]++] = want[i];
  }
  rg_free(at);
  rg_free(owner);
  rg_free(want);
  return sorted;
}

static int64_t row_of(const rg_session *session, const wanted *w)
{
  rg_range lanes = rg_grid_share(session->grid)->my_lanes;
  return session->store.lane_start[w->lane - lanes.low] + w->index;
}

/* Dense covariate of the store behind a node "near:NAME". */
static const rg_mat *covariate_of(const rg_session *session, const char *name)
{
  for (int i = 0, k = 0; i < rg_graph_nodes(session->graph); i++) {
    const rg_node *node = rg_graph_node(session->graph, i);
    if (!node->input || node->sparse || rg_is_near(node->name))
      continue;
    if (strcmp(node->name, name + strlen(NEAR)) == 0)
      return &session->store.dense[k];
    k++;
  }
  return NULL;
}

static bool is_near_input(const rg_node *node)
{
  return node->input && !node->sparse && rg_is_near(node->name);
}

/* Write what is asked of a row, or only count its bytes when out is NULL. */
static int64_t put_row(const rg_session *session, int64_t row, char *out)
{
  int64_t at = 0;
  for (int k = 0; k < session->model.n_sparse; k++) {
    if (!session->model.sparse[k].partner)
      continue;
    const rg_csr *csr = &session->store.sparse[session->model.sparse[k].of];
    int64_t low = csr->indptr[row], n = csr->indptr[row + 1] - low;
    if (out) {
      memcpy(out + at, &n, 8);
      memcpy(out + at + 8, csr->indices + low, 4 * (size_t)n);
      for (int64_t e = 0; e < n; e++) {
        float value = csr->values ? csr->values[low + e] : 1;
        memcpy(out + at + 8 + 4 * (n + e), &value, 4);
      }
    }
    at += 8 + 8 * n;
  }
  for (int i = 0; i < rg_graph_nodes(session->graph); i++) {
    const rg_node *node = rg_graph_node(session->graph, i);
    if (!is_near_input(node))
      continue;
    const rg_mat *mat = covariate_of(session, node->name);
    if (out)
      memcpy(out + at, rg_mat_row(mat, row), 4 * (size_t)mat->cols);
    at += 4 * mat->cols;
  }
  return at;
}

static char *make_answers(const exchange *x, const char *requests,
                          const int64_t *asked, int64_t *offset)
{
  int size = rg_size(x->comm);
  offset[0] = 0;
  for (int r = 0; r < size; r++) {
    offset[r + 1] = offset[r];
    for (int64_t at = asked[r]; at < asked[r + 1]; at += (int64_t)sizeof(wanted))
      offset[r + 1] += put_row(x->session,
                               row_of(x->session, (const wanted *)(requests + at)), NULL);
  }
  char *answers = rg_alloc(offset[size], 1), *out = answers;
  for (int64_t at = 0; at < asked[size]; at += (int64_t)sizeof(wanted))
    out += put_row(x->session, row_of(x->session, (const wanted *)(requests + at)), out);
  return answers;
}

/* Bytes of one answer. */
static int64_t answer_bytes(const rg_session *session, const char *answer)
{
  int64_t at = 0;
  for (int k = 0; k < session->model.n_sparse; k++) {
    int64_t n;
    if (!session->model.sparse[k].partner)
      continue;
    memcpy(&n, answer + at, 8);
    at += 8 + 8 * n;
  }
  for (int i = 0; i < rg_graph_nodes(session->graph); i++) {
    const rg_node *node = rg_graph_node(session->graph, i);
    if (is_near_input(node))
      at += 4 * (int64_t)node->width;
  }
  return at;
}

static void ask(exchange *x, const rg_batch *batch, uint64_t step)
{
  int size = rg_size(x->comm);
  int64_t *asked = RG_NEW(int64_t, size + 1), *offset = RG_NEW(int64_t, size + 1);
  void *requests = make_requests(x, batch, step);
  char *got = rg_exchange(x->comm, requests, x->offset, asked);
  char *answers = make_answers(x, got, asked, offset);
  x->bytes = rg_exchange(x->comm, answers, offset, asked);
  const char *at = x->bytes;
  for (int64_t k = 0; k < x->cells; k++) {
    x->answer[x->order[k]] = at;
    at += answer_bytes(x->session, at);
  }
  rg_free(answers);
  rg_free(got);
  rg_free(requests);
  rg_free(offset);
  rg_free(asked);
}

/* ---- into the inputs ---- */

/* Take the next sparse row off every answer. */
static void take_sparse(exchange *x, rg_batch *batch, int k)
{
  rg_csr *rows = &batch->sparse[k].rows;
  int64_t n;
  for (int64_t i = 0; i < x->cells; i++) {
    memcpy(&n, x->answer[i], 8);
    rows->indptr[i + 1] = rows->indptr[i] + n;
  }
  rg_batch_reserve(batch, k, rows->indptr[x->cells], false);
  for (int64_t i = 0; i < x->cells; i++) {
    memcpy(&n, x->answer[i], 8);
    memcpy(rows->indices + rows->indptr[i], x->answer[i] + 8, 4 * (size_t)n);
    memcpy(rows->values + rows->indptr[i], x->answer[i] + 8 + 4 * n, 4 * (size_t)n);
    x->answer[i] += 8 + 8 * n;
  }
  rg_batch_columns(&batch->sparse[k]);
}

void rg_partner_fill(rg_session *session, rg_batch *batch, uint64_t step)
{
  exchange x = {.session = session, .comm = rg_grid_lane_comm(session->grid),
                .cells = rg_graph_cells(session->graph)};
  x.order = RG_NEW(int64_t, x.cells);
  x.offset = RG_NEW(int64_t, rg_size(x.comm) + 1);
  x.answer = RG_NEW(const char *, x.cells);
  ask(&x, batch, step);
  for (int k = 0; k < session->model.n_sparse; k++)
    if (session->model.sparse[k].partner)
      take_sparse(&x, batch, k);
  for (int j = 0; j < rg_graph_nodes(session->graph); j++) {
    rg_node *node = rg_graph_node(session->graph, j);
    if (!is_near_input(node))
      continue;
    for (int64_t i = 0; i < x.cells; i++) {
      memcpy(node->x + i * node->width, x.answer[i], 4 * (size_t)node->width);
      x.answer[i] += 4 * node->width;
    }
  }
  rg_free(x.bytes);
  rg_free(x.answer);
  rg_free(x.offset);
  rg_free(x.order);
}
