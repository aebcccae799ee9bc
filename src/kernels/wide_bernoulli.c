/* wide_bernoulli: the output layer of many binary features with its likelihood, tile by
 * tile. A tile is TILE features by all cells, feature-major; logits, likelihood, and the
 * three gradients are made while it lies in the second cache.
 *
 *   logits      g[f][cell] = bias[f] + w[f] . h[cell]          vectors along cells
 *   likelihood  z = x ? -y : y; sums of softplus(z); g = dl/dy
 *   dh          partial[cell] += sum over f of g[f][cell] w[f]  vectors along width
 *   dw          lane by lane: sum over cells of g[f][cell] h[cell]; then the tree
 *
 * A strip of tiles keeps its own dh and its own numerators; both are summed over the
 * strips of a block in order. */
#include "src/kernels/tile.h"
#include "src/kernels/wide.h"

#include <omp.h>

#define TILE 96
#define GROUP (2 * TILE_ROWS) /* features whose gradients are summed together */
#define STRIP (10 * TILE)
#define PANEL (TILE_VECTORS * RG_V)

/* memory of a pass; lengths in floats are whole cache lines */
typedef struct layout {
  int64_t cells, cells_padded, width, width_padded;
  int64_t strips;
  int depth;                /* of the tree over lanes */
  int64_t transposed;       /* of one block: h in panels of cells */
  int64_t rows;             /* of one block: h padded, 0 when it needs none */
  int64_t partial, numbers; /* of one strip: dh; numerators (doubles) */
  int64_t weights, tile, stack, bits, sums; /* of one thread */
} layout;

static int64_t lines(int64_t floats)
{
  return (floats + 15) / 16 * 16;
}

static layout lay_out(int n_blocks, const int64_t *offset, int64_t cells, int width)
{
  int64_t cells_padded = tile_padded(cells), width_padded = tile_padded(width);
  bool padded = width_padded != width;
  int depth = wide_depth(cells);
  return (layout){
      .cells = cells,
      .cells_padded = cells_padded,
      .width = width,
      .width_padded = width_padded,
      .strips = rg_wide_strips(n_blocks, offset, STRIP),
      .depth = depth,
      .transposed = lines(cells_padded * width),
      .rows = padded ? lines(cells * width_padded) : 0,
      .partial = lines(cells * width_padded),
      .numbers = lines(2 * cells),
      .weights = padded ? lines(TILE * width_padded) : 0,
      .tile = lines(TILE * cells_padded),
      .stack = lines(depth * (GROUP * width_padded + tile_padded(GROUP))),
      .bits = lines(TILE * cells_padded / RG_V / 2 + 1),
      .sums = lines(2 * cells_padded),
  };
}

static int64_t shared_floats(const layout *lay, int n_blocks)
{
  return n_blocks * (lay->transposed + lay->rows) +
         lay->strips * (lay->partial + lay->numbers);
}

static int64_t thread_floats(const layout *lay)
{
  return lay->weights + lay->tile + lay->stack + lay->bits + lay->sums;
}

int64_t rg_wide_scratch(int n_blocks, const int64_t *offset, int64_t cells, int width)
{
  layout lay = lay_out(n_blocks, offset, cells, width);
  return shared_floats(&lay, n_blocks) + omp_get_max_threads() * thread_floats(&lay);
}

/* where everything lies for one thread */
typedef struct space {
  float *transposed, *rows; /* of all blocks */
  float *partial;           /* of all strips */
  double *numbers;
  float *weights, *tile, *stack;
  uint16_t *bits; /* [feature of the tile][vector of cells]: the targets */
  double *sums;   /* per cell, over the strip */
} space;

static space space_of(const layout *lay, int n_blocks, float *scratch, int thread)
{
  space at = {.transposed = scratch};
  at.rows = at.transposed + n_blocks * lay->transposed;
  at.partial = at.rows + n_blocks * lay->rows;
  float *numbers = at.partial + lay->strips * lay->partial;
  at.numbers = (double *)numbers;
  at.weights = numbers + lay->strips * lay->numbers + thread * thread_floats(lay);
  at.tile = at.weights + lay->weights;
  at.stack = at.tile + lay->tile;
  at.bits = (uint16_t *)(at.stack + lay->stack);
  at.sums = (double *)(at.stack + lay->stack + lay->bits);
  return at;
}

/* panel p of the cells: its first vector */
static int64_t panel_low(const layout *lay, int64_t p)
{
  int64_t vectors = lay->cells_padded / RG_V;
  int64_t panels = (vectors + TILE_VECTORS - 1) / TILE_VECTORS;
  return vectors * p / panels;
}

/* h (cells x width) as panels [width][cells of the panel], zero where there is no cell */
static void transpose(const layout *lay, const float *h, float *to)
{
  int64_t vectors = lay->cells_padded / RG_V;
  for (int64_t p = 0; panel_low(lay, p) < vectors; p++) {
    int64_t low = panel_low(lay, p) * RG_V, n = panel_low(lay, p + 1) * RG_V - low;
    for (int64_t c = 0; c < n; c++)
      for (int64_t k = 0; k < lay->width; k++)
        to[k * n + c] = low + c < lay->cells ? h[(low + c) * lay->width + k] : 0.0f;
    to += lay->width * n;
  }
}

static void pad_rows(int64_t rows, int64_t width, int64_t padded, const float *from,
                     float *to)
{
  for (int64_t i = 0; i < rows; i++) {
    memcpy(to + i * padded, from + i * width, (size_t)width * sizeof *to);
    memset(to + i * padded + width, 0, (size_t)(padded - width) * sizeof *to);
  }
}

/* g[f][cell] = bias[f] + w[f] . h[cell], for n features; w has width_padded columns */
static void logits(const layout *lay, const float *transposed, int64_t n,
                   const float *w, const float *bias, float *g)
{
  int64_t vectors = lay->cells_padded / RG_V;
  for (int64_t p = 0; panel_low(lay, p) < vectors; p++) {
    int64_t low = panel_low(lay, p), high = panel_low(lay, p + 1);
    rg_tile_product(n, (int)(high - low), lay->width, w, lay->width_padded, 1,
                    transposed + low * RG_V * lay->width, (high - low) * RG_V,
                    bias ? TILE_ROW_VALUE : TILE_ZERO, bias, g + low * RG_V,
                    lay->cells_padded);
  }
}

/* bits of the targets of features [low, low + n) */
static void mark(const layout *lay, const rg_csr *columns, int64_t low, int64_t n,
                 uint16_t *bits)
{
  int64_t vectors = lay->cells_padded / RG_V;
  memset(bits, 0, (size_t)(n * vectors) * sizeof *bits);
  for (int64_t f = 0; f < n; f++) {
    uint16_t *row = bits + f * vectors;
    for (int64_t e = columns->indptr[low + f]; e < columns->indptr[low + f + 1]; e++) {
      uint32_t cell = (uint32_t)columns->indices[e];
      row[cell / RG_V] |= (uint16_t)(1u << cell % RG_V);
    }
  }
}

/* weights of the two kinds of targets, one element per cell */
typedef struct weighting {
  vec one, zero;             /* of the value */
  vec slope_one, slope_zero; /* of the gradient, with its sign and scale */
} weighting;

/* the weights of vector v of the cells, where cells have weights */
static weighting weighted(const rg_wide_bernoulli *pass, const layout *lay,
                          const weighting *by, int64_t v)
{
  if (!pass->cell_weight)
    return *by;
  int64_t left = lay->cells - v * RG_V;
  const float *from = pass->cell_weight + v * RG_V;
  vec w = left >= RG_V ? vec_load(from)
          : left > 0   ? vec_load_n(from, (int)left)
                       : vec_set(0.0f);
  return (weighting){w * by->one, w * by->zero, w * by->slope_one, w * by->slope_zero};
}

/* Likelihood of one vector of cells over n features (a column of the tile): logits become
 * gradients, and the weighted loss is added to sums. log(1 + e^-|y|) is taken of running
 * products, at most 2^TILE: one over all features and one over those whose target is 1. */
static void likelihood(const weighting *by, int64_t n, int64_t stride,
                       const uint16_t *bits, int64_t bits_stride, float *g,
                       double *sums)
{
  const vec nought = vec_set(0.0f), unit = vec_set(1.0f);
  const weighting of = *by;
  vec linear = nought, product = unit, product_one = unit;
  for (int64_t f = 0; f < n; f++) {
    vec_mask x = vec_bits(bits[f * bits_stride]);
    vec z = vec_load(g + f * stride);
    z = vec_select(x, nought - z, z);
    vec t = vec_exp_negative(vec_negative(z)), d = unit + t;
    product = product * d;
    product_one = vec_mul_where(x, product_one, d);
    linear = vec_fma(vec_select(x, of.one, of.zero), vec_most(nought, z), linear);
    vec s = vec_inverse(d);
    s = vec_mul_where(vec_below(z, nought), s, t);
    vec_store(g + f * stride, s * vec_select(x, of.slope_one, of.slope_zero));
  }
  vec loss = vec_fma(of.zero, vec_log_positive(product), linear);
  loss = vec_fma(of.one - of.zero, vec_log_positive(product_one), loss);
  float part[RG_V];
  vec_store(part, loss);
  for (int i = 0; i < RG_V; i++)
    sums[i] += (double)part[i];
}

/* partial[cell] += sum over f of g[f][cell] w[f] */
static void hidden_gradient(const layout *lay, int64_t n, const float *g,
                            const float *w, bool first, float *partial)
{
  for (int64_t j = 0; j < lay->width_padded; j += PANEL) {
    int64_t left = (lay->width_padded - j) / RG_V;
    rg_tile_product(lay->cells, (int)(left < TILE_VECTORS ? left : TILE_VECTORS), n, g,
                    1, lay->cells_padded, w + j, lay->width_padded,
                    first ? TILE_ZERO : TILE_CONTINUE, NULL, partial + j,
                    lay->width_padded);
  }
}

/* sum of n floats: RG_V interleaved sums, then halves */
static float sum_of(const float *x, int64_t n)
{
  vec sum = vec_set(0.0f);
  int64_t i = 0;
  for (; i + RG_V <= n; i += RG_V)
    sum = sum + vec_load(x + i);
  if (i < n)
    sum = sum + vec_load_n(x + i, (int)(n - i));
  return vec_sum(sum);
}

/* Gradient of n <= GROUP features of one lane: rows [feature][width_padded], and
 * after them one sum per feature for the bias; added to what is there, or written. */
static void lane_gradient(const layout *lay, int64_t n, int64_t lane,
                          int64_t lane_cells, const float *g, const float *rows,
                          bool onto, float *to)
{
  const float *from = g + lane * lane_cells;
  for (int64_t j = 0; j < lay->width_padded; j += PANEL) {
    int64_t left = (lay->width_padded - j) / RG_V;
    rg_tile_product(n, (int)(left < TILE_VECTORS ? left : TILE_VECTORS), lane_cells,
                    from, lay->cells_padded, 1,
                    rows + lane * lane_cells * lay->width_padded + j, lay->width_padded,
                    onto ? TILE_ONTO : TILE_ZERO, NULL, to + j, lay->width_padded);
  }
  float *sums = to + GROUP * lay->width_padded;
  for (int64_t f = 0; f < n; f++)
    sums[f] =
        (onto ? sums[f] : 0.0f) + sum_of(from + f * lay->cells_padded, lane_cells);
}

typedef struct steps {
  update_step weight, shift;
} steps;

/* dw and dbias of n features from `low`: over the lanes, then stored or applied */
static void parameter_gradient(const rg_wide_bernoulli *pass, const layout *lay,
                               const steps *step, int64_t low, int64_t n,
                               const float *g, const float *rows, float *floor)
{
  const rg_wide_gradient *weight = &pass->weight, *shift = &pass->shift;
  int64_t entry = GROUP * lay->width_padded + tile_padded(GROUP);
  for (int64_t i = 0; i < n; i += GROUP) {
    int64_t group = n - i < GROUP ? n - i : GROUP;
    for (int s = 0; s < wide_slots(weight); s++) {
      rg_range lanes = wide_slot(weight, s);
      wide_stack stack = {floor, entry, 0, 0};
      for (int64_t lane = lanes.low; lane < lanes.high; lane++) {
        lane_gradient(lay, group, lane, pass->lane_cells, g + i * lay->cells_padded,
                      rows, wide_stack_onto(&stack), wide_stack_leaf(&stack));
        wide_stack_push(&stack);
      }
      wide_stack_finish(&stack);
      if (lay->width == lay->width_padded)
        wide_deliver(weight, &step->weight, s, (low + i) * lay->width,
                     group * lay->width, floor, pass->w);
      else
        for (int64_t f = 0; f < group; f++)
          wide_deliver(weight, &step->weight, s, (low + i + f) * lay->width, lay->width,
                       floor + f * lay->width_padded, pass->w);
      if (pass->bias)
        wide_deliver(shift, &step->shift, s, low + i, group,
                     floor + GROUP * lay->width_padded, pass->bias);
    }
  }
}

/* everything for one strip */
static void strip_pass(const rg_wide_bernoulli *pass, const layout *lay,
                       const steps *step, const weighting *by, const space *at,
                       wide_strip strip, float *partial, double *numbers)
{
  int64_t vectors = lay->cells_padded / RG_V;
  const float *rows = lay->rows ? at->rows + strip.block * lay->rows
                                : pass->h + strip.block * lay->cells * lay->width;
  memset(at->sums, 0, (size_t)lay->cells_padded * sizeof *at->sums);
  for (int64_t low = strip.low; low < strip.high; low += TILE) {
    int64_t n = strip.high - low < TILE ? strip.high - low : TILE;
    const float *w = pass->w + low * lay->width;
    if (lay->weights) {
      pad_rows(n, lay->width, lay->width_padded, w, at->weights);
      w = at->weights;
    }
    logits(lay, at->transposed + strip.block * lay->transposed, n, w,
           pass->bias ? pass->bias + low : NULL, at->tile);
    mark(lay, pass->columns, low, n, at->bits);
    for (int64_t v = 0; v < vectors; v++) {
      const weighting own = weighted(pass, lay, by, v);
      likelihood(&own, n, lay->cells_padded, at->bits + v, vectors, at->tile + v * RG_V,
                 at->sums + v * RG_V);
    }
    if (!pass->dh)
      continue;
    hidden_gradient(lay, n, at->tile, w, low == strip.low, partial);
    if (pass->update_parameters)
      parameter_gradient(pass, lay, step, low, n, at->tile, rows, at->stack);
  }
  for (int64_t lane = 0; lane < pass->lanes; lane++) {
    double sum = 0.0;
    for (int64_t c = 0; c < pass->lane_cells; c++)
      sum += at->sums[lane * pass->lane_cells + c];
    numbers[lane] = sum;
  }
}

/* numerators and dh of every block: its strips in order */
static void join_strips(const rg_wide_bernoulli *pass, const layout *lay,
                        const space *at, const wide_strip *strips)
{
  int64_t work = pass->n_blocks * lay->cells;
  for (int64_t i = 0; i < pass->n_blocks * pass->lanes; i++)
    pass->numerator[i] = 0.0;
  for (int64_t s = 0; s < lay->strips; s++)
    for (int64_t lane = 0; lane < pass->lanes; lane++)
      pass->numerator[strips[s].block * pass->lanes + lane] +=
          at->numbers[s * lay->numbers / 2 + lane];
  if (!pass->dh)
    return;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < work; i++) {
    int64_t block = i / lay->cells, cell = i % lay->cells, s = 0;
    float *to = pass->dh + i * lay->width;
    while (s < lay->strips && strips[s].block < block)
      s++;
    memset(to, 0, (size_t)lay->width * sizeof *to);
    for (; s < lay->strips && strips[s].block == block; s++) {
      const float *from = at->partial + s * lay->partial + cell * lay->width_padded;
      for (int64_t j = 0; j < lay->width; j++)
        to[j] += from[j];
    }
  }
}

/* sigmoid of a tile of logits, turned round */
static void tile_mean(const layout *lay, int64_t n, float *tile, float *mean,
                      int64_t stride)
{
  const vec nought = vec_set(0.0f), unit = vec_set(1.0f);
  for (int64_t i = 0; i < n * lay->cells_padded; i += RG_V) {
    vec y = vec_load(tile + i), t = vec_exp(nought - vec_abs(y));
    vec_store(tile + i, vec_mul_where(vec_below(y, nought), unit / (unit + t), t));
  }
  for (int64_t c = 0; c < lay->cells; c++)
    for (int64_t f = 0; f < n; f++)
      mean[c * stride + f] = tile[f * lay->cells_padded + c];
}

void rg_wide_bernoulli_pass(const rg_wide_bernoulli *pass)
{
  int64_t cells = pass->lanes * pass->lane_cells;
  const layout lay = lay_out(pass->n_blocks, pass->offset, cells, pass->width);
  int threads = omp_get_max_threads();
  float *own = pass->scratch
                   ? NULL
                   : RG_NEW(float, shared_floats(&lay, pass->n_blocks) +
                                                 threads * thread_floats(&lay));
  float *scratch = own ? own : pass->scratch;
  wide_strip *strips = RG_NEW(wide_strip, lay.strips);
  rg_wide_cut(pass->n_blocks, pass->offset, STRIP, TILE, strips);
  const steps step = {wide_step(&pass->weight), wide_step(&pass->shift)};
  const weighting by = {vec_set(pass->one_weight), vec_set(pass->zero_weight),
                        vec_set(-pass->scale * pass->one_weight),
                        vec_set(pass->scale * pass->zero_weight)};
#pragma omp parallel num_threads(threads)
  {
    const space at = space_of(&lay, pass->n_blocks, scratch, omp_get_thread_num());
#pragma omp for schedule(dynamic, 1)
    for (int b = 0; b < pass->n_blocks; b++) {
      const float *h = pass->h + b * lay.cells * lay.width;
      transpose(&lay, h, at.transposed + b * lay.transposed);
      if (lay.rows)
        pad_rows(lay.cells, lay.width, lay.width_padded, h, at.rows + b * lay.rows);
    }
#pragma omp for schedule(dynamic, 1)
    for (int64_t s = 0; s < lay.strips; s++)
      strip_pass(pass, &lay, &step, &by, &at, strips[s], at.partial + s * lay.partial,
                 at.numbers + s * lay.numbers / 2);
  }
  const space at = space_of(&lay, pass->n_blocks, scratch, 0);
  join_strips(pass, &lay, &at, strips);
  rg_free(strips);
  rg_free(own);
}

void rg_wide_bernoulli_mean(int n_blocks, const int64_t *offset, int64_t cells,
                            int width, const float *h, const float *w,
                            const float *bias, float *mean, int64_t stride)
{
  const layout lay = lay_out(n_blocks, offset, cells, width);
  int threads = omp_get_max_threads();
  float *scratch =
      RG_NEW(float, shared_floats(&lay, n_blocks) + threads * thread_floats(&lay));
  wide_strip *strips = RG_NEW(wide_strip, lay.strips);
  rg_wide_cut(n_blocks, offset, STRIP, TILE, strips);
#pragma omp parallel num_threads(threads)
  {
    const space at = space_of(&lay, n_blocks, scratch, omp_get_thread_num());
#pragma omp for schedule(dynamic, 1)
    for (int b = 0; b < n_blocks; b++)
      transpose(&lay, h + b * cells * width, at.transposed + b * lay.transposed);
#pragma omp for schedule(dynamic, 1)
    for (int64_t s = 0; s < lay.strips; s++)
      for (int64_t low = strips[s].low; low < strips[s].high; low += TILE) {
        int64_t n = strips[s].high - low < TILE ? strips[s].high - low : TILE;
        const float *rows = w + low * width;
        if (lay.weights) {
          pad_rows(n, width, lay.width_padded, rows, at.weights);
          rows = at.weights;
        }
        logits(&lay, at.transposed + strips[s].block * lay.transposed, n, rows,
               bias ? bias + low : NULL, at.tile);
        tile_mean(&lay, n, at.tile, mean + low, stride);
      }
  }
  rg_free(strips);
  rg_free(scratch);
}
