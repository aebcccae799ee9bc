/* Spread the data set over the grid: every cell goes to the ranks of its lane group, to
 * each the counts of that rank's features. First the headers travel, so that every rank
 * can lay out its arrays; then the payload in rounds, so that little is in flight. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { ROUND = 2048 }; /* cells of a rank in flight */

typedef struct header {
  int64_t cell;
  int64_t lane, index;
  int64_t nnz[RG_MODALITIES];
} header;

typedef struct spread {
  const rg_grid *grid;
  const rg_deal *deal;
  const rg_dataset *dataset;
  const int64_t *eligible;
  const rg_model *model;
  rg_constants *constants;
  int n_dense;
  const rg_mat *dense[32];
  const rg_csr *counts[RG_MODALITIES];
  const rg_blocks *blocks[RG_MODALITIES]; /* for their offsets */
  int64_t dense_width;
  /* receiving */
  rg_store *store;
  header *headers;
  int64_t *source; /* first header of each rank, P + 1 */
  int64_t *slot;   /* place in the store of header k */
} spread;

/* ---- sending ---- */

static int lane_group_of(const spread *s, int64_t row, header *h)
{
  int groups = rg_grid_lane_groups(s->grid);
  int64_t e = s->eligible[row];
  h->cell = s->dataset->rows.low + row;
  if (!s->deal) {
    h->lane = 0;
    h->index = h->cell;
    return rg_part_owner(s->dataset->n_cells, groups, h->cell);
  }
  rg_place place = rg_deal_place(s->deal, e);
  h->lane = place.lane;
  h->index = place.index;
  return rg_part_owner(s->deal->lanes, groups, place.lane);
}

static int64_t first_at_least(const rg_csr *csr, int64_t low, int64_t high, int64_t feature)
{
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (csr->indices[middle] < feature)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Entries of a row inside a feature range. */
static rg_range entries_in(const rg_csr *csr, int64_t row, rg_range features)
{
  int64_t low = csr->indptr[row], high = csr->indptr[row + 1];
  int64_t first = first_at_least(csr, low, high, features.low);
  return (rg_range){first, first_at_least(csr, first, high, features.high)};
}

static rg_range features_of(const spread *s, int sparse, int feature_group)
{
  const rg_blocks *blocks = s->blocks[sparse];
  rg_range b = rg_grid_blocks(blocks->offset, blocks->n, feature_group,
                              rg_grid_feature_groups(s->grid));
  return (rg_range){blocks->offset[b.low], blocks->offset[b.high]};
}

static int64_t payload_bytes(const spread *s, const header *h)
{
  int64_t entries = 0;
  for (int k = 0; k < s->model->n_sparse; k++)
    entries += h->nnz[k];
  return entries * 8 + s->dense_width * 4;
}

/* Header of a cell as rank (group, f) gets it; false when the cell is left out. */
static bool header_for(const spread *s, int64_t row, int f, header *h, int *to)
{
  if (s->eligible[row] < 0)
    return false;
  *h = (header){0};
  int group = lane_group_of(s, row, h);
  for (int k = 0; k < s->model->n_sparse; k++)
    if (s->counts[k])
      h->nnz[k] = rg_range_n(entries_in(s->counts[k], row, features_of(s, k, f)));
  *to = group * rg_grid_feature_groups(s->grid) + f;
  if (!rg_grid_is_played(s->grid))
    return true;
  bool mine = *to == rg_grid_feature_group(s->grid);
  *to = 0;
  return mine;
}

static char *put_payload(const spread *s, int64_t row, int f, char *at)
{
  for (int k = 0; k < s->model->n_sparse; k++) {
    if (!s->counts[k])
      continue; /* rows of partners are fetched when they are drawn */
    rg_range features = features_of(s, k, f);
    rg_range entries = entries_in(s->counts[k], row, features);
    const rg_csr *csr = s->counts[k];
    int64_t n = csr->indptr[row + 1] - csr->indptr[row];
    float *values = RG_NEW(float, n);
    rg_weigh_row(&s->model->sparse[k], s->constants, csr, row, values);
    for (int64_t e = entries.low; e < entries.high; e++) {
      int32_t feature = csr->indices[e] - (int32_t)features.low;
      memcpy(at, &feature, 4);
      memcpy(at + 4, &values[e - csr->indptr[row]], 4);
      at += 8;
    }
    rg_free(values);
  }
  for (int k = 0; k < s->n_dense; k++) {
    size_t bytes = sizeof(float) * (size_t)s->dense[k]->cols;
    memcpy(at, rg_mat_row(s->dense[k], row), bytes);
    at += bytes;
  }
  return at;
}

/* Pack rows [low, high): headers when `headers`, else payload; to each rank in order. */
static char *pack(const spread *s, int64_t low, int64_t high, bool headers,
                  int64_t *offset)
{
  int size = rg_size(rg_grid_comm(s->grid)), groups = rg_grid_feature_groups(s->grid);
  memset(offset, 0, sizeof *offset * (size_t)(size + 1));
  header h;
  int to;
  for (int64_t row = low; row < high; row++)
    for (int f = 0; f < groups; f++)
      if (header_for(s, row, f, &h, &to))
        offset[to + 1] += headers ? (int64_t)sizeof h : payload_bytes(s, &h);
  for (int r = 0; r < size; r++)
    offset[r + 1] += offset[r];
  char *bytes = rg_alloc(offset[size], 1);
  char **at = RG_NEW(char *, size);
  for (int r = 0; r < size; r++)
    at[r] = bytes + offset[r];
  for (int64_t row = low; row < high; row++)
    for (int f = 0; f < groups; f++) {
      if (!header_for(s, row, f, &h, &to))
        continue;
      if (headers) {
        memcpy(at[to], &h, sizeof h);
        at[to] += sizeof h;
      } else {
        at[to] = put_payload(s, row, f, at[to]);
      }
    }
  rg_free(at);
  return bytes;
}

/* ---- receiving ---- */

static void exchange_headers(spread *s)
{
  rg_comm *comm = rg_grid_comm(s->grid);
  int size = rg_size(comm);
  int64_t *offset = RG_NEW(int64_t, size + 1);
  s->source = RG_NEW(int64_t, size + 1);
  char *bytes = pack(s, 0, rg_range_n(s->dataset->rows), true, offset);
  s->headers = rg_exchange(comm, bytes, offset, s->source);
  for (int r = 0; r <= size; r++)
    s->source[r] /= (int64_t)sizeof(header);
  s->store->n = s->source[size];
  rg_free(bytes);
  rg_free(offset);
}

typedef struct keyed {
  int64_t lane, index, k;
} keyed;

static int by_place(const void *a, const void *b)
{
  const keyed *x = a, *y = b;
  if (x->lane != y->lane)
    return x->lane < y->lane ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static void order_cells(spread *s)
{
  rg_store *store = s->store;
  keyed *order = RG_NEW(keyed, store->n);
  for (int64_t k = 0; k < store->n; k++)
    order[k] = (keyed){s->headers[k].lane, s->headers[k].index, k};
  qsort(order, (size_t)store->n, sizeof *order, by_place);
  rg_range lanes = s->deal ? rg_grid_share(s->grid)->my_lanes : (rg_range){0, 1};
  store->n_lanes = (int)rg_range_n(lanes);
  store->lane_start = RG_NEW(int64_t, store->n_lanes + 1);
  store->cell = RG_NEW(int64_t, store->n);
  s->slot = RG_NEW(int64_t, store->n);
  for (int64_t i = 0; i < store->n; i++) {
    store->cell[i] = s->headers[order[i].k].cell;
    s->slot[order[i].k] = i;
    store->lane_start[order[i].lane - lanes.low + 1]++;
  }
  for (int lane = 0; lane < store->n_lanes; lane++)
    store->lane_start[lane + 1] += store->lane_start[lane];
  rg_free(order);
}

static void lay_out(spread *s)
{
  rg_store *store = s->store;
  store->n_sparse = s->model->n_sparse;
  store->sparse = RG_NEW(rg_csr, store->n_sparse);
  for (int k = 0; k < store->n_sparse; k++) {
    rg_range f = features_of(s, k, rg_grid_feature_group(s->grid));
    int64_t *indptr = RG_NEW(int64_t, store->n + 1);
    for (int64_t i = 0; i < store->n; i++)
      indptr[s->slot[i] + 1] = s->headers[i].nnz[k];
    for (int64_t i = 0; i < store->n; i++)
      indptr[i + 1] += indptr[i];
    rg_csr csr = rg_csr_new(store->n, rg_range_n(f), indptr[store->n]);
    rg_free(csr.indptr);
    csr.indptr = indptr;
    store->sparse[k] = csr;
  }
  store->n_dense = s->n_dense;
  store->dense = RG_NEW(rg_mat, s->n_dense);
  for (int k = 0; k < s->n_dense; k++)
    store->dense[k] = rg_mat_new(store->n, s->dense[k]->cols);
}

static const char *take_payload(spread *s, int64_t header_k, const char *at)
{
  rg_store *store = s->store;
  int64_t i = s->slot[header_k];
  for (int k = 0; k < store->n_sparse; k++) {
    rg_csr *csr = &store->sparse[k];
    for (int64_t e = csr->indptr[i]; e < csr->indptr[i + 1]; e++, at += 8) {
      memcpy(&csr->indices[e], at, 4);
      memcpy(&csr->values[e], at + 4, 4);
    }
  }
  for (int k = 0; k < store->n_dense; k++) {
    size_t bytes = sizeof(float) * (size_t)store->dense[k].cols;
    memcpy(rg_mat_row(&store->dense[k], i), at, bytes);
    at += bytes;
  }
  return at;
}

/* Values that are all one need not be kept. */
static void drop_ones(rg_csr *csr)
{
  int64_t n = rg_csr_nnz(csr), e = 0;
  while (e < n && csr->values[e] == 1.0f)
    e++;
  if (e < n)
    return;
  rg_free(csr->values);
  csr->values = NULL;
}

static void exchange_payload(spread *s)
{
  rg_comm *comm = rg_grid_comm(s->grid);
  int size = rg_size(comm);
  int64_t rows = rg_range_n(s->dataset->rows);
  int64_t rounds = (rows + ROUND - 1) / ROUND;
  rg_max_i64(comm, &rounds, 1);
  int64_t *offset = RG_NEW(int64_t, size + 1), *received = RG_NEW(int64_t, size + 1);
  int64_t *cursor = RG_NEW(int64_t, size);
  memcpy(cursor, s->source, sizeof *cursor * (size_t)size);
  for (int64_t round = 0; round < rounds; round++) {
    int64_t low = round * ROUND < rows ? round * ROUND : rows;
    int64_t high = low + ROUND < rows ? low + ROUND : rows;
    char *bytes = pack(s, low, high, false, offset);
    char *got = rg_exchange(comm, bytes, offset, received);
    for (int r = 0; r < size; r++)
      for (const char *at = got + received[r]; at < got + received[r + 1];)
        at = take_payload(s, cursor[r]++, at);
    rg_free(got);
    rg_free(bytes);
  }
  rg_free(cursor);
  rg_free(received);
  rg_free(offset);
}

/* ---- whole ---- */

static rg_status bind_inputs(spread *s, const rg_covariates *covariates)
{
  for (int k = 0; k < covariates->n; k++) {
    s->dense[s->n_dense++] = &covariates->item[k].mat;
    s->dense_width += covariates->item[k].mat.cols;
  }
  for (int k = 0; k < s->model->n_sparse; k++) {
    const rg_prepared_modality *m =
        rg_dataset_modality(s->dataset, s->model->sparse[k].modality);
    if (!m)
      return rg_fail(RG_EINPUT, "the data have no modality %s, which the recipe needs",
                     s->model->sparse[k].modality);
    s->counts[k] = s->model->sparse[k].partner ? NULL : &m->counts;
  }
  return RG_OK;
}

rg_status rg_store_new(const rg_grid *grid, const rg_deal *deal, const rg_dataset *dataset,
                       const int64_t *eligible, const rg_model *model,
                       rg_constants *constants, const rg_covariates *covariates,
                       rg_store *store)
{
  rg_status status = RG_OK;
  spread s = {.grid = grid, .deal = deal, .dataset = dataset, .eligible = eligible,
              .model = model, .constants = constants, .store = store};
  *store = (rg_store){0};
  for (int i = 0, k = 0; k < model->n_sparse; i++) {
    const rg_node *node = rg_graph_node(model->graph, i);
    if (node->sparse)
      s.blocks[k++] = node->blocks;
  }
  RG_TRY(bind_inputs(&s, covariates));
  exchange_headers(&s);
  order_cells(&s);
  lay_out(&s);
  exchange_payload(&s);
  for (int k = 0; k < store->n_sparse; k++)
    drop_ones(&store->sparse[k]);
out:
  rg_free(s.headers);
  rg_free(s.source);
  rg_free(s.slot);
  return status;
}

void rg_store_fini(rg_store *store)
{
  for (int k = 0; k < store->n_sparse; k++)
    rg_csr_fini(&store->sparse[k]);
  for (int k = 0; k < store->n_dense; k++)
    rg_mat_fini(&store->dense[k]);
  rg_free(store->sparse);
  rg_free(store->dense);
  rg_free(store->cell);
  rg_free(store->lane_start);
  *store = (rg_store){0};
}
