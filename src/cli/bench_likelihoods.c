/* bench likelihoods: the likelihoods of dense counts, with their gradients. */

#include "bench.h"

#include "regatta/nn.h"

#include <string.h>

/* A graph of one likelihood: logits with a gradient, counts, and what else it needs. */
typedef struct likelihood {
  rg_share share;
  rg_graph *graph;
  rg_run run;
  int64_t *cell;
  int32_t *index; /* of a row */
} likelihood;

static void compose(likelihood *l, int width, const char *type, const char *options)
{
  rg_node *y = rg_input_free(l->graph, "logits", NULL, width);
  rg_node *x = rg_input(l->graph, "counts", width), *more[2] = {NULL};
  bool zeros = strcmp(type, "zinb") == 0, scaled = strcmp(type, "scaled_bernoulli") == 0;
  if (zeros)
    more[0] = rg_input_free(l->graph, "zeros", NULL, width);
  if (zeros || scaled || strcmp(type, "nb") == 0)
    more[zeros] = rg_input(l->graph, "library", 1);
  rg_loss(l->graph, type, "likelihood", options, y, x, more[0], more[1], NULL);
}

/* Counts of 1 to 4 at random places, logits between -2 and 2. */
static void fill(likelihood *l, const rg_bench_options *options)
{
  for (int k = 0; k < rg_graph_nodes(l->graph); k++) {
    rg_node *node = rg_graph_node(l->graph, k);
    int64_t n = node->width;
    bool counts = strcmp(node->name, "counts") == 0;
    for (int64_t cell = 0; cell < options->batch; cell++) {
      float *x = node->x + cell * n;
      for (int64_t j = 0; !counts && j < n; j++)
        x[j] = n == 1 ? 2.0f : (float)((cell * 31 + j * 17) % 401) / 100.0f - 2.0f;
      int64_t entries = counts ? rg_bench_row(options, cell, n, l->index) : 0;
      for (int64_t e = 0; e < entries; e++)
        x[l->index[e]] = 1.0f + (float)(e % 4);
    }
  }
}

static void measure(const rg_call *call, const char *name, const char *type,
                    const char *text)
{
  const rg_bench_options *options = call->options;
  likelihood l = {
      .share = rg_share_alone((int)options->lanes, (int)(options->batch / options->lanes)),
      .cell = RG_NEW(int64_t, options->batch),
      .index = RG_NEW(int32_t, options->features)};
  l.graph = rg_graph_new(&l.share, 1);
  compose(&l, (int)options->features, type, text);
  RG_ASSERT(rg_graph_plan(l.graph) == RG_OK);
  fill(&l, options);
  rg_op *terms[] = {rg_graph_find_op(l.graph, "likelihood"), NULL};
  l.run = (rg_run){.graph = l.graph,
                   .share = &l.share,
                   .sequence = rg_sequence_new(l.graph, NULL, terms, ~(uint64_t)0),
                   .train = true,
                   .cell = l.cell};
  rg_bench_line line = {.name = name, .n = (int)options->steps};
  line.times = RG_NEW(rg_bench_time, line.n);
  line.cells = (double)options->batch * rg_size(call->comm);
  for (int i = -3; i < line.n; i++) {
    rg_barrier(call->comm);
    rg_bench_time start = rg_bench_now();
    rg_run_forward(&l.run);
    rg_run_backward(&l.run);
    if (i >= 0)
      line.times[i] = rg_bench_since(start);
  }
  rg_bench_say(call, &line);
  rg_free(line.times);
  rg_graph_free(l.graph);
  rg_free(l.cell);
  rg_free(l.index);
}

rg_status rg_bench_likelihoods(const rg_call *call)
{
  measure(call, "nb", "nb", "mean=softmax");
  measure(call, "zinb", "zinb", "mean=softmax");
  measure(call, "bernoulli", "bernoulli", NULL);
  measure(call, "scaled_bernoulli", "scaled_bernoulli", NULL);
  measure(call, "multinomial", "multinomial", NULL);
  measure(call, "normal", "normal", NULL);
  return RG_OK;
}
