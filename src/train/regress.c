/* Linear layers fitted by ridge regression on the trained model's own values. */
#include "internal.h"

#include <math.h>
#include <string.h>

/* A row is the regressors, the targets and 1; its products with itself, summed over the
 * cells, are all that is needed. */
typedef struct moments {
  int in, out, n; /* n = in + out + 1 */
  double *lane;   /* [my lane][n][n], upper part */
  double *sum;    /* [n][n] */
} moments;

static moments moments_new(const rg_session *session, const struct rg_regression *r)
{
  moments m = {.in = r->layer->in[0]->width, .out = r->target->width};
  m.n = m.in + m.out + 1;
  int64_t lanes = rg_range_n(rg_grid_share(session->grid)->my_lanes);
  m.lane = RG_NEW(double, lanes * m.n * m.n);
  m.sum = RG_NEW(double, (int64_t)m.n * m.n);
  return m;
}

static void moments_fini(moments *m)
{
  rg_free(m->lane);
  rg_free(m->sum);
}

static void add_cell(const moments *m, const struct rg_regression *r, int64_t cell,
                     double *row, double *products)
{
  for (int j = 0; j < m->in; j++)
    row[j] = (double)r->layer->in[0]->x[cell * m->in + j];
  for (int j = 0; j < m->out; j++)
    row[m->in + j] = (double)r->target->x[cell * m->out + j];
  row[m->n - 1] = 1;
  for (int a = 0; a < m->n; a++)
    for (int b = a; b < m->n; b++)
      products[a * m->n + b] += row[a] * row[b];
}

/* Cells t * n .. of each lane; those past its end do not count. */
static void add_batch(rg_session *session, const struct rg_regression *r, moments *m,
                      int64_t t)
{
  const rg_store *store = &session->store;
  int64_t n = rg_grid_share(session->grid)->lane_cells;
#pragma omp parallel for schedule(static)
  for (int lane = 0; lane < store->n_lanes; lane++) {
    double *row = RG_NEW(double, m->n);
    int64_t left = store->lane_start[lane + 1] - store->lane_start[lane] - t * n;
    for (int64_t i = lane * n; i < lane * n + (left < n ? left : n); i++)
      if (!r->mask || r->mask->x[i] > 0)
        add_cell(m, r, i, row, m->lane + (int64_t)lane * m->n * m->n);
    rg_free(row);
  }
}

static void choose(rg_batch *batch, const rg_store *store, int64_t n, int64_t t)
{
  for (int lane = 0; lane < store->n_lanes; lane++) {
    int64_t low = store->lane_start[lane], size = store->lane_start[lane + 1] - low;
    for (int64_t i = 0; i < n; i++) {
      int64_t row = low + (t * n + i < size ? t * n + i : size - 1);
      batch->row[lane * n + i] = row;
      batch->cell[lane * n + i] = store->cell[row];
    }
  }
}

/* Moments over all training cells, the same on every rank. */
static void collect(rg_session *session, const struct rg_regression *r, moments *m)
{
  const rg_share *share = rg_grid_share(session->grid);
  rg_batch batch = rg_batch_new(session->graph, &session->store);
  rg_node *targets[] = {r->layer->in[0], r->target, r->mask, NULL};
  rg_run run = {.graph = session->graph,
                .share = share,
                .sequence = rg_sequence_new(session->graph, targets, NULL, 0),
                .seed = (uint64_t)session->plan->train.seed,
                .cell = batch.cell,
                .sparse = batch.sparse};
  int64_t most = 0;
  for (int lane = 0; lane < share->lanes; lane++) {
    int64_t size = rg_deal_lane_size(&session->deal, lane);
    most = size > most ? size : most;
  }
  for (int64_t t = 0; t * share->lane_cells < most; t++) {
    choose(&batch, &session->store, share->lane_cells, t);
    rg_batch_fill(&batch, &session->store, session->graph, false);
    rg_run_forward(&run);
    add_batch(session, r, m, t);
  }
  share->sum_lanes(share, m->lane, (int64_t)m->n * m->n, m->sum);
  rg_batch_fini(&batch);
}

/* Covariance of columns a and b of the rows. */
static double covariance(const moments *m, int a, int b)
{
  int one = m->n - 1, low = a < b ? a : b, high = a < b ? b : a;
  double cells = m->sum[one * m->n + one];
  return m->sum[low * m->n + high] / cells -
         m->sum[a * m->n + one] / cells * (m->sum[b * m->n + one] / cells);
}

/* (C + ridge mean(diag C) I) w = C_xt */
static rg_status solve(rg_comm *comm, const moments *m, double ridge, double *w)
{
  double *a = RG_NEW(double, (int64_t)m->in * m->in), trace = 0;
  for (int i = 0; i < m->in; i++) {
    trace += covariance(m, i, i);
    for (int j = 0; j < m->in; j++)
      a[i * m->in + j] = covariance(m, i, j);
    for (int j = 0; j < m->out; j++)
      w[i * m->out + j] = covariance(m, i, m->in + j);
  }
  for (int i = 0; i < m->in; i++)
    a[i * m->in + i] += ridge * trace / m->in + 1e-12;
  rg_status status = rg_solve_spd(comm, a, m->in, w, m->out);
  rg_free(a);
  return status;
}

/* Weights are (out, in); the bias carries the means. */
static void write_layer(const rg_session *session, const rg_op *layer, const moments *m,
                        const double *w)
{
  float *weight = rg_param_value(session->graph, layer->param[0]);
  float *bias = rg_param_value(session->graph, layer->param[1]);
  int one = m->n - 1;
  double cells = m->sum[one * m->n + one];
  for (int j = 0; j < m->out; j++) {
    double level = m->sum[(m->in + j) * m->n + one] / cells;
    for (int i = 0; i < m->in; i++) {
      weight[j * m->in + i] = (float)w[i * m->out + j];
      level -= w[i * m->out + j] * m->sum[i * m->n + one] / cells;
    }
    bias[j] = (float)level;
  }
}

/* Without a regression: what the layer gives of as many columns as it takes. */
static void write_identity(const rg_session *session, const rg_op *layer)
{
  float *weight = rg_param_value(session->graph, layer->param[0]);
  float *bias = rg_param_value(session->graph, layer->param[1]);
  int in = layer->in[0]->width, out = layer->out->width;
  memset(bias, 0, sizeof *bias * (size_t)out);
  for (int j = 0; j < out; j++)
    for (int i = 0; i < in; i++)
      weight[j * in + i] = i == j ? 1 : 0;
}

static rg_status fit(rg_session *session, const struct rg_regression *r)
{
  rg_status status = RG_OK;
  moments m = moments_new(session, r);
  double *w = RG_NEW(double, (int64_t)m.in * m.out);
  collect(session, r, &m);
  double cells = m.sum[(int64_t)m.n * m.n - 1];
  if (cells < 2) {
    rg_info("regression %s: no cells to fit on; it passes its first columns on",
            r->layer->name);
    write_identity(session, r->layer);
    goto out;
  }
  RG_TRY(solve(session->comm, &m, r->ridge, w));
  rg_info("regression %s: %d columns to %d, on %.0f cells", r->layer->name, m.in, m.out,
          cells);
  write_layer(session, r->layer, &m, w);
out:
  rg_free(w);
  moments_fini(&m);
  return status;
}

rg_status rg_fit_regressions(rg_session *session)
{
  rg_status status = RG_OK;
  for (int k = 0; k < session->model.n_regressions; k++)
    RG_TRY(fit(session, &session->model.regression[k]));
out:
  return status;
}
