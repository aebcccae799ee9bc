/* Values of operations and losses against closed forms; gradients are test_gradients'
 * business. */
#include "regatta/nn.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { LANES = 2, LANE_CELLS = 4, CELLS = LANES * LANE_CELLS };

static int64_t cell[CELLS] = {10, 11, 12, 13, 14, 15, 16, 17};

/* A graph under test: inputs are filled by name, then it is run once. */
typedef struct bench {
  rg_share share;
  rg_graph *graph;
  rg_run run;
} bench;

static bench bench_new(void)
{
  bench b = {.share = rg_share_alone(LANES, LANE_CELLS)};
  return b;
}

static void bench_begin(bench *b)
{
  b->graph = rg_graph_new(&b->share, 5);
}

static float draw(int64_t i, int64_t j)
{
  rg_key key = {.seed = 3, .purpose = RG_FOR_TEST};
  return (float)rg_normal(&key, (uint64_t)i, (uint64_t)j);
}

/* Plan, and normal numbers for every input. */
static void bench_plan(bench *b)
{
  cr_assert_eq(rg_graph_plan(b->graph), RG_OK, "%s", rg_error_text());
  for (int k = 0; k < rg_graph_nodes(b->graph); k++) {
    rg_node *node = rg_graph_node(b->graph, k);
    for (int64_t i = 0; !node->op && i < CELLS * node->width; i++)
      node->x[i] = draw(k, i);
  }
}

static void bench_run(bench *b, rg_op *loss, rg_node *target, bool train, double epoch)
{
  rg_op *terms[] = {loss, NULL};
  rg_node *targets[] = {target, NULL};
  b->run = (rg_run){.graph = b->graph,
                    .share = &b->share,
                    .sequence = rg_sequence_new(b->graph, target ? targets : NULL,
                                                loss ? terms : NULL, 0),
                    .train = train,
                    .epoch = epoch,
                    .seed = 2,
                    .cell = cell};
  rg_run_forward(&b->run);
  if (loss)
    cr_assert(rg_run_terms(&b->run));
}

static double value_of(bench *b, rg_op *loss)
{
  bench_run(b, loss, NULL, true, 0);
  return loss->value;
}

static void set(rg_node *node, const float *x)
{
  memcpy(node->x, x, sizeof *x * (size_t)(CELLS * node->width));
}

static float *param(const bench *b, const char *name)
{
  return rg_param_value(b->graph, rg_graph_find_param(b->graph, name));
}

static void check_near(double x, double y)
{
  cr_expect_float_eq(x, y, 1e-5 * (1 + fabs(y)), "%.8g, not %.8g", x, y);
}

/* ---- operations ------------------------------------------------------------------ */

static const float batches[CELLS * 2] = {1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0};

Test(affine, has_factors_of_the_batch_and_their_mean)
{
  bench b = bench_new();
  bench_begin(&b);
  rg_node *x = rg_input(b.graph, "x", 2), *batch = rg_input(b.graph, "batch", 2);
  rg_node *y = rg_apply(b.graph, "affine", "affine", NULL, x, batch, NULL);
  bench_plan(&b);
  set(batch, batches);
  check_near((double)param(&b, "affine.scale")[3], 0);
  float *scale = param(&b, "affine.scale"), *bias = param(&b, "affine.bias");
  for (int k = 0; k < 4; k++)
    scale[k] = 0.5F * (float)k, bias[k] = (float)k;
  bench_run(&b, NULL, y, false, 0);
  double factor[4];
  for (int k = 0; k < 4; k++)
    factor[k] = log1p(exp((double)scale[k]));
  check_near((double)y->x[0], factor[0] * (double)x->x[0]);
  check_near((double)y->x[3], factor[3] * (double)x->x[3] + 3);
  check_near((double)y->x[4], (factor[0] + factor[2]) / 2 * (double)x->x[4] + 1);
  rg_graph_free(b.graph);
}

Test(lookup, gives_the_row_of_the_batch)
{
  bench b = bench_new();
  bench_begin(&b);
  rg_node *batch = rg_input(b.graph, "batch", 2);
  rg_node *y = rg_apply(b.graph, "lookup", "y", "width=3 init=0.25", batch, NULL);
  rg_node *z = rg_apply(b.graph, "lookup", "z", "width=3 init=-1", NULL);
  bench_plan(&b);
  set(batch, batches);
  check_near((double)param(&b, "y.table")[5], 0.25);
  for (int k = 0; k < 6; k++)
    param(&b, "y.table")[k] = (float)k;
  bench_run(&b, NULL, y, false, 0);
  check_near((double)y->x[1], 1);
  check_near((double)y->x[3], 3);
  check_near((double)y->x[6], 1.5);
  bench_run(&b, NULL, z, false, 0);
  check_near((double)z->x[CELLS * 3 - 1], -1);
  rg_graph_free(b.graph);
}

Test(noise, fades_and_is_there_in_training_only)
{
  bench b = bench_new();
  bench_begin(&b);
  rg_node *x = rg_input(b.graph, "x", 400);
  rg_node *y = rg_apply(b.graph, "noise", "y", "scale=2 burn_in=4", x, NULL);
  bench_plan(&b);
  double size[4];
  for (int k = 0; k < 4; k++) {
    bench_run(&b, NULL, y, k < 3, 2.0 * k);
    double sum = 0;
    for (int i = 0; i < CELLS * 400; i++)
      sum += pow((double)y->x[i] - (double)x->x[i], 2);
    size[k] = sqrt(sum / (CELLS * 400));
  }
  cr_expect_float_eq(size[0], 2, 0.1);
  cr_expect_float_eq(size[1], 1, 0.05);
  cr_expect_eq(size[2], 0);
  cr_expect_eq(size[3], 0);
  rg_graph_free(b.graph);
}

Test(noise, of_the_deviation_of_columns)
{
  bench b = bench_new();
  bench_begin(&b);
  rg_node *x = rg_input(b.graph, "x", 2000);
  rg_node *y = rg_apply(b.graph, "noise", "y", "scale=1.5 of=column", x, NULL);
  bench_plan(&b);
  for (int i = 0; i < CELLS * 2000; i++) /* deviation 0 or 3 */
    x->x[i] = i % 2 ? 7 : (i / 2000 % 2 ? 3 : -3) * (float)sqrt(7.0 / 8);
  bench_run(&b, NULL, y, true, 1000);
  double sum = 0, still = 0;
  for (int i = 0; i < CELLS * 2000; i += 2) {
    sum += pow((double)y->x[i] - (double)x->x[i], 2);
    still += fabs((double)y->x[i + 1] - (double)x->x[i + 1]);
  }
  cr_expect_float_eq(sqrt(sum / (CELLS * 1000)), 4.5, 0.15);
  cr_expect_eq(still, 0);
  rg_graph_free(b.graph);
}

/* mean 0.5 and variance 0.25 as one more expert beside two of variance 1 */
Test(poe, with_another_prior)
{
  bench b = bench_new();
  bench_begin(&b);
  rg_node *m = rg_input(b.graph, "m", 1), *s = rg_input(b.graph, "s", 1);
  rg_node *mask = rg_input(b.graph, "mask", 1);
  rg_node *y = rg_apply(b.graph, "poe", "y", "mean=0.5 variance=0.25", m, s, m, s, mask,
                        mask, NULL);
  bench_plan(&b);
  set(mask, (float[CELLS]){1});
  set(s, (float[CELLS]){0});
  set(m, (float[CELLS]){2, 2});
  bench_run(&b, NULL, y, false, 0);
  check_near((double)y->x[0], 1.0);      /* (2 + 2 + 4 0.5) / 6 */
  check_near((double)y->x[1], -log(6.0));
  check_near((double)y->x[2], 0.5);
  check_near((double)y->x[3], log(0.25));
  rg_graph_free(b.graph);
}

/* ---- divergences ----------------------------------------------------------------- */

Test(kl, to_another_prior)
{
  bench b = bench_new();
  bench_begin(&b);
  rg_node *m = rg_input(b.graph, "m", 1), *s = rg_input(b.graph, "s", 1);
  rg_node *mask = rg_input(b.graph, "mask", 1);
  rg_op *loss = rg_loss(b.graph, "kl_normal", "loss",
                        "reduction=cell mean=0.5 variance=0.3", m, s, mask, NULL);
  bench_plan(&b);
  set(mask, (float[CELLS]){1, 0, 0, 0, 0, 1});
  double sum = 0;
  for (int i = 0; i < CELLS; i += 5) {
    double mu = (double)m->x[i], v = exp((double)s->x[i]);
    sum += 0.5 * ((v + (mu - 0.5) * (mu - 0.5)) / 0.3 - 1 + log(0.3 / v));
  }
  check_near(value_of(&b, loss), sum / 2);
  rg_graph_free(b.graph);
}

/* by the difference of expectations: of equal Gaussians 0, else the closed form */
Test(kl, of_a_pair)
{
  bench b = bench_new();
  bench_begin(&b);
  rg_node *m = rg_input(b.graph, "m", 1), *s = rg_input(b.graph, "s", 1);
  rg_node *n = rg_input(b.graph, "n", 1), *t = rg_input(b.graph, "t", 1);
  rg_op *own = rg_loss(b.graph, "kl_pair", "own", NULL, m, s, m, s, NULL);
  rg_op *loss = rg_loss(b.graph, "kl_pair", "loss", "reduction=sum", m, s, n, t, NULL);
  bench_plan(&b);
  double sum = 0;
  for (int i = 0; i < CELLS; i++) {
    s->x[i] = 1 + 0.1F * (float)i, t->x[i] = 2 - 0.2F * (float)i;
    double p = (double)s->x[i], q = (double)t->x[i];
    double away = (double)m->x[i] - (double)n->x[i];
    sum += log(q / p) + (p * p + away * away) / (2 * q * q) - 0.5;
  }
  check_near(value_of(&b, own), 0);
  check_near(value_of(&b, loss), sum);
  rg_graph_free(b.graph);
}

/* ---- masks of losses over pairs -------------------------------------------------- */

/* cells 1, 4 and 6 do not count: as if their rows were copies far away were not there */
Test(ddc, of_the_cells_that_count)
{
  double value[2];
  for (int masked = 0; masked < 2; masked++) {
    bench b = bench_new();
    if (!masked)
      b.share = rg_share_alone(1, 5);
    bench_begin(&b);
    rg_node *x = rg_input(b.graph, "x", 3), *h = rg_input(b.graph, "h", 2);
    rg_node *mask = rg_input(b.graph, "mask", 1);
    rg_node *a = rg_apply(b.graph, "softmax", "a", NULL, x, NULL);
    rg_op *loss =
        rg_loss(b.graph, "ddc", "loss", NULL, a, h, masked ? mask : NULL, NULL);
    cr_assert_eq(rg_graph_plan(b.graph), RG_OK);
    for (int i = 0, row = 0; i < CELLS; i++) {
      bool counts = i != 1 && i != 4 && i != 6;
      if (masked)
        mask->x[i] = counts;
      for (int j = 0; (masked || counts) && j < 3; j++)
        x->x[row * 3 + j] = draw(i, j);
      for (int j = 0; (masked || counts) && j < 2; j++)
        h->x[row * 2 + j] = draw(i, 10 + j);
      row += masked || counts;
    }
    value[masked] = value_of(&b, loss);
    rg_graph_free(b.graph);
  }
  cr_expect_gt(value[0], 0);
  check_near(value[1], value[0]);
}

static double product_of(const rg_node *a, int i, const rg_node *b, int j)
{
  double sum = 0;
  for (int k = 0; k < a->width; k++)
    sum += (double)a->x[i * a->width + k] * (double)b->x[j * b->width + k];
  return sum;
}

Test(gram_match, of_the_rows_that_count)
{
  bench b = bench_new();
  bench_begin(&b);
  rg_node *u = rg_input(b.graph, "u", 3), *v = rg_input(b.graph, "v", 3);
  rg_node *p = rg_input(b.graph, "p", 2), *q = rg_input(b.graph, "q", 2);
  rg_node *m = rg_input(b.graph, "m", 1), *n = rg_input(b.graph, "n", 1);
  rg_op *loss = rg_loss(b.graph, "gram_match", "loss", "reduction=cell", u, v, p, q, m, n,
                        NULL);
  bench_plan(&b);
  set(m, (float[CELLS]){1, 0, 0, 1, 0, 1});
  set(n, (float[CELLS]){0, 1, 1, 1});
  double sum = 0;
  for (int i = 0; i < CELLS; i++)
    for (int j = 0; j < CELLS; j++)
      if (m->x[i] > 0 && n->x[j] > 0)
        sum += pow(product_of(u, i, v, j) - product_of(p, i, q, j), 2);
  check_near(value_of(&b, loss), sum / 3);
  rg_graph_free(b.graph);
}

/* ---- hard negatives -------------------------------------------------------------- */

typedef struct contrast {
  bench b;
  rg_node *x[2], *groups, *mask[2];
  rg_op *loss;
} contrast;

static void contrast_new(contrast *c, const char *options)
{
  c->b = bench_new();
  bench_begin(&c->b);
  for (int k = 0; k < 2; k++) {
    c->x[k] = rg_input(c->b.graph, k ? "b" : "a", 3);
    c->mask[k] = rg_input(c->b.graph, k ? "n" : "m", 1);
  }
  c->groups = rg_input(c->b.graph, "groups", 3);
  c->loss = rg_loss(c->b.graph, "hard_negatives", "loss", options, c->x[0], c->x[1],
                    c->groups, c->mask[0], c->mask[1], NULL);
  bench_plan(&c->b);
  for (int i = 0; i < CELLS; i++) {
    for (int q = 0; q < 3; q++)
      c->groups->x[i * 3 + q] = q == i % 3;
    c->mask[0]->x[i] = i != 2;
    c->mask[1]->x[i] = i != 5;
  }
}

/* every pair against all rows of other groups, each `times` */
static double by_hand(const contrast *c, double temperature, double share)
{
  double sum = 0, rows = 2 * CELLS - 2, pairs = 0;
  for (int from = 0; from < 2; from++)
    for (int i = 0; i < CELLS; i++) {
      double others = 0, n = 0;
      for (int k = 0; k < 2; k++)
        for (int j = 0; j < CELLS; j++)
          if (c->mask[k]->x[j] > 0 && j % 3 != i % 3) {
            others += exp(product_of(c->x[from], i, c->x[k], j) / temperature);
            n++;
          }
      double own = product_of(c->x[from], i, c->x[1 - from], i) / temperature;
      if (i == 2 || i == 5)
        continue;
      sum += log(exp(own) + floor(share * rows) / n * others) - own;
      pairs++;
    }
  return sum / pairs;
}

Test(hard_negatives, all_rows_of_other_groups)
{
  contrast c;
  contrast_new(&c, "temperature=0.5 share=0.25");
  check_near(value_of(&c.b, c.loss), by_hand(&c, 0.5, 0.25));
  rg_graph_free(c.b.graph);
}

/* so many draws that their mean is that of all rows */
Test(hard_negatives, drawn)
{
  contrast c;
  contrast_new(&c, "temperature=2 share=100 negatives=drawn");
  double drawn = value_of(&c.b, c.loss);
  cr_expect_float_eq(drawn, by_hand(&c, 2, 100), 0.02);
  c.b.run.step = 7;
  rg_run_forward(&c.b.run);
  cr_assert(rg_run_terms(&c.b.run));
  cr_expect_neq(c.loss->value, drawn);
  rg_graph_free(c.b.graph);
}

Test(hard_negatives, none_in_one_group)
{
  contrast c;
  contrast_new(&c, NULL);
  for (int i = 0; i < CELLS * 3; i++)
    c.groups->x[i] = i % 3 == 1;
  cr_expect_eq(value_of(&c.b, c.loss), 0);
  rg_graph_free(c.b.graph);
}

/* ---- likelihoods ----------------------------------------------------------------- */

/* What a likelihood predicts for the first cell. */
static void prediction(const char *type, const char *options, const char *third,
                       const char *fourth, double (*expected)(bench *b, int j))
{
  bench b = bench_new();
  bench_begin(&b);
  rg_node *y = rg_input(b.graph, "y", 5), *x = rg_input(b.graph, "x", 5);
  rg_node *more[2] = {NULL};
  if (third)
    more[0] = rg_input(b.graph, third, strcmp(third, "zeros") == 0 ? 5 : 1);
  if (fourth)
    more[1] = rg_input(b.graph, fourth, 1);
  rg_op *op = rg_loss(b.graph, type, "loss", options, y, x, more[0], more[1], NULL);
  bench_plan(&b);
  float mean[CELLS * 5];
  rg_run run = {.graph = b.graph, .share = &b.share, .cell = cell};
  op->type->predict(&run, op, mean);
  for (int j = 0; j < 5; j++)
    check_near((double)mean[j], expected(&b, j));
  rg_graph_free(b.graph);
}

static double number(bench *b, const char *name, int j)
{
  return (double)rg_graph_find_node(b->graph, name)->x[j];
}

static double given(bench *b, int j)
{
  return number(b, "y", j);
}

static double share_of(bench *b, int j)
{
  double sum = 0;
  for (int k = 0; k < 5; k++)
    sum += exp(number(b, "y", k));
  return exp(number(b, "y", j)) / sum;
}

static double of_library(bench *b, int j)
{
  return number(b, "library", 0) * share_of(b, j);
}

static double less_zeros(bench *b, int j)
{
  return of_library(b, j) / (1 + exp(number(b, "zeros", j)));
}

static double probability(bench *b, int j)
{
  return 1 / (1 + exp(-number(b, "y", j)));
}

/* The region's factor begins at a half. */
static double product(bench *b, int j)
{
  return probability(b, j) / (1 + exp(-number(b, "depth", 0))) / 2;
}

Test(predict, means)
{
  prediction("nb", NULL, NULL, NULL, given);
  prediction("nb", "mean=softmax", "library", NULL, of_library);
  prediction("zinb", "mean=softmax", "zeros", "library", less_zeros);
  prediction("normal", NULL, NULL, NULL, given);
  prediction("multinomial", NULL, NULL, NULL, share_of);
  prediction("multinomial", "size=given", "library", NULL, of_library);
  prediction("bernoulli", NULL, NULL, NULL, probability);
  prediction("scaled_bernoulli", "predicts=peak", "depth", NULL, probability);
  prediction("scaled_bernoulli", NULL, "depth", NULL, product);
}

/* as PyTorch's mse_loss over the cells that count */
Test(match_rows, mean_over_the_cells_that_count)
{
  bench b = bench_new();
  bench_begin(&b);
  rg_node *x = rg_input(b.graph, "x", 3), *y = rg_input(b.graph, "y", 3);
  rg_node *mask = rg_input(b.graph, "mask", 1);
  rg_op *loss =
      rg_loss(b.graph, "match_rows", "loss", "reduction=mean", x, y, mask, NULL);
  bench_plan(&b);
  set(mask, (float[CELLS]){0, 1, 0, 0, 1, 1});
  double sum = 0;
  for (int i = 0; i < CELLS * 3; i++)
    sum += mask->x[i / 3] > 0 ? pow((double)x->x[i] - (double)y->x[i], 2) : 0;
  check_near(value_of(&b, loss), sum / 9);
  rg_graph_free(b.graph);
}

Test(must_fail, losses)
{
  contrast c;
  contrast_new(&c, "temperature=0.5 share=0.25");
  check_near(value_of(&c.b, c.loss), by_hand(&c, 0.5, 0.5));
  rg_graph_free(c.b.graph);
}
