/* Leiden on a graph that lies on one rank: local moving with a queue, refinement, and
 * aggregation (Traag, Waltman, van Eck 2019). Takes the graphs that are small, or have
 * become small by aggregation. */
#include "leiden.h"

#include <string.h>

void leiden_graph_fini(leiden_graph *graph)
{
  rg_free(graph->start);
  rg_free(graph->column);
  rg_free(graph->weight);
  rg_free(graph->degree);
  *graph = (leiden_graph){0};
}

/* Weights from one vertex to the communities round it. */
typedef struct tally {
  int64_t *weight; /* per community; 0 between uses */
  int32_t *met;    /* communities met, in order */
  int32_t n;
} tally;

static tally new_tally(int32_t n)
{
  return (tally){.weight = RG_NEW(int64_t, n), .met = RG_NEW(int32_t, n + 1)};
}

static void free_tally(tally *t)
{
  rg_free(t->weight);
  rg_free(t->met);
}

static void clear_tally(tally *t)
{
  for (int32_t j = 0; j < t->n; j++)
    t->weight[t->met[j]] = 0;
  t->n = 0;
}

static inline void count(tally *t, int32_t community, int64_t weight)
{
  if (t->weight[community] == 0)
    t->met[t->n++] = community;
  t->weight[community] += weight;
}

/* A queue of vertices, each in it at most once. */
typedef struct queue {
  int32_t n, head, length;
  int32_t *item;
  bool *waits;
} queue;

static queue new_queue(int32_t n, const leiden_rule *rule)
{
  queue q = {.n = n, .length = n, .item = RG_NEW(int32_t, n), .waits = RG_NEW(bool, n)};
  rg_key key = {rule->seed, rule->round, RG_FOR_CLUSTER};
  for (int32_t i = 0; i < n; i++) {
    q.item[i] = (int32_t)rg_permuted(&key, n, i);
    q.waits[i] = true;
  }
  return q;
}

static void push(queue *q, int32_t v)
{
  if (q->waits[v])
    return;
  q->waits[v] = true;
  int64_t at = (int64_t)q->head + q->length++;
  q->item[at < q->n ? at : at - q->n] = v;
}

static int32_t pop(queue *q)
{
  int32_t v = q->item[q->head];
  q->head = q->head + 1 < q->n ? q->head + 1 : 0;
  q->length--;
  q->waits[v] = false;
  return v;
}

static void free_queue(queue *q)
{
  rg_free(q->item);
  rg_free(q->waits);
}

/* The community where v, now in none, is best off; `at` unless another is better. */
static int32_t best_community(const leiden_graph *g, const leiden_rule *rule, int32_t v,
                              int32_t at, const int64_t *total, const tally *t)
{
  int64_t degree = g->degree[v];
  double best = leiden_gain(rule, t->weight[at], degree, total[at]);
  int32_t to = at;
  if (best < 0 && total[v] == 0) { /* alone, under its own number */
    best = 0;
    to = v;
  }
  for (int32_t j = 0; j < t->n; j++) {
    int32_t c = t->met[j];
    double gain = leiden_gain(rule, t->weight[c], degree, total[c]);
    if (gain > best || (gain == best && to != at && c < to)) {
      best = gain;
      to = c;
    }
  }
  return to;
}

static int64_t *totals_of(const leiden_graph *g, const int32_t *label)
{
  int64_t *total = RG_NEW(int64_t, g->n);
  for (int32_t v = 0; v < g->n; v++)
    total[label[v]] += g->degree[v];
  return total;
}

static bool move_vertices(const leiden_graph *g, leiden_rule *rule, int32_t *label)
{
  int64_t *total = totals_of(g, label), moves = 0;
  tally t = new_tally(g->n);
  queue q = new_queue(g->n, rule);
  rule->round++;
  while (q.length > 0) {
    int32_t v = pop(&q), from = label[v];
    for (int64_t e = g->start[v]; e < g->start[v + 1]; e++)
      count(&t, label[g->column[e]], g->weight[e]);
    total[from] -= g->degree[v];
    int32_t to = best_community(g, rule, v, from, total, &t);
    total[to] += g->degree[v];
    clear_tally(&t);
    if (to == from)
      continue;
    label[v] = to;
    moves++;
    for (int64_t e = g->start[v]; e < g->start[v + 1]; e++)
      if (label[g->column[e]] != to)
        push(&q, g->column[e]);
  }
  free_queue(&q);
  free_tally(&t);
  rg_free(total);
  return moves > 0;
}

/* State of the refinement: parts of communities, numbered by one of their vertices. */
typedef struct parts {
  int32_t *of;    /* part of a vertex */
  int64_t *total; /* degree of a part */
  int64_t *cut;   /* weight from a part to the rest of its community */
  int32_t *size;
} parts;

/* A set is well connected when its cut is at least what is expected of it. */
static bool well_connected(const leiden_rule *rule, int64_t cut, int64_t total,
                           int64_t community)
{
  return leiden_gain(rule, cut, total, community - total) >= 0;
}

/* Let the lone vertex v join the part of its community that gains most by it. */
static void merge_vertex(const leiden_graph *g, const leiden_rule *rule,
                         const int32_t *label, int64_t community, int32_t v, tally *t,
                         parts *p)
{
  for (int64_t e = g->start[v]; e < g->start[v + 1]; e++)
    if (label[g->column[e]] == label[v])
      count(t, p->of[g->column[e]], g->weight[e]);
  double best = -1;
  int32_t to = v;
  for (int32_t j = 0; j < t->n; j++) {
    int32_t c = t->met[j];
    double gain = leiden_gain(rule, t->weight[c], g->degree[v], p->total[c]);
    if (gain < 0 || !well_connected(rule, p->cut[c], p->total[c], community))
      continue;
    if (gain > best || (gain == best && c < to)) {
      best = gain;
      to = c;
    }
  }
  if (to != v) {
    p->of[v] = to;
    p->cut[to] += p->cut[v] - 2 * t->weight[to];
    p->total[to] += g->degree[v];
    p->size[to]++;
    p->total[v] = p->cut[v] = p->size[v] = 0;
  }
  clear_tally(t);
}

/* Parts of the communities, each connected; of[v] is a vertex of the part. */
static int32_t *refine(const leiden_graph *g, leiden_rule *rule, const int32_t *label)
{
  int64_t *community = totals_of(g, label);
  parts p = {RG_NEW(int32_t, g->n),
                    RG_NEW(int64_t, g->n),
                           RG_NEW(int64_t, g->n), RG_NEW(int32_t, g->n)};
  for (int32_t v = 0; v < g->n; v++) {
    p.of[v] = v;
    p.size[v] = 1;
    p.total[v] = g->degree[v];
    for (int64_t e = g->start[v]; e < g->start[v + 1]; e++)
      p.cut[v] += label[g->column[e]] == label[v] ? g->weight[e] : 0;
  }
  tally t = new_tally(g->n);
  rg_key key = {rule->seed, rule->round++, RG_FOR_CLUSTER};
  for (int32_t i = 0; i < g->n; i++) {
    int32_t v = (int32_t)rg_permuted(&key, g->n, i);
    int64_t whole = community[label[v]];
    if (p.of[v] == v && p.size[v] == 1 &&
        well_connected(rule, p.cut[v], p.total[v], whole))
      merge_vertex(g, rule, label, whole, v, &t, &p);
  }
  free_tally(&t);
  rg_free(community);
  rg_free(p.total);
  rg_free(p.cut);
  rg_free(p.size);
  return p.of;
}

/* Renumber labels below n to 0, 1, ... in rising order; returns how many. */
static int32_t compact(int32_t n, int32_t *label)
{
  int32_t *number = RG_NEW(int32_t, n), m = 0;
  for (int32_t v = 0; v < n; v++)
    number[label[v]] = 1;
  for (int32_t c = 0; c < n; c++)
    if (number[c])
      number[c] = m++;
  for (int32_t v = 0; v < n; v++)
    label[v] = number[label[v]];
  rg_free(number);
  return m;
}

/* Vertices in the order of their part: those of part c are
 * order[first[c]..first[c+1]). */
static int32_t *by_part(int32_t n, const int32_t *part, int32_t m, int32_t **first)
{
  int32_t *at = RG_NEW(int32_t, m + 2), *order = RG_NEW(int32_t, n);
  for (int32_t v = 0; v < n; v++)
    at[part[v] + 2]++;
  for (int32_t c = 0; c <= m; c++)
    at[c + 1] += at[c];
  for (int32_t v = 0; v < n; v++)
    order[at[part[v] + 1]++] = v;
  *first = at;
  return order;
}

/* The graph of the m parts. */
static leiden_graph aggregate(const leiden_graph *g, const int32_t *part, int32_t m)
{
  leiden_graph h = {
      .n = m,
      .start = RG_NEW(int64_t, m + 1),
          .column = RG_NEW(int32_t, g->start[g->n]),
                                    .weight = RG_NEW(int64_t, g->start[g->n]),
                                                              .degree =
                                                                  RG_NEW(int64_t, m)};
  int32_t *first, *order = by_part(g->n, part, m, &first);
  tally t = new_tally(m);
  int64_t at = 0;
  for (int32_t c = 0; c < m; c++) {
    for (int32_t i = first[c]; i < first[c + 1]; i++) {
      int32_t v = order[i];
      h.degree[c] += g->degree[v];
      for (int64_t e = g->start[v]; e < g->start[v + 1]; e++)
        if (part[g->column[e]] != c)
          count(&t, part[g->column[e]], g->weight[e]);
    }
    for (int32_t j = 0; j < t.n; j++) {
      h.column[at] = t.met[j];
      h.weight[at++] = t.weight[t.met[j]];
    }
    h.start[c + 1] = at;
    clear_tally(&t);
  }
  free_tally(&t);
  rg_free(order);
  rg_free(first);
  return h;
}

/* Communities of the parts: numbered by one of their parts. */
static int32_t *labels_of_parts(int32_t n, const int32_t *label, const int32_t *part,
                                int32_t m)
{
  int32_t *of_part = RG_NEW(int32_t, m), *first = RG_NEW(int32_t, n);
  for (int32_t v = n - 1; v >= 0; v--)
    first[label[v]] = part[v];
  for (int32_t v = 0; v < n; v++)
    of_part[part[v]] = first[label[v]];
  rg_free(first);
  return of_part;
}

/* label[v] of vertices from the labels of their parts: numbered by a vertex. */
static void project(int32_t n, const int32_t *part, const int32_t *of_part, int32_t m,
                    int32_t *label)
{
  int32_t *vertex = RG_NEW(int32_t, m);
  for (int32_t v = n - 1; v >= 0; v--)
    vertex[of_part[part[v]]] = v;
  for (int32_t v = 0; v < n; v++)
    label[v] = vertex[of_part[part[v]]];
  rg_free(vertex);
}

bool leiden_here(const leiden_graph *graph, leiden_rule *rule, int32_t *label)
{
  bool changed = move_vertices(graph, rule, label);
  int32_t *part = refine(graph, rule, label);
  int32_t m = compact(graph->n, part);
  if (m < graph->n) {
    leiden_graph coarse = aggregate(graph, part, m);
    int32_t *of_part = labels_of_parts(graph->n, label, part, m);
    changed |= leiden_here(&coarse, rule, of_part);
    project(graph->n, part, of_part, m, label);
    rg_free(of_part);
    leiden_graph_fini(&coarse);
  }
  rg_free(part);
  return changed;
}
