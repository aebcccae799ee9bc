/* Which features a prediction rests on: expected gradients, target by target. Every input
 * enters by a layer that is linear in it, so a point between two cells is one between their
 * units there, and the gradient of a feature is that of the units times its weights. The
 * sample is one batch; lanes hold the same cells on any number of ranks, and sums over
 * cells are taken as integers. */
#include "explain.h"

#include <math.h>
#include <string.h>

enum { CELLS = 256, DRAWS = 32, LEAST_DRAWS = 8, POINTS = 4 };
static const double unit = 1099511627776.0; /* 2^40 */
static const double errors_allowed = 3, rounding = 1e-4;

/* ---- draws ---- */

static bool stands_for(const rg_explain_work *w, int64_t other, int64_t cell)
{
  for (int k = 0; k < w->n_parts; k++)
    if (w->part[k].has[cell] > 0 && !(w->part[k].has[other] > 0))
      return false;
  return true;
}

/* A background cell that has what the cell has, and how far from it a point lies: the
 * points of a draw are spread evenly over (0, 1). */
static int64_t background_of(const rg_explain_work *w, int64_t cell, int64_t draw,
                             int point, double *share)
{
  rg_key key = {.seed = w->run.seed, .purpose = RG_FOR_NEGATIVES, .step = (uint64_t)draw};
  uint32_t word[4];
  rg_random(&key, (uint64_t)cell, 0, word);
  int64_t other = (int64_t)((uint64_t)word[0] * (uint64_t)(w->n - 1) >> 32);
  other += other >= cell;
  rg_random(&key, (uint64_t)cell, (uint64_t)point + 1, word);
  *share = ((double)point + ((double)word[0] + 0.5) / 4294967296.0) / POINTS;
  while (!stands_for(w, other, cell)) /* the cell itself does */
    other = (other + 1) % w->n;
  return other;
}

/* Put the units of the first layers at a point of a draw, or at the background. */
static void place_points(rg_explain_work *w, int64_t draw, int point, bool at_background)
{
  for (int64_t i = 0; i < w->here; i++) {
    double share;
    int64_t cell = w->low + i, other = background_of(w, cell, draw, point, &share);
    float a = at_background ? 0 : (float)share;
    for (int k = 0; k < w->n_parts; k++) {
      const rg_explain_part *p = &w->part[k];
      const float *y = p->first + cell * p->units, *z = p->first + other * p->units;
      for (int j = 0; j < p->units; j++)
        p->input->first->x[i * p->units + j] = z[j] + a * (y[j] - z[j]);
    }
  }
}

static void look_at_background(rg_explain_work *w)
{
  int64_t targets = w->out->targets.n;
  w->base = RG_NEW(float, w->out->draws * w->here * targets);
  for (int64_t draw = 0; draw < w->out->draws; draw++) {
    place_points(w, draw, 0, true);
    rg_run_forward(&w->run);
    for (int64_t i = 0; i < w->here; i++)
      for (int64_t t = 0; t < targets; t++)
        w->base[(draw * w->here + i) * targets + t] =
            w->target->x[i * w->target->width + w->column[t]];
  }
}

/* ---- phi ---- */

static double product(const float *a, const float *b, int n)
{
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int j = 0; j < n; j++)
    sum += (double)a[j] * (double)b[j];
  return sum;
}

/* Gradients of the features of a dense input: those of the units times the weights. */
static void dense_slopes(const rg_explain_work *w, const rg_explain_part *p)
{
  const float *weight = rg_param_value(w->session->graph, p->weight);
  int64_t n = w->run.share->lane_cells;
  for (int64_t lane = 0; lane < rg_run_lanes(&w->run); lane++)
    rg_gemm(false, false, n, p->features, p->units, 1,
            p->input->first->d + lane * n * p->units, p->units, weight, p->features, 0,
            p->slope + lane * n * p->features, p->features);
}

/* Add one point of one input to phi; the sum over its features, by its units, to sum[]. */
static void add_phi(const rg_explain_work *w, const rg_explain_part *p, int64_t draw,
                    double *sum)
{
  const float *weight = rg_param_value(w->session->graph, p->weight);
  if (!p->by_feature)
    dense_slopes(w, p);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < w->here; i++) {
    double share;
    int64_t cell = w->low + i, other = background_of(w, cell, draw, 0, &share);
    const float *x = p->x + cell * p->features, *z = p->x + other * p->features;
    const float *d = p->input->first->d + i * p->units;
    float *phi = p->phi + i * p->features;
    for (int64_t f = 0; f < p->features; f++)
      if (x[f] != z[f])
        phi[f] += (x[f] - z[f]) * (p->by_feature
                                       ? (float)product(weight + f * p->units, d, p->units)
                                       : p->slope[i * p->features + f]);
    const float *u = p->first + cell * p->units, *v = p->first + other * p->units;
    for (int j = 0; j < p->units; j++)
      sum[i] += (double)d[j] * ((double)u[j] - (double)v[j]);
  }
}

/* Per cell, over the draws of a target: sums and sums of squares of what a draw is off. */
typedef struct tally {
  double *off, *squares, *rise, *sum;
} tally;

static void draw_target(rg_explain_work *w, int64_t t, const tally *all)
{
  int64_t targets = w->out->targets.n, width = w->target->width;
  for (int k = 0; k < w->n_parts; k++)
    memset(w->part[k].phi, 0, sizeof(float) * (size_t)(w->here * w->part[k].features));
  memset(w->seed, 0, sizeof *w->seed * (size_t)(w->here * width));
  for (int64_t i = 0; i < w->here; i++) {
    w->seed[i * width + w->column[t]] = 1;
    all->off[i] = all->squares[i] = all->rise[i] = 0;
  }
  for (int64_t draw = 0; draw < w->out->draws; draw++) {
    memset(all->sum, 0, sizeof *all->sum * (size_t)w->here);
    for (int point = 0; point < POINTS; point++) {
      place_points(w, draw, point, false);
      rg_run_forward(&w->run);
      rg_run_pull(&w->run, w->target, w->seed);
      for (int k = 0; k < w->n_parts; k++)
        add_phi(w, &w->part[k], draw, all->sum);
    }
    for (int64_t i = 0; i < w->here; i++) {
      double rise = (double)w->value[(w->low + i) * width + w->column[t]] -
                    (double)w->base[(draw * w->here + i) * targets + t];
      double off = all->sum[i] / POINTS - rise;
      all->off[i] += off;
      all->squares[i] += off * off;
      all->rise[i] += rise;
    }
  }
}

/* ---- sums over cells ---- */

static void keep_relevance(rg_explain_work *w, int64_t t)
{
  double points = (double)w->out->draws * POINTS;
  for (int k = 0; k < w->n_parts; k++) {
    const rg_explain_part *p = &w->part[k];
    int64_t *sum = RG_NEW(int64_t, p->features), cells = 0;
    for (int64_t i = 0; i < w->n; i++)
      cells += p->has[i] > 0;
    for (int64_t i = 0; i < w->here; i++)
      for (int64_t f = 0; p->has[w->low + i] > 0 && f < p->features; f++)
        sum[f] += llround(fabs((double)p->phi[i * p->features + f]) / points * unit);
    rg_sum_i64(w->session->comm, sum, p->features);
    for (int64_t f = 0; f < p->features; f++)
      rg_mat_row(&w->out->input[k].relevance, f)[t] =
          cells > 0 ? (float)((double)sum[f] / unit / (double)cells) : 0;
    rg_free(sum);
  }
}

static double phi_of_cell(const rg_explain_work *w, int64_t i)
{
  double sum = 0;
  for (int k = 0; k < w->n_parts; k++)
    for (int64_t f = 0; f < w->part[k].features; f++)
      sum += (double)w->part[k].phi[i * w->part[k].features + f];
  return sum / ((double)w->out->draws * POINTS);
}

static rg_status check_sums(rg_explain_work *w, int64_t t, const tally *all)
{
  rg_explanation *out = w->out;
  double draws = (double)out->draws, n = (double)w->n;
  bool spoiled = rg_fault("explain.sum");
  int64_t sums[4] = {0}; /* squares of errors, of standard errors, of rises; no numbers */
  for (int64_t i = 0; i < w->here; i++) {
    double rise = all->rise[i] / draws, error = (spoiled ? 0 : phi_of_cell(w, i)) - rise;
    double mean = all->off[i] / draws;
    double variance = (all->squares[i] / draws - mean * mean) / (draws - 1);
    if (!isfinite(error) || !isfinite(variance)) {
      sums[3]++;
      continue;
    }
    sums[0] += llround(error * error * unit);
    sums[1] += llround(fmax(variance, 0) * unit);
    sums[2] += llround(rise * rise * unit);
  }
  rg_sum_i64(w->session->comm, sums, 4);
  out->error[t] = sqrt((double)sums[0] / unit / n);
  out->spread[t] = sqrt((double)sums[2] / unit / n);
  out->tolerance[t] =
      errors_allowed * sqrt((double)sums[1] / unit / n) + rounding * (1 + out->spread[t]);
  if (sums[3] > 0 || out->error[t] > out->tolerance[t])
    return rg_fail(
        RG_EFAIL,
        "explain: for the target %s the sums over features are off by %.3g; %.3g "
        "is allowed with %lld draws (f(x) - mean f(x') is %.3g)",
        rg_strings_at(&out->targets, t), out->error[t], out->tolerance[t],
        (long long)out->draws, out->spread[t]);
  return RG_OK;
}

static rg_status explain_targets(rg_explain_work *w)
{
  rg_status status = RG_OK;
  tally all = {RG_NEW(double, w->here), RG_NEW(double, w->here), RG_NEW(double, w->here),
               RG_NEW(double, w->here)};
  w->seed = RG_NEW(float, w->here * w->target->width);
  for (int64_t t = 0; t < w->out->targets.n; t++) {
    draw_target(w, t, &all);
    keep_relevance(w, t);
    RG_TRY(check_sums(w, t, &all));
  }
out:
  rg_free(all.off);
  rg_free(all.squares);
  rg_free(all.rise);
  rg_free(all.sum);
  return status;
}

/* ---- all ---- */

static void make_tables(rg_explain_work *w)
{
  rg_explanation *out = w->out;
  int64_t targets = out->targets.n;
  out->n_inputs = w->n_parts;
  for (int k = 0; k < w->n_parts; k++) {
    snprintf(out->input[k].modality, sizeof out->input[k].modality, "%s",
             w->part[k].input->modality);
    out->input[k].relevance = rg_mat_new(w->part[k].features, targets);
  }
  out->error = RG_NEW(double, targets);
  out->tolerance = RG_NEW(double, targets);
  out->spread = RG_NEW(double, targets);
}

static void work_fini(rg_explain_work *w)
{
  for (int k = 0; k < w->n_parts; k++) {
    rg_free(w->part[k].x);
    rg_free(w->part[k].first);
    rg_free(w->part[k].has);
    rg_free(w->part[k].phi);
    rg_free(w->part[k].slope);
  }
  rg_batch_fini(&w->batch);
  rg_free(w->column);
  rg_free(w->value);
  rg_free(w->base);
  rg_free(w->seed);
  rg_session_free(w->session);
}

rg_status rg_explain(rg_comm *comm, const char *run, const rg_dataset *dataset,
                     const rg_explain_options *o, rg_explanation *out)
{
  rg_status status = RG_OK;
  rg_explain_work w = {.out = out};
  *out = (rg_explanation){.draws = o->draws > 0 ? o->draws : DRAWS};
  if (out->draws < LEAST_DRAWS)
    return rg_fail(RG_EUSAGE, "%d draws or more", LEAST_DRAWS);
  RG_TRY(rg_session_sample(comm, run, dataset, o->cells > 0 ? o->cells : CELLS,
                           &w.session));
  w.here = rg_graph_cells(w.session->graph);
  w.n = out->cells = w.session->sample;
  const rg_share *share = rg_grid_share(w.session->grid);
  w.low = share->my_lanes.low * share->lane_cells;
  w.run = (rg_run){.graph = w.session->graph, .share = share,
                   .seed = (uint64_t)w.session->plan->train.seed};
  RG_TRY(rg_explain_prepare(&w, o));
  make_tables(&w);
  look_at_background(&w);
  RG_TRY(explain_targets(&w));
out:
  work_fini(&w);
  return status;
}

void rg_explanation_fini(rg_explanation *explanation)
{
  for (int k = 0; k < explanation->n_inputs; k++)
    rg_mat_fini(&explanation->input[k].relevance);
  rg_strings_fini(&explanation->targets);
  rg_free(explanation->error);
  rg_free(explanation->tolerance);
  rg_free(explanation->spread);
  *explanation = (rg_explanation){0};
}
