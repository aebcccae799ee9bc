/* Contrast of the modalities of a cell against rows that are likely of another kind: the
 * negatives are rows whose predicted group differs. Gradients never travel: every rank
 * finds out what the rows of others owe to its own, which it can because a draw depends
 * on places in the batch alone. */
#include "masked.h"

#include <math.h>
#include <string.h>

typedef struct hard_options {
  double temperature, share;
  char *negatives;
} hard_options;

static const rg_field fields[] = {
    {"temperature", RG_DOUBLE, offsetof(hard_options, temperature), "0.1", 0.01, 100, NULL,
     NULL, "divides the products"},
    {"share", RG_DOUBLE, offsetof(hard_options, share), "0.25", 1e-6, 100, NULL, NULL,
     "negatives of a pair, as a share of the rows of the batch"},
    {"negatives", RG_CHOICE, offsetof(hard_options, negatives), "all", 0, 0, "all|drawn",
     NULL,
     "all rows of other groups, each as often as it is drawn on average; or drawn with "
     "replacement, as released UnitedNet does"},
    {0}};

/* Rows: all cells of the batch in the first modality, then in the second, ... */
typedef struct hard_state {
  float *all;                   /* [modality][batch][width] */
  float *counts, *all_counts;   /* masks, [cell] and [modality][batch] */
  float *group, *all_group;     /* of a cell */
  int32_t *order, *first;       /* rows that count by group; where a group begins */
  float *product, *weight;      /* [own row][row]: over the temperature; slopes */
  float *level, *all_level;     /* of a pair, [cell][modality][other] */
  float *anchor_level;          /* [other][row]; infinite when it is no pair */
  float *anchor_times;          /* [row]: how often it takes each of its negatives */
  float *gradient;              /* [modality][cell][width] */
  int64_t rows, drawn;          /* rows that count; negatives of a pair */
} hard_state;

static int modalities_of(const rg_op *op)
{
  return (op->n_in - 1) / 2;
}

/* in[0..K): rows of unit length; in[K]: assignments; in[K + 1..]: masks, > 0 where the
 * cell has the modality */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  int k = modalities_of(op);
  if (op->n_in % 2 == 0 || k < 2)
    return rg_fail(RG_EUSAGE,
                   "hard_negatives %s: two modalities or more, assignments, and as many "
                   "masks", op->name);
  for (int i = 0; i < op->n_in; i++)
    if (op->in[i]->sparse || op->in[i]->blocks ||
        (i != k && op->in[i]->width != (i < k ? op->in[0]->width : 1)))
      return rg_fail(RG_EUSAGE, "hard_negatives %s: input %d has a wrong shape", op->name,
                     i);
  return RG_OK;
}

static void plan(rg_graph *graph, rg_op *op)
{
  hard_state *state = op->state;
  const rg_share *share = rg_graph_share(graph);
  int64_t cells = rg_graph_cells(graph), batch = (int64_t)share->lanes * share->lane_cells;
  int64_t k = modalities_of(op), width = op->in[0]->width;
  state->all = rg_graph_scratch(graph, k * batch * width);
  state->counts = rg_graph_scratch(graph, cells);
  state->all_counts = rg_graph_scratch(graph, k * batch);
  state->group = rg_graph_scratch(graph, cells);
  state->all_group = rg_graph_scratch(graph, batch);
  state->order = (void *)rg_graph_scratch(graph, k * batch);
  state->first = (void *)rg_graph_scratch(graph, op->in[k]->width + 1);
  state->product = rg_graph_scratch(graph, k * cells * k * batch);
  state->weight = rg_graph_scratch(graph, k * cells * k * batch);
  state->level = rg_graph_scratch(graph, cells * k * k);
  state->all_level = rg_graph_scratch(graph, batch * k * k);
  state->anchor_level = rg_graph_scratch(graph, k * k * batch);
  state->anchor_times = rg_graph_scratch(graph, k * batch);
  state->gradient = rg_graph_scratch(graph, k * cells * width);
}

/* ---- the batch ------------------------------------------------------------------- */

static void gather(rg_run *run, rg_op *op)
{
  const hard_state *state = op->state;
  const rg_share *share = run->share;
  int k = modalities_of(op), width = op->in[0]->width, groups = op->in[k]->width;
  int64_t batch = (int64_t)batch_cells(run);
  for (int64_t i = 0; i < cells_of(run); i++) {
    const float *a = op->in[k]->x + i * groups;
    int best = 0;
    for (int q = 1; q < groups; q++)
      best = a[q] > a[best] ? q : best;
    state->group[i] = (float)best;
  }
  share->gather_lanes(share, state->group, 1, state->all_group);
  for (int m = 0; m < k; m++) {
    for (int64_t i = 0; i < cells_of(run); i++)
      state->counts[i] = cell_counts(op->in[k + 1 + m], i);
    share->gather_lanes(share, state->counts, 1, state->all_counts + m * batch);
    share->gather_lanes(share, op->in[m]->x, width, state->all + m * batch * width);
  }
}

static int group_of(const hard_state *state, int64_t cell)
{
  return (int)state->all_group[cell];
}

/* Rows that count, by group. */
static void sort_rows(rg_run *run, rg_op *op)
{
  const hard_options *o = op->options;
  hard_state *state = op->state;
  int64_t batch = (int64_t)batch_cells(run), rows = modalities_of(op) * batch;
  int groups = op->in[modalities_of(op)]->width;
  state->rows = 0;
  for (int q = 0; q < groups; q++) {
    state->first[q] = (int32_t)state->rows;
    for (int64_t row = 0; row < rows; row++)
      if (state->all_counts[row] > 0 && group_of(state, row % batch) == q)
        state->order[state->rows++] = (int32_t)row;
  }
  state->first[groups] = (int32_t)state->rows;
  state->drawn = (int64_t)(o->share * (double)state->rows);
  state->drawn = state->drawn > 1 ? state->drawn : 1;
}

/* ---- pairs ----------------------------------------------------------------------- */

/* An anchor, its partner in another modality, and what they are held against. */
typedef struct pair {
  int64_t anchor, partner;     /* rows */
  int32_t low, high;           /* of the anchor's group in the order */
  int64_t others, n;           /* rows of other groups; negatives */
  float times;                 /* each of them counts so often */
  bool drawn;
  rg_key key;
  uint64_t number;
} pair;

/* What the rows of a cell are held against. */
static void set_others(const rg_run *run, const rg_op *op, int64_t cell, pair *p)
{
  const hard_options *o = op->options;
  const hard_state *state = op->state;
  int group = group_of(state, cell);
  *p = (pair){.low = state->first[group],
              .high = state->first[group + 1],
              .drawn = strcmp(o->negatives, "drawn") == 0,
              .key = op_key(run, op, RG_FOR_NEGATIVES)};
  p->others = state->rows - (p->high - p->low);
  p->n = p->drawn && p->others ? state->drawn : p->others;
  p->times = p->drawn ? 1 : (float)state->drawn / (float)p->others;
}

/* False when the cell lacks one of the two or there are no negatives. */
static bool pair_of(const rg_run *run, const rg_op *op, int64_t cell, int from, int to,
                    pair *p)
{
  const hard_state *state = op->state;
  int64_t batch = (int64_t)batch_cells(run);
  set_others(run, op, cell, p);
  p->anchor = from * batch + cell;
  p->partner = to * batch + cell;
  p->number = (uint64_t)(p->anchor * modalities_of(op) + to);
  return from != to && p->others > 0 && state->all_counts[p->anchor] > 0 &&
         state->all_counts[p->partner] > 0;
}

/* negatives that are looked at together; a multiple of 4 */
enum { PIECE = 64 };

/* Negatives low .. low + PIECE; returns how many of them there are. */
static int negatives_of(const hard_state *state, const pair *p, int64_t low,
                        int32_t row[PIECE])
{
  uint32_t word[4] = {0};
  int n = p->n - low < PIECE ? (int)(p->n - low) : PIECE;
  for (int i = 0; i < n; i++) {
    if (p->drawn && i % 4 == 0)
      rg_random(&p->key, p->number, (uint64_t)((low + i) / 4), word);
    int64_t at = p->drawn ? (int64_t)((uint64_t)word[i % 4] * (uint64_t)p->others >> 32)
                          : low + i;
    row[i] = state->order[at < p->low ? at : at + (p->high - p->low)];
  }
  return n;
}

/* log of the sum of the exponentials of the products s of the anchor */
static float level_of(const hard_state *state, const pair *p, const float *s)
{
  int32_t row[PIECE];
  float top = s[p->partner], e[PIECE];
  double sum = 0;
  for (int64_t low = 0; low < p->n; low += PIECE) {
    int n = negatives_of(state, p, low, row);
    float highest = top;
    for (int i = 0; i < n; i++)
      highest = fmaxf(highest, s[row[i]]);
    sum *= exp((double)(top - highest));
    top = highest;
    for (int i = 0; i < n; i++)
      e[i] = s[row[i]] - top;
    rg_v_exp(n, e, e);
    for (int i = 0; i < n; i++)
      sum += (double)e[i];
  }
  sum = (double)p->times * sum + exp((double)(s[p->partner] - top));
  return top + (float)log(sum);
}

/* ---- forwards -------------------------------------------------------------------- */

static void products(rg_run *run, rg_op *op)
{
  const hard_options *o = op->options;
  const hard_state *state = op->state;
  int k = modalities_of(op), d = op->in[0]->width;
  int64_t n = run->share->lane_cells, rows = k * (int64_t)batch_cells(run);
#pragma omp parallel for schedule(static) collapse(2)
  for (int m = 0; m < k; m++)
    for (int64_t lane = 0; lane < rg_run_lanes(run); lane++)
      rg_gemm(false, true, n, rows, d, (float)(1 / o->temperature),
              lane_x(run, op->in[m], 0, lane), d, state->all, d, 0,
              state->product + (m * cells_of(run) + lane * n) * rows, rows);
}

/* Levels of the anchors here, and their partials: level - own product. */
static void levels(rg_run *run, rg_op *op)
{
  const hard_state *state = op->state;
  int k = modalities_of(op);
  int64_t n = run->share->lane_cells, rows = k * (int64_t)batch_cells(run);
  int64_t first = run->share->my_lanes.low * n;
#pragma omp parallel for schedule(static)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    op->partial[lane] = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++)
      for (int both = 0; both < k * k; both++) {
        const float *s = state->product + (both / k * cells_of(run) + i) * rows;
        pair p;
        state->level[i * k * k + both] = 0;
        if (!pair_of(run, op, first + i, both / k, both % k, &p))
          continue;
        state->level[i * k * k + both] = level_of(state, &p, s);
        op->partial[lane] += (double)(state->level[i * k * k + both] - s[p.partner]);
      }
  }
}

/* A row here as an anchor: weights of its partner and its negatives. */
static void weigh_pair(const hard_state *state, const pair *p, const float *s, float level,
                       float *weight)
{
  int32_t row[PIECE];
  float e[PIECE];
  weight[p->partner] += expf(s[p->partner] - level) - 1;
  for (int64_t low = 0; low < p->n; low += PIECE) {
    int n = negatives_of(state, p, low, row);
    for (int i = 0; i < n; i++)
      e[i] = s[row[i]] - level;
    rg_v_exp(n, e, e);
    for (int i = 0; i < n; i++)
      weight[row[i]] += p->times * e[i];
  }
}

/* The levels of all anchors, by row. */
static void spread_levels(rg_run *run, rg_op *op)
{
  const hard_state *state = op->state;
  int k = modalities_of(op);
  int64_t batch = (int64_t)batch_cells(run);
  for (int64_t cell = 0; cell < batch; cell++)
    for (int both = 0; both < k * k; both++) {
      int from = both / k, to = both % k;
      int64_t row = from * batch + cell;
      pair p;
      state->anchor_level[to * k * batch + row] =
          pair_of(run, op, cell, from, to, &p) ? state->all_level[cell * k * k + both]
                                               : INFINITY;
      state->anchor_times[row] = p.times;
    }
}

static float level_from(const rg_run *run, const rg_op *op, int64_t anchor, int to)
{
  const hard_state *state = op->state;
  return state->anchor_level[to * modalities_of(op) * (int64_t)batch_cells(run) + anchor];
}

/* A row here as a negative of all anchors of other groups, which are those it is held
 * against itself. */
static void weigh_against_all(const rg_run *run, const rg_op *op, const pair *p,
                              const float *s, float *weight)
{
  const hard_state *state = op->state;
  int32_t row[PIECE];
  float e[PIECE];
  for (int to = 0; to < modalities_of(op); to++) {
    const float *level = state->anchor_level + to * modalities_of(op) *
                                                   (int64_t)batch_cells(run);
    for (int64_t low = 0; low < p->n; low += PIECE) {
      int n = negatives_of(state, p, low, row);
      for (int i = 0; i < n; i++)
        e[i] = s[row[i]] - level[row[i]];
      rg_v_exp(n, e, e);
      for (int i = 0; i < n; i++)
        weight[row[i]] += state->anchor_times[row[i]] * e[i];
    }
  }
}

/* Weights of the products of a row here. A row that counts is a negative of others even
 * where its own cell has no pair. */
static void weigh_row(rg_run *run, rg_op *op, int64_t own)
{
  const hard_state *state = op->state;
  int k = modalities_of(op), from = (int)(own / cells_of(run));
  int64_t batch = (int64_t)batch_cells(run), rows = k * batch;
  int64_t cell = run->share->my_lanes.low * run->share->lane_cells + own % cells_of(run);
  const float *s = state->product + own * rows;
  float *weight = state->weight + own * rows;
  memset(weight, 0, sizeof *weight * (size_t)rows);
  if (!(state->all_counts[from * batch + cell] > 0))
    return;
  pair p;
  for (int to = 0; to < k; to++) {
    if (!pair_of(run, op, cell, from, to, &p))
      continue;
    weigh_pair(state, &p, s, level_from(run, op, p.anchor, to), weight);
    weight[p.partner] += expf(s[p.partner] - level_from(run, op, p.partner, from)) - 1;
  }
  set_others(run, op, cell, &p);
  if (!p.drawn)
    weigh_against_all(run, op, &p, s, weight);
}

/* Rows here as negatives that an anchor has drawn: weights of a column. */
static void weigh_drawn(rg_run *run, rg_op *op, int64_t anchor, int to)
{
  const hard_state *state = op->state;
  int64_t batch = (int64_t)batch_cells(run), rows = modalities_of(op) * batch;
  int64_t cells = cells_of(run), first = run->share->my_lanes.low * run->share->lane_cells;
  float level = level_from(run, op, anchor, to);
  int32_t row[PIECE];
  pair p;
  if (!pair_of(run, op, anchor % batch, (int)(anchor / batch), to, &p) || !p.drawn)
    return;
  for (int64_t low = 0; low < p.n; low += PIECE)
    for (int i = 0, n = negatives_of(state, &p, low, row); i < n; i++) {
      int64_t here = row[i] % batch - first;
      int64_t at = (row[i] / batch * cells + here) * rows + anchor;
      if (here >= 0 && here < cells)
        state->weight[at] += expf(state->product[at] - level);
    }
}

static void weigh(rg_run *run, rg_op *op)
{
  int k = modalities_of(op);
  int64_t rows = k * (int64_t)batch_cells(run);
#pragma omp parallel for schedule(static)
  for (int64_t own = 0; own < k * cells_of(run); own++)
    weigh_row(run, op, own);
#pragma omp parallel for schedule(static)
  for (int64_t anchor = 0; anchor < rows; anchor++)
    for (int to = 0; to < k; to++)
      weigh_drawn(run, op, anchor, to);
}

static double count_pairs(const rg_run *run, const rg_op *op)
{
  int k = modalities_of(op);
  double n = 0;
  pair p;
  for (int64_t cell = 0; cell < (int64_t)batch_cells(run); cell++)
    for (int both = 0; both < k * k; both++)
      n += pair_of(run, op, cell, both / k, both % k, &p);
  return n;
}

static void forward(rg_run *run, rg_op *op)
{
  const hard_options *o = op->options;
  const hard_state *state = op->state;
  int k = modalities_of(op), d = op->in[0]->width;
  int64_t n = run->share->lane_cells, rows = k * (int64_t)batch_cells(run);
  gather(run, op);
  sort_rows(run, op);
  op->denominator = fmax(count_pairs(run, op), 1);
  products(run, op);
  levels(run, op);
  run->share->gather_lanes(run->share, state->level, k * k, state->all_level);
  if (!run->train)
    return;
  spread_levels(run, op);
  weigh(run, op);
#pragma omp parallel for schedule(static) collapse(2)
  for (int m = 0; m < k; m++)
    for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
      int64_t own = m * cells_of(run) + lane * n;
      rg_gemm(false, false, n, d, rows, (float)(1 / o->temperature),
              state->weight + own * rows, rows, state->all, d, 0,
              state->gradient + own * d, d);
    }
}

static void backward(rg_run *run, rg_op *op)
{
  const hard_state *state = op->state;
  for (int m = 0; m < modalities_of(op); m++) {
    int64_t n = node_floats(run, op->in[m]);
    rg_add_slopes(op->in[m]->d, op->scale / op->denominator, state->gradient + m * n, n);
  }
}

/* Groups come from an input without a gradient: they jump. */
static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"temperature=0.5", "temperature=0.7 negatives=drawn share=0.6",
                           "temperature=0.5 share=0.5"};
  if (variant > 2)
    return false;
  rg_node *x[3], *m = rg_input(graph, "m", 1);
  for (int k = 0; k < (variant < 2 ? 2 : 3); k++) {
    char name[] = {(char)('a' + k), '\0'}, unit[] = {'u', (char)('a' + k), '\0'};
    x[k] = rg_input_free(graph, name, NULL, 4);
    x[k] = rg_apply(graph, "unit", unit, NULL, x[k], NULL);
  }
  rg_node *groups = rg_input(graph, "groups", 3);
  rg_node *all = rg_apply(graph, "activation", "all", "kind=exp", m, NULL);
  if (variant < 2)
    rg_loss(graph, "hard_negatives", "loss", options[variant], x[0], x[1], groups, all,
            variant ? m : all, NULL);
  else
    rg_loss(graph, "hard_negatives", "loss", options[variant], x[0], x[1], x[2], groups,
            all, m, all, NULL);
  return true;
}

const rg_op_type rg_loss_hard_negatives = {
    .name = "hard_negatives",
    .cite = "UnitedNet: Tang et al. 2023; Trosten, Lokse, Jenssen, Kampffmeyer 2021",
    .help = "cross entropy of finding a cell's row in another modality among rows of other "
            "groups",
    .options = fields,
    .options_size = sizeof(hard_options),
    .state_size = sizeof(hard_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "float32 products"};
