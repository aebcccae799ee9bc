/* Leiden on a graph spread over ranks: levels too large for one rank are moved,
 * refined and aggregated where they lie; a level of at most SMALL entries goes to one
 * rank and is finished there by queues. Which of the two happens depends on the graph
 * alone. */
#include "leiden.h"
#include "weights.h"

#include <math.h>
#include <stdlib.h>

enum { SMALL = 1 << 20, MOST_ITERATIONS = 20 };
#define LEAST_SHRINK 0.98 /* a level this much of the finer one is not worth it */
#define LEAST_GAIN 5e-5   /* of modularity, for another iteration */

double leiden_scale(rg_comm *comm, const rg_csr *graph)
{
  double most = 0;
  int64_t nnz = rg_csr_nnz(graph);
  for (int64_t e = 0; e < nnz; e++)
    most = graph->values[e] > most ? graph->values[e] : most;
  rg_max_f64(comm, &most, 1);
  rg_sum_i64(comm, &nnz, 1);
  if (nnz == 0 || most <= 0)
    return 1;
  double room = floor(log2(0x1p51 / (most * (double)nnz)));
  return exp2(room < 40 ? room : 40);
}

/* The graph as level 0, weights whole, loops and zeros left out. Collective. */
static leiden_level first_level(rg_comm *comm, const rg_csr *graph, double scale)
{
  int64_t nnz = rg_csr_nnz(graph), at = 0;
  int64_t low = rg_prefix_i64(comm, graph->rows, NULL);
  int64_t *start = RG_NEW(int64_t, graph->rows + 1), *column = RG_NEW(int64_t, nnz);
  int64_t *weight = RG_NEW(int64_t, nnz), *degree = RG_NEW(int64_t, graph->rows);
  for (int64_t i = 0; i < graph->rows; i++) {
    for (int64_t e = graph->indptr[i]; e < graph->indptr[i + 1]; e++) {
      if (graph->indices[e] == low + i || graph->values[e] == 0)
        continue;
      column[at] = graph->indices[e];
      weight[at] = leiden_whole(graph->values[e], scale);
      degree[i] += weight[at++];
    }
    start[i + 1] = at;
  }
  leiden_level level =
      leiden_level_new(comm, graph->cols, start, column, weight, degree);
  rg_free(column);
  return level;
}

/* An entry of a graph, or with row = column the degree and community of a vertex. */
typedef struct piece {
  int64_t row, column, value;
} piece;

/* Pieces of this rank's part of the graph. */
static piece *pieces_of(const leiden_level *level, const int64_t *label, int64_t *n)
{
  piece *out = RG_NEW(piece, level->start[level->n_own] + 2 * (int64_t)level->n_own);
  int64_t at = 0;
  for (int32_t v = 0; v < level->n_own; v++) {
    int64_t row = level->rows.low + v;
    out[at++] = (piece){row, row, level->degree[v]};
    out[at++] = (piece){row, row, label[v]};
    for (int64_t e = level->start[v]; e < level->start[v + 1]; e++) {
      int32_t u = level->column[e];
      int64_t column =
          u < level->n_own ? level->rows.low + u : level->ghost[u - level->n_own];
      out[at++] = (piece){row, column, level->weight[e]};
    }
  }
  *n = at;
  return out;
}

/* The graph of pieces in the order of their rows. Every entry is stored as that of its
 * mirror image, which puts columns in order too, whichever way they came. */
static leiden_graph graph_of(const piece *in, int64_t n_pieces, int32_t n,
                             int32_t *label)
{
  int64_t n_entries = n_pieces - 2 * (int64_t)n, *at = RG_NEW(int64_t, n + 1);
  leiden_graph graph = {
      .n = n,
      .start = RG_NEW(int64_t, n + 1),
                      .column = RG_NEW(int32_t, n_entries),
                                       .weight = RG_NEW(int64_t, n_entries),
                                                        .degree = RG_NEW(int64_t, n)};
  const piece *p = in, *end = in + n_pieces;
  for (int32_t v = 0; v < n; v++) {
    graph.degree[v] = (p++)->value;
    label[v] = (int32_t)(p++)->value;
    for (; p < end && p->row == v; p++)
      at[v + 1]++;
    at[v + 1] += at[v];
    graph.start[v + 1] = at[v + 1];
  }
  p = in;
  for (int32_t v = 0; v < n; v++)
    for (p += 2; p < end && p->row == v; p++) {
      graph.column[at[p->column]] = v;
      graph.weight[at[p->column]++] = p->value;
    }
  rg_free(at);
  return graph;
}

/* Finish a small level on rank 0. Collective. */
static bool improve_small(const leiden_level *level, leiden_rule *rule, int64_t *label)
{
  int64_t n_out, n_in, changed = 0;
  piece *out = pieces_of(level, label, &n_out);
  int *to = RG_NEW(int, n_out);
  piece *in = rg_scatter(level->comm, out, n_out, sizeof *out, to, &n_in);
  rg_free(to);
  rg_free(out);
  int32_t n = (int32_t)level->n, *all = RG_NEW(int32_t, n);
  if (rg_rank(level->comm) == 0) {
    leiden_graph graph = graph_of(in, n_in, n, all);
    changed = leiden_here(&graph, rule, all);
    leiden_graph_fini(&graph);
  }
  rg_free(in);
  rg_broadcast(level->comm, all, n * (int64_t)sizeof *all, 0);
  rg_broadcast(level->comm, &changed, sizeof changed, 0);
  rg_broadcast(level->comm, &rule->round, sizeof rule->round, 0);
  for (int32_t v = 0; v < level->n_own; v++)
    label[v] = all[level->rows.low + v];
  rg_free(all);
  return changed;
}

static bool improve(const leiden_level *level, leiden_rule *rule, int64_t small,
                    int64_t *label);

/* Communities of the coarse vertices become those of their vertices, named after one of
 * them. Collective. */
static void project(const leiden_level *level, const leiden_coarse *coarse,
                    int64_t *label)
{
  rg_comm *comm = level->comm;
  int32_t n = level->n_own;
  int64_t *community = RG_NEW(int64_t, n);
  rg_fetch(comm, coarse->label, coarse->level.n, sizeof *label, coarse->vertex, n,
           community);
  rg_fetch(comm, coarse->fine, coarse->level.n, sizeof *label, community, n, label);
  rg_free(community);
}

static bool improve_large(const leiden_level *level, leiden_rule *rule, int64_t small,
                          int64_t *label)
{
  leiden_state state = leiden_state_new(level, label, NULL);
  bool changed = leiden_move(level, rule, &state);
  leiden_state parts = leiden_refine(level, rule, &state);
  leiden_coarse coarse = leiden_aggregate(level, &parts, &state);
  leiden_state_fini(&parts);
  leiden_state_fini(&state);
  if ((double)coarse.level.n < LEAST_SHRINK * (double)level->n)
    changed |= improve(&coarse.level, rule, small, coarse.label);
  project(level, &coarse, label);
  leiden_coarse_fini(&coarse);
  return changed;
}

/* One pass over all levels from the communities in label[] (numbers of vertices). True
 * when anything changed. Collective. */
static bool improve(const leiden_level *level, leiden_rule *rule, int64_t small,
                    int64_t *label)
{
  return level->n_entries <= small ? improve_small(level, rule, label)
                                   : improve_large(level, rule, small, label);
}

/* A community and its vertices. */
typedef struct sized {
  int64_t id, size;
} sized;

static int by_falling_size(const void *x, const void *y)
{
  const sized *a = x, *b = y;
  if (a->size != b->size)
    return a->size > b->size ? -1 : 1;
  return (a->id > b->id) - (a->id < b->id);
}

/* Number communities named after vertices by falling size; ties by the lower name.
 * Collective. */
static int number_by_size(const leiden_level *level, const int64_t *label,
                          int32_t *number)
{
  leiden_state state = leiden_state_new(level, label, NULL);
  sized *mine = RG_NEW(sized, level->n_own);
  int64_t n = 0, bytes;
  for (int32_t v = 0; v < level->n_own; v++)
    if (state.own[v].size > 0)
      mine[n++] = (sized){level->rows.low + v, state.own[v].size};
  leiden_state_fini(&state);
  sized *all =
      rg_gather_all(level->comm, mine, n * (int64_t)sizeof *mine, NULL, &bytes);
  int n_clusters = (int)(bytes / (int64_t)sizeof *all);
  qsort(all, (size_t)n_clusters, sizeof *all, by_falling_size);
  leiden_index of = {0};
  for (int c = 0; c < n_clusters; c++)
    leiden_index_add(&of, all[c].id, c);
  for (int32_t v = 0; v < level->n_own; v++)
    number[v] = leiden_index_find(&of, label[v]);
  leiden_index_fini(&of);
  rg_free(all);
  rg_free(mine);
  return n_clusters;
}

/* Sum over ranks of the degrees. Collective. */
static int64_t total_degree(const leiden_level *level)
{
  int64_t sum = 0;
  for (int32_t v = 0; v < level->n_own; v++)
    sum += level->degree[v];
  rg_sum_i64(level->comm, &sum, 1);
  return sum;
}

/* rg_modularity of labels from 0 to n - 1. Collective. */
static double quality_of(const leiden_level *level, const int32_t *label, int n,
                         double resolution)
{
  int64_t inside = 0, *degree = RG_NEW(int64_t, n);
  int32_t *far = RG_NEW(int32_t, level->n_ghost);
  rg_fetch(level->comm, label, level->n, sizeof *label, level->ghost, level->n_ghost,
           far);
  for (int32_t v = 0; v < level->n_own; v++) {
    degree[label[v]] += level->degree[v];
    for (int64_t e = level->start[v]; e < level->start[v + 1]; e++) {
      int32_t u = level->column[e];
      int32_t other = u < level->n_own ? label[u] : far[u - level->n_own];
      inside += other == label[v] ? level->weight[e] : 0;
    }
  }
  rg_sum_i64(level->comm, &inside, 1);
  rg_sum_i64(level->comm, degree, n);
  double modularity = leiden_quality(inside, degree, n, resolution);
  rg_free(far);
  rg_free(degree);
  return modularity;
}

rg_status leiden_run(rg_comm *comm, const rg_csr *graph,
                     const rg_leiden_options *options, int64_t small, int32_t *label,
                     int *n_clusters, double *modularity)
{
  rg_status status = cluster_check_weights(comm, graph);
  if (status != RG_OK)
    return status;
  rg_pace_begin("cluster", 0, "sweeps");
  leiden_level level = first_level(comm, graph, leiden_scale(comm, graph));
  int64_t total = total_degree(&level);
  leiden_rule rule = {.rate = total > 0 ? options->resolution / (double)total : 0,
                      .seed = options->seed};
  int64_t *community = RG_NEW(int64_t, level.n_own);
  for (int32_t v = 0; v < level.n_own; v++)
    community[v] = level.rows.low + v;
  bool to_the_end = options->iterations < 0;
  int most = to_the_end ? MOST_ITERATIONS : options->iterations;
  double quality = -INFINITY;
  for (int i = 0; i < most; i++) {
    bool changed = improve(&level, &rule, small, community);
    int n = number_by_size(&level, community, label);
    double now = quality_of(&level, label, n, options->resolution);
    bool enough = to_the_end && now - quality < LEAST_GAIN;
    quality = now;
    if (!changed || enough)
      break;
  }
  leiden_connect(&level, community);
  *n_clusters = number_by_size(&level, community, label);
  *modularity = quality_of(&level, label, *n_clusters, options->resolution);
  rg_free(community);
  leiden_level_fini(&level);
  rg_pace_end();
  return RG_OK;
}

rg_status rg_leiden(rg_comm *comm, const rg_csr *graph,
                    const rg_leiden_options *options, int32_t *label, int *n_clusters,
                    double *modularity)
{
  return leiden_run(comm, graph, options, SMALL, label, n_clusters, modularity);
}
