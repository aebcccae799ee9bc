/* train: what going on from another run rests on: numbers of batches, where they are in
 * weights, and frozen parameters. */
#include "src/train/internal.h"

#include <criterion/criterion.h>
#include <string.h>

static rg_column column_of(const char *const *names, int n, const int32_t *code, int rows)
{
  rg_column column = {.name = rg_strdup("plate"),
                      .type = RG_COLUMN_CATEGORY,
                      .n = rows,
                      .code = RG_NEW(int32_t, rows)};
  for (int k = 0; k < n; k++)
    rg_strings_add(&column.categories, names[k], -1);
  memcpy(column.code, code, (size_t)rows * sizeof *code);
  return column;
}

/* Old batches keep their numbers, whatever those of the new file are; new ones follow. */
Test(init, categories_of_both)
{
  const char *const old[] = {"b", "d"}, *const new[] = {"a", "b", "c"};
  const int32_t code[] = {0, 1, 2, -1, 1};
  const int32_t expected[] = {2, 0, 3, -1, 0};
  rg_dataset trained = {.batch = column_of(old, 2, code, 2)};
  rg_dataset data = {.rows = {0, 5}, .batch = column_of(new, 3, code, 5)};
  rg_extend_categories(&trained, &data);
  cr_assert_eq(data.batch.categories.n, 4);
  cr_assert_str_eq(rg_strings_at(&data.batch.categories, 0), "b");
  cr_assert_str_eq(rg_strings_at(&data.batch.categories, 3), "c");
  cr_assert_eq(memcmp(data.batch.code, expected, sizeof expected), 0);
  cr_assert_null(data.label.name);
  rg_column_fini(&data.batch);
  data.batch = (rg_column){0}; /* without a column every cell is of no batch */
  rg_extend_categories(&trained, &data);
  cr_assert_eq(data.batch.n, 5);
  cr_assert_eq(data.batch.code[4], -1);
  cr_assert_eq(data.batch.categories.n, 2);
  rg_column_fini(&data.batch);
  rg_column_fini(&trained.batch);
  cr_assert_eq(rg_memory_alive(), 0);
}

/* x (3) and the batch (4) - linear - norm, and a table of batches. */
static rg_graph *small_graph(const rg_share *share)
{
  rg_graph *graph = rg_graph_new(share, 1);
  rg_node *x = rg_input(graph, "x", 3), *batch = rg_input(graph, "batch", 4);
  rg_graph_group(graph, "enc");
  rg_node *h = rg_apply(graph, "concat", "both", NULL, x, batch, x, NULL);
  h = rg_apply(graph, "dropout", "drop", "rate=0.5", h, NULL);
  h = rg_apply(graph, "linear", "enc.fc", "width=7", h, NULL);
  h = rg_apply(graph, "batchnorm", "enc.norm", NULL, h, NULL);
  rg_graph_group(graph, "dec");
  h = rg_apply(graph, "linear", "dec.fc", "width=5", h, NULL);
  h = rg_apply(graph, "affine", "dec.scale", NULL, h, batch, NULL);
  rg_loss(graph, "probe", "loss", NULL, h, NULL);
  cr_assert_eq(rg_graph_plan(graph), RG_OK);
  return graph;
}

Test(init, batches_in_weights)
{
  rg_share share = rg_share_alone(1, 6);
  rg_graph *graph = small_graph(&share);
  const rg_param *first = rg_graph_find_param(graph, "enc.fc.weight");
  cr_assert_eq(first->batch_at, 3);
  cr_assert_eq(first->batches, 4);
  cr_assert_eq(rg_graph_find_param(graph, "enc.fc.bias")->batches, 0);
  cr_assert_eq(rg_graph_find_param(graph, "dec.fc.weight")->batches, 0);
  cr_assert(rg_graph_find_param(graph, "dec.scale.bias")->batch_rows);
  rg_graph_free(graph);
}

Test(init, freezing)
{
  rg_share share = rg_share_alone(1, 6);
  rg_graph *graph = small_graph(&share);
  cr_assert_eq(rg_graph_freeze(graph, "encoder"), 0);
  cr_assert_eq(rg_graph_freeze(graph, "dec.s"), 2);
  cr_assert_eq(rg_graph_freeze(graph, "enc"), 6);
  rg_op *terms[] = {rg_graph_find_op(graph, "loss"), NULL};
  int64_t cell[6] = {0, 1, 2, 3, 4, 5};
  rg_optim optim = rg_optim_new(graph, RG_ADAM, 0.1);
  rg_run run = {.graph = graph,
                .share = &share,
                .sequence = rg_sequence_new(graph, NULL, terms, ~(uint64_t)0),
                .train = true,
                .cell = cell};
  int64_t n = rg_graph_param_floats(graph);
  float *before = RG_NEW(float, n);
  memcpy(before, rg_graph_flat(graph), (size_t)n * sizeof *before);
  float *x = rg_graph_find_node(graph, "x")->x;
  for (int k = 0; k < 18; k++)
    x[k] = (float)(k % 5);
  rg_optim_begin(&optim, 0.1);
  rg_run_forward(&run);
  rg_run_backward(&run);
  rg_optim_apply(&optim, &run);
  for (int i = 0; i < rg_graph_params(graph); i++) {
    const rg_param *param = rg_graph_param(graph, i);
    bool same = memcmp(before + param->offset, rg_param_value(graph, param),
                       (size_t)rg_param_size(param) * sizeof *before) == 0;
    cr_assert_eq(same, strncmp(param->name, "dec.fc", 6) != 0, "%s", param->name);
  }
  rg_optim_fini(&optim);
  rg_free(before);
  rg_graph_free(graph);
}

Test(must_fail, init)
{
  rg_share share = rg_share_alone(1, 6);
  rg_graph *graph = small_graph(&share);
  cr_assert_eq(rg_graph_find_param(graph, "dec.fc.weight")->batches, 4);
}
