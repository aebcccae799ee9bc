/* nn: what the tape does with parameters, sequences, groups and lanes. Gradients of single
 * operations are test_gradients' business. */
#include "regatta/optim.h"

#include <criterion/criterion.h>
#include <string.h>

enum { LANES = 4, LANE_CELLS = 3, CELLS = LANES * LANE_CELLS };
static const uint64_t all_groups = ~(uint64_t)0;

static int64_t cell[CELLS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static float draw(int64_t i, int64_t j)
{
  rg_key key = {.seed = 3, .purpose = RG_FOR_TEST};
  return (float)rg_normal(&key, (uint64_t)i, (uint64_t)j);
}

/* Rows of the batch's cells from `low` on. */
static void fill(const rg_graph *graph, rg_node *node, int64_t low)
{
  for (int64_t i = 0; i < rg_graph_cells(graph); i++)
    for (int j = 0; j < node->width; j++)
      node->x[i * node->width + j] = draw(low + i, 100 * (node->name[0] - 'a') + j);
}

static const rg_param *param_of(const rg_graph *graph, const char *name)
{
  for (int i = 0; i < rg_graph_params(graph); i++)
    if (strcmp(rg_graph_param(graph, i)->name, name) == 0)
      return rg_graph_param(graph, i);
  cr_assert_fail("no parameter %s", name);
  return NULL;
}

static const float *gradient_of(const rg_graph *graph, const char *name)
{
  return rg_param_gradient(graph, param_of(graph, name));
}

static size_t bytes_of(const rg_graph *graph, const char *name)
{
  return sizeof(float) * (size_t)rg_param_size(param_of(graph, name));
}

static void plan(rg_graph *graph)
{
  cr_assert_eq(rg_graph_plan(graph), RG_OK, "%s", rg_error_text());
}

static rg_run train(rg_graph *graph, const rg_share *share, rg_op *const *terms,
                    uint64_t groups, rg_sparse_batch *sparse, const rg_update *update)
{
  rg_run run = {.graph = graph,
                .share = share,
                .sequence = rg_sequence_new(graph, NULL, terms, groups),
                .train = true,
                .cell = cell + share->my_lanes.low * LANE_CELLS,
                .sparse = sparse,
                .update = update};
  rg_run_forward(&run);
  rg_run_backward(&run);
  return run;
}

/* ---- sharing, stopping ----------------------------------------------------------- */

/* two layers whose parameters are `first` and `second` */
static rg_graph *two_layers(const rg_share *share, const char *first, const char *second)
{
  rg_graph *graph = rg_graph_new(share, 5);
  rg_node *a = rg_input(graph, "a", 4), *b = rg_input(graph, "b", 4);
  rg_node *y = rg_apply(graph, "linear", first, "width=3", a, NULL);
  rg_node *z = rg_apply(graph, "linear", second, "width=3", b, NULL);
  y = rg_apply(graph, "concat", "both", NULL, y, z, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  plan(graph);
  fill(graph, a, 0);
  fill(graph, b, 0);
  return graph;
}

Test(sharing, sums_gradients_of_the_uses)
{
  rg_share share = rg_share_alone(LANES, LANE_CELLS);
  rg_graph *own = two_layers(&share, "one", "two");
  rg_graph *shared = two_layers(&share, "one", "two:one");
  cr_assert_eq(rg_graph_params(own), 4);
  cr_assert_eq(rg_graph_params(shared), 2);
  cr_assert_eq(param_of(shared, "one.weight")->uses, 2);
  memcpy(rg_param_value(own, param_of(own, "two.weight")),
         rg_param_value(own, param_of(own, "one.weight")), bytes_of(own, "one.weight"));
  memcpy(rg_param_value(own, param_of(own, "two.bias")),
         rg_param_value(own, param_of(own, "one.bias")), bytes_of(own, "one.bias"));
  rg_op *term[] = {rg_graph_find_op(own, "loss"), NULL};
  train(own, &share, term, all_groups, NULL, NULL);
  term[0] = rg_graph_find_op(shared, "loss");
  train(shared, &share, term, all_groups, NULL, NULL);
  for (int k = 0; k < 12; k++)
    cr_assert_eq(gradient_of(shared, "one.weight")[k],
                 gradient_of(own, "one.weight")[k] + gradient_of(own, "two.weight")[k]);
  rg_graph_free(own);
  rg_graph_free(shared);
}

Test(detach, stops_the_gradient)
{
  rg_share share = rg_share_alone(LANES, LANE_CELLS);
  rg_graph *graph = rg_graph_new(&share, 5);
  rg_node *a = rg_input(graph, "a", 4);
  rg_node *h = rg_apply(graph, "linear", "front", "width=3", a, NULL);
  rg_node *stopped = rg_apply(graph, "detach", "stopped", NULL, h, NULL);
  rg_node *y = rg_apply(graph, "linear", "back", "width=2", stopped, NULL);
  rg_op *behind = rg_loss(graph, "probe", "behind", NULL, y, NULL);
  rg_op *direct = rg_loss(graph, "probe", "direct", NULL, h, NULL);
  plan(graph);
  fill(graph, a, 0);
  rg_op *both[] = {behind, direct, NULL}, *one[] = {direct, NULL},
        *other[] = {behind, NULL};
  rg_run run = train(graph, &share, one, all_groups, NULL, NULL);
  float expected[12];
  memcpy(expected, gradient_of(graph, "front.weight"), sizeof expected);
  train(graph, &share, both, all_groups, NULL, NULL);
  cr_assert_arr_eq(gradient_of(graph, "front.weight"), expected, sizeof expected);
  run = train(graph, &share, other, all_groups, NULL, NULL);
  cr_assert(!rg_run_updates(&run, param_of(graph, "front.weight")));
  cr_assert(rg_run_updates(&run, param_of(graph, "back.weight")));
  cr_assert_null(h->d);
  rg_graph_free(graph);
}

/* ---- sequences and groups -------------------------------------------------------- */

typedef struct fork_graph {
  rg_graph *graph;
  rg_node *stem, *left, *right;
  rg_op *left_loss, *right_loss;
} fork_graph;

/* a stem of group "stem" and two layers behind it, each of its own group */
static fork_graph fork_new(const rg_share *share)
{
  fork_graph f = {.graph = rg_graph_new(share, 5)};
  rg_node *a = rg_input(f.graph, "a", 4);
  rg_graph_group(f.graph, "stem");
  f.stem = rg_apply(f.graph, "linear", "stem", "width=3", a, NULL);
  rg_graph_group(f.graph, "left");
  f.left = rg_apply(f.graph, "linear", "left", "width=2", f.stem, NULL);
  rg_graph_group(f.graph, "right");
  f.right = rg_apply(f.graph, "linear", "right", "width=2", f.stem, NULL);
  f.left_loss = rg_loss(f.graph, "probe", "left_loss", NULL, f.left, NULL);
  f.right_loss = rg_loss(f.graph, "probe", "right_loss", NULL, f.right, NULL);
  plan(f.graph);
  fill(f.graph, a, 0);
  return f;
}

static uint64_t mask_of(const rg_graph *graph, const char *group)
{
  return (uint64_t)1 << rg_graph_find_group(graph, group);
}

Test(sequence, touches_only_what_is_needed)
{
  rg_share share = rg_share_alone(LANES, LANE_CELLS);
  fork_graph f = fork_new(&share);
  f.right->x[0] = 77;
  f.right_loss->value = 77;
  rg_op *terms[] = {f.left_loss, NULL};
  rg_run run = train(f.graph, &share, terms, all_groups, NULL, NULL);
  cr_assert(rg_run_terms(&run));
  cr_assert_eq(f.right->x[0], 77);
  cr_assert_eq(f.right_loss->value, 77);
  cr_assert_null(f.right->d);
  cr_assert_not_null(f.left->d);
  cr_assert(!rg_run_updates(&run, param_of(f.graph, "right.weight")));
  rg_graph_free(f.graph);
}

Test(sequence, targets_need_no_terms)
{
  rg_share share = rg_share_alone(LANES, LANE_CELLS);
  fork_graph f = fork_new(&share);
  rg_node *targets[] = {f.stem, NULL};
  f.left->x[0] = 77;
  rg_run run = {.graph = f.graph,
                .share = &share,
                .sequence = rg_sequence_new(f.graph, targets, NULL, 0),
                .cell = cell};
  rg_run_forward(&run);
  cr_assert_eq(f.left->x[0], 77);
  cr_assert_neq(f.stem->x[0], 0);
  rg_graph_free(f.graph);
}

/* the gradient passes through the layers of a group that stays as it is */
Test(groups, are_updated_as_the_mask_says)
{
  rg_share share = rg_share_alone(LANES, LANE_CELLS);
  fork_graph f = fork_new(&share);
  rg_optim optim = rg_optim_new(f.graph, RG_ADAM, 0);
  rg_optim_begin(&optim, 0.1);
  size_t bytes = sizeof(float) * (size_t)rg_graph_param_floats(f.graph);
  float *before = rg_alloc(1, bytes);
  memcpy(before, rg_graph_flat(f.graph), bytes);
  rg_op *terms[] = {f.left_loss, f.right_loss, NULL};
  rg_run run = train(f.graph, &share, terms,
                     mask_of(f.graph, "stem") | mask_of(f.graph, "right"), NULL,
                     &optim.update);
  rg_optim_apply(&optim, &run);
  for (int i = 0; i < rg_graph_params(f.graph); i++) {
    const rg_param *param = rg_graph_param(f.graph, i);
    bool changed = memcmp(before + param->offset, rg_param_value(f.graph, param),
                          bytes_of(f.graph, param->name)) != 0;
    cr_assert_eq(changed, strncmp(param->name, "left", 4) != 0, "%s", param->name);
  }
  rg_free(before);
  rg_optim_fini(&optim);
  rg_graph_free(f.graph);
}

/* ---- failures of composing ------------------------------------------------------- */

static rg_status status_of(const char *type, const char *options)
{
  rg_share share = rg_share_alone(LANES, LANE_CELLS);
  rg_graph *graph = rg_graph_new(&share, 5);
  rg_node *a = rg_input(graph, "a", 4);
  rg_node *y = rg_apply(graph, type, "layer", options, a, NULL);
  rg_apply(graph, "linear", "next", "width=2", y, NULL); /* goes on with the dummy */
  rg_status status = rg_graph_plan(graph);
  rg_graph_free(graph);
  return status;
}

Test(compose, failures_wait_for_the_plan)
{
  cr_assert_eq(status_of("linear", "width=3"), RG_OK);
  cr_assert_eq(status_of("linaer", "width=3"), RG_EUSAGE);
  cr_assert_eq(status_of("linear", "wdith=3"), RG_EUSAGE);
  cr_assert_eq(status_of("linear", "width=0"), RG_EUSAGE);
  cr_assert_eq(status_of("linear", "width"), RG_EUSAGE);
  cr_assert_eq(status_of("sum_blocks", NULL), RG_EUSAGE);
}

/* ---- lanes ----------------------------------------------------------------------- */

/* What sum_slots was given: how far apart the slots of a gradient are. */
typedef struct seen {
  int64_t stride;
} seen;

static void see_slots(const rg_share *share, float *g, int64_t stride, int64_t n)
{
  (void)g, (void)n;
  seen *to = share->self;
  to->stride = stride;
}

static rg_csr peaks_of(int64_t low, int64_t n, int64_t features)
{
  rg_csr rows = rg_csr_new(n, features, n * features);
  for (int64_t i = 0, at = 0; i < n; i++) {
    for (int32_t k = 0; k < features; k++)
      if (draw(low + i, 1000 + k) > 0.3F)
        rows.indices[at] = k, rows.values[at++] = 1;
    rows.indptr[i + 1] = at;
  }
  return rows;
}

/* A small autoencoder without sums over the batch, so that parts of the lanes can run one
 * after the other. */
typedef struct part {
  rg_share share;
  seen seen;
  rg_graph *graph;
  rg_sparse_batch batch;
  rg_op *loss[3];
} part;

static void part_compose(part *p)
{
  const rg_blocks *blocks = rg_probe_blocks();
  rg_node *x = rg_input_sparse(p->graph, "x", blocks);
  rg_node *a = rg_input(p->graph, "a", 2);
  rg_node *h = rg_apply(p->graph, "sparse_linear", "enc", "width=4", x, NULL);
  h = rg_apply(p->graph, "prelu", "act", NULL, h, NULL);
  h = rg_apply(p->graph, "linear", "product", "width=5 joined=true", h, NULL);
  rg_node *mu = rg_apply(p->graph, "sum_blocks", "mu", NULL, h, NULL);
  h = rg_apply(p->graph, "concat", "z", NULL, mu, a, NULL);
  h = rg_apply(p->graph, "split", "dec", "width=4", h, x, NULL);
  p->loss[0] = rg_loss(p->graph, "wide_bernoulli", "bce:out", NULL, h, x, NULL);
  p->loss[1] = rg_loss(p->graph, "probe", "probe", NULL, mu, NULL);
  p->loss[2] =
      rg_loss(p->graph, "wide_bernoulli", "again:out", "one_weight=3", h, x, NULL);
  plan(p->graph);
  fill(p->graph, a, p->share.my_lanes.low * LANE_CELLS);
}

static part *part_new(rg_range lanes)
{
  part *p = RG_NEW(part, 1);
  p->share = rg_share_alone(LANES, LANE_CELLS);
  p->share.my_lanes = lanes;
  p->share.self = &p->seen;
  p->share.sum_slots = see_slots;
  p->graph = rg_graph_new(&p->share, 5);
  part_compose(p);
  int64_t features = rg_probe_blocks()->offset[rg_probe_blocks()->n];
  p->batch.rows = peaks_of(lanes.low * LANE_CELLS, rg_graph_cells(p->graph), features);
  p->batch.columns = rg_csr_transpose(&p->batch.rows);
  rg_op *terms[] = {p->loss[0], p->loss[1], NULL};
  train(p->graph, &p->share, terms, all_groups, &p->batch, NULL);
  return p;
}

static void part_free(part *p)
{
  rg_csr_fini(&p->batch.rows);
  rg_csr_fini(&p->batch.columns);
  rg_graph_free(p->graph);
  rg_free(p);
}

/* Gradient over a range of lanes: of the part that has it as a slot, else of both
 * halves. */
static float tree_gradient(part *const *parts, rg_range lanes, int param, int64_t k)
{
  for (int p = 0; parts[p]; p++) {
    rg_range slots[RG_TREE_SLOTS];
    int n = rg_tree_cover(LANES, parts[p]->share.my_lanes, slots);
    const rg_graph *graph = parts[p]->graph;
    const float *g = rg_param_gradient(graph, rg_graph_param(graph, param));
    for (int s = 0; s < n; s++)
      if (slots[s].low == lanes.low && slots[s].high == lanes.high)
        return g[s * parts[p]->seen.stride + k];
  }
  cr_assert_gt(rg_range_n(lanes), 1, "lane %d is nowhere", (int)lanes.low);
  int64_t middle = rg_tree_split(lanes);
  return tree_gradient(parts, (rg_range){lanes.low, middle}, param, k) +
         tree_gradient(parts, (rg_range){middle, lanes.high}, param, k);
}

/* Elements of all gradients that differ from those of one graph with all lanes. */
static int64_t differing(part *const *parts)
{
  part *whole = part_new((rg_range){0, LANES});
  int64_t differ = 0;
  for (int i = 0; i < rg_graph_params(whole->graph); i++) {
    const rg_param *param = rg_graph_param(whole->graph, i);
    const float *g = rg_param_gradient(whole->graph, param);
    for (int64_t k = 0; k < rg_param_size(param); k++)
      differ += g[k] != tree_gradient(parts, (rg_range){0, LANES}, i, k);
  }
  part_free(whole);
  return differ;
}

static void check_cuts(const int *cuts)
{
  part *parts[LANES + 1] = {0};
  int n = 0;
  for (; cuts[n] < LANES; n++)
    parts[n] = part_new((rg_range){cuts[n], cuts[n + 1]});
  cr_expect_eq(differing(parts), 0);
  while (n-- > 0)
    part_free(parts[n]);
}

Test(lanes, two_halves_give_the_bits_of_the_whole)
{
  check_cuts((int[]){0, 2, 4});
}

Test(lanes, every_lane_apart)
{
  check_cuts((int[]){0, 1, 2, 3, 4});
}

/* ranks that hold more than one slot */
Test(lanes, cuts_across_the_tree)
{
  check_cuts((int[]){0, 3, 4});
  check_cuts((int[]){0, 1, 4});
  check_cuts((int[]){0, 1, 3, 4});
}

/* one half instead of both */
Test(must_fail, half_the_lanes_twice)
{
  part *parts[] = {part_new((rg_range){0, 2}), part_new((rg_range){0, 2}), NULL};
  parts[1]->share.my_lanes = (rg_range){2, 4};
  int64_t differ = differing(parts);
  part_free(parts[0]);
  part_free(parts[1]);
  cr_assert_eq(differ, 0);
}

/* ---- updates inside kernels ------------------------------------------------------ */

/* One step with one or both of two likelihoods that share their last layer. */
static float *step_of(bool fused, bool both, bool *was_fused)
{
  part *p = part_new((rg_range){0, LANES});
  rg_graph_init_params(p->graph, 9);
  rg_optim optim = rg_optim_new(p->graph, RG_ADAM, 0.01);
  rg_optim_begin(&optim, 0.1);
  rg_op *terms[] = {p->loss[0], both ? p->loss[2] : NULL, NULL};
  rg_run run = train(p->graph, &p->share, terms, all_groups, &p->batch,
                     fused ? &optim.update : NULL);
  *was_fused = rg_run_fused(&run, param_of(p->graph, "out.weight"));
  rg_optim_apply(&optim, &run);
  size_t bytes = sizeof(float) * (size_t)rg_graph_param_floats(p->graph);
  float *values = memcpy(rg_alloc(1, bytes), rg_graph_flat(p->graph), bytes);
  rg_optim_fini(&optim);
  part_free(p);
  return values;
}

static void check_updates(bool both)
{
  bool stored_fused, fused_fused;
  float *stored = step_of(false, both, &stored_fused);
  float *fused = step_of(true, both, &fused_fused);
  part *p = part_new((rg_range){0, LANES});
  int64_t n = rg_graph_param_floats(p->graph);
  cr_expect(!stored_fused);
  cr_expect_eq(fused_fused, !both);
  cr_expect_arr_eq(stored, fused, sizeof *stored * (size_t)n);
  part_free(p);
  rg_free(stored);
  rg_free(fused);
}

Test(update, in_the_kernel_gives_the_bits_of_stored_gradients)
{
  check_updates(false);
}

Test(update, of_a_shared_wide_layer_is_stored)
{
  check_updates(true);
}
