/* What the parts of Leiden share. Weights are whole numbers (floats times a power of
 * two), so that every sum of them is exact and none depends on the order of summation,
 * hence on the number of ranks. */
#ifndef REGATTA_CLUSTER_LEIDEN_H
#define REGATTA_CLUSTER_LEIDEN_H

#include "regatta/cluster.h"

/* Quality of a community of total degree K with weight W inside (each edge twice):
 * W - rate K^2, with rate = resolution / (2 m). */
typedef struct leiden_rule {
  double rate;
  uint64_t seed;
  uint64_t round; /* part of the keys; rises with every phase */
} leiden_rule;

/* What vertex or community x gains by joining, per unit of 2 m: the weight between them
 * less what is expected. */
static inline double leiden_gain(const leiden_rule *rule, int64_t weight,
                                 int64_t degree, int64_t total)
{
  return (double)weight - rule->rate * (double)degree * (double)total;
}

/* A graph with all its rows here. Owned. */
typedef struct leiden_graph {
  int32_t n;
  int64_t *start; /* n + 1 */
  int32_t *column;
  int64_t *weight;
  int64_t *degree; /* weights of the row, and those inside the vertex twice */
} leiden_graph;
void leiden_graph_fini(leiden_graph *graph);

/* Whole numbers of weights: llround(w * scale). The same on any number of ranks.
 * Collective. */
double leiden_scale(rg_comm *comm, const rg_csr *graph);
static inline int64_t leiden_whole(double weight, double scale)
{
  int64_t whole = (int64_t)(weight * scale + 0.5);
  return whole > 0 ? whole : 1;
}

/* Modularity of n communities with degrees degree[n] and weight `inside` them, each
 * edge twice. Not collective. */
double leiden_quality(int64_t inside, const int64_t *degree, int64_t n,
                      double resolution);

/* Leiden by queues from the communities in label[n] (numbers below n), to any depth.
 * True when anything changed. Not collective. */
bool leiden_here(const leiden_graph *graph, leiden_rule *rule, int32_t *label);

/* ---- a graph spread over ranks ------------------------------------------------- */

/* Numbers met so far, each with a small index. */
typedef struct leiden_index {
  int64_t n, room; /* room: a power of two */
  int64_t *key;
  int32_t *value; /* -1: free */
} leiden_index;
/* Index of a number, or -1. */
int32_t leiden_index_find(const leiden_index *index, int64_t key);
/* Index of a number; a new one gets `value`. */
int32_t leiden_index_add(leiden_index *index, int64_t key, int32_t value);
void leiden_index_fini(leiden_index *index);

/* One level of aggregation. Vertices are spread as rg_part; a rank also knows the
 * ghosts: neighbours of its vertices that live elsewhere. Locally, vertices come
 * before ghosts. */
typedef struct leiden_level {
  rg_comm *comm;
  int64_t n;
  rg_range rows;
  int32_t n_own, n_ghost;
  int64_t *start; /* n_own + 1 */
  int32_t *column;
  int64_t *weight;
  int64_t *degree;
  int64_t n_entries; /* of all ranks */
  int64_t *ghost;    /* their numbers */
  leiden_index ghost_at;
  int64_t *watch_start; /* ranks that have vertex v as a ghost */
  int *watcher;
  int64_t *back_start; /* vertices here that are neighbours of ghost g */
  int32_t *back;
} leiden_level;
/* Take start, weight and degree, and columns as numbers of vertices. Collective. */
leiden_level leiden_level_new(rg_comm *comm, int64_t n, int64_t *start,
                              const int64_t *column, int64_t *weight, int64_t *degree);
void leiden_level_fini(leiden_level *level);

/* What is known of a community; its owner is the owner of the vertex it is named
 * after. */
typedef struct leiden_record {
  int64_t total; /* sum of degrees */
  int64_t cut;   /* refinement: weight to the rest of the community it is part of */
  int64_t size;  /* vertices */
} leiden_record;

/* Communities of a level. A slot is the local name of a community: first those named
 * after vertices here, whose records are exact, then far ones, whose records are
 * copies. */
typedef struct leiden_state {
  const leiden_level *level;
  int32_t *slot; /* of vertices and ghosts */
  leiden_record *own;
  int32_t n_far, far_room;
  int64_t *far_id;
  leiden_record *far;
  leiden_index far_at;
  struct leiden_news *news; /* to be sent */
  int *news_to;
  int64_t n_news, news_room;
} leiden_state;
/* Communities label[v] (numbers of vertices); NULL: every vertex by itself, with
 * cut[v]. Collective. */
leiden_state leiden_state_new(const leiden_level *level, const int64_t *label,
                              const int64_t *cut);
void leiden_state_fini(leiden_state *state);
int64_t leiden_state_id(const leiden_state *state, int32_t slot);
static inline const leiden_record *leiden_state_record(const leiden_state *state,
                                                       int32_t slot)
{
  int32_t n_own = state->level->n_own;
  return slot < n_own ? &state->own[slot] : &state->far[slot - n_own];
}
/* Move v with its share of the records; told to others by leiden_state_exchange. */
void leiden_state_move(leiden_state *state, int32_t v, int32_t to, leiden_record leaves,
                       leiden_record joins);
/* Tell other ranks of moves; vertices next to ghosts that moved become `active` (may be
 * NULL). Collective. */
void leiden_state_exchange(leiden_state *state, bool *active);
/* Refresh the copies of the far communities in slots[0..n). Collective. */
void leiden_state_refresh(leiden_state *state, const int32_t *slots, int64_t n);

/* Weights from one vertex to the communities round it: a small hash table. */
typedef struct leiden_bag {
  int64_t room; /* a power of two */
  int32_t *key; /* slot, -1 free */
  int64_t *weight;
  int32_t *met; /* places in the order of meeting */
  int32_t n;
} leiden_bag;
void leiden_bag_open(leiden_bag *bag, int64_t most);
void leiden_bag_fini(leiden_bag *bag);
static inline uint64_t leiden_scramble(uint64_t x)
{
  x ^= x >> 32;
  x *= UINT64_C(0x9e3779b97f4a7c15);
  return x ^ x >> 29;
}
static inline void leiden_bag_count(leiden_bag *bag, int32_t key, int64_t weight)
{
  int64_t mask = bag->room - 1, at = (int64_t)leiden_scramble((uint64_t)key) & mask;
  while (bag->key[at] >= 0 && bag->key[at] != key)
    at = (at + 1) & mask;
  if (bag->key[at] < 0) {
    bag->key[at] = key;
    bag->weight[at] = 0;
    bag->met[bag->n++] = (int32_t)at;
  }
  bag->weight[at] += weight;
}

/* Vertices in `list` by sub-round: those of sub-round c are
 * order[first[c]..first[c+1]); which is drawn anew by every rule->round. */
enum { LEIDEN_TURNS = 16 };
int leiden_turn(const leiden_rule *rule, int64_t vertex);
void leiden_turns(const leiden_level *level, const leiden_rule *rule,
                  const bool *active, int32_t *order, int64_t first[LEIDEN_TURNS + 1]);
/* Far communities round the vertices order[0..n), refreshed. Collective. */
void leiden_refresh_round(leiden_state *state, const int32_t *order, int64_t n);

/* Local moving. True when any vertex of any rank moved. Collective. */
bool leiden_move(const leiden_level *level, leiden_rule *rule, leiden_state *state);
/* Parts of the communities of `state`, each connected. Collective. */
leiden_state leiden_refine(const leiden_level *level, leiden_rule *rule,
                           leiden_state *state);

/* A level made of the parts of a finer one. */
typedef struct leiden_coarse {
  leiden_level level;
  int64_t *vertex; /* finer: number of the coarse vertex of each vertex here */
  int64_t *label;  /* coarse: community, named after a coarse vertex */
  int64_t *fine;   /* coarse: a finer vertex in it */
} leiden_coarse;
leiden_coarse leiden_aggregate(const leiden_level *level, const leiden_state *parts,
                               const leiden_state *state);
void leiden_coarse_fini(leiden_coarse *coarse);

/* Cut communities that are not connected into their components, named after their
 * lowest vertices: label[v] in and out. Collective. */
void leiden_connect(const leiden_level *level, int64_t *label);

/* rg_leiden with levels of at most `small` entries finished on one rank. Collective. */
rg_status leiden_run(rg_comm *comm, const rg_csr *graph,
                     const rg_leiden_options *options, int64_t small, int32_t *label,
                     int *n_clusters, double *modularity);

#endif
