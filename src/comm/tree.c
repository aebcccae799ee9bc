/* The ordered sum of tensor.h across ranks.
 *
 * Every rank knows every rank's slots (maximal whole subtrees), so the top of the tree,
 * from the slots upwards, is one small program in postfix order that any rank can run
 * on any columns. Vectors that are short on all ranks together are gathered whole and
 * every rank runs all columns. Long ones are cut: rank r gets its slice of columns of
 * all slots (reduce-scatter), runs the program, and the results are gathered; this goes
 * piece by piece, which bounds the memory of what is received. Parts of equal size need
 * no program: butterfly.c. */
#include "private.h"

#include <string.h>

enum {
  PIECE = RG_SUM_PIECE,
  BLOCK = 1024, /* columns summed at a time, in cache */
  ADD = -1,     /* step of the program: add the two topmost */
  TAG_SPREAD = 1,
  TAG_GATHER = 2
};

typedef struct tree {
  int64_t width, size; /* columns; bytes of a number: 4 or 8 */
  int ranks, rank;
  int64_t *first;    /* slots of rank r: first[r]..first[r+1] */
  rg_range *slots;   /* of all ranks, in order */
  int64_t *steps;    /* slot number, or ADD */
  int64_t n_steps;
  int64_t depth;     /* of the stack */
  const char **from; /* per slot: its columns */
  const char **stack;
  char *sums;        /* depth x BLOCK numbers */
} tree;

/* ---- the plan -------------------------------------------------------------------- */

/* What every rank holds: as rg_part says where `mine` is NULL, else they tell. */
static rg_range *find_ranges(rg_comm *comm, int64_t n, const rg_range *mine)
{
  rg_range *ranges = RG_NEW(rg_range, comm->size);
  for (int r = 0; r < comm->size && !mine; r++)
    ranges[r] = rg_part(n, r, comm->size);
  if (!mine)
    return ranges;
  double start = rg_watch_begin();
  MPI_Allgather(mine, sizeof *mine, MPI_BYTE, ranges, sizeof *mine, MPI_BYTE, comm->mpi);
  int64_t others = (int64_t)sizeof *mine * (comm->size - 1);
  rg_wire_waited(comm, start, others, others);
  return ranges;
}

static void find_slots(tree *t, int64_t n, rg_range *ranges)
{
  t->first = RG_NEW(int64_t, t->ranks + 1);
  int64_t low = 0, room = 0;
  for (int r = 0; r < t->ranks; r++) {
    if (rg_range_n(ranges[r]) > 0) {
      RG_ASSERT(ranges[r].low == low);
      low = ranges[r].high;
    }
    int64_t at = t->first[r];
    if (room < at + RG_TREE_SLOTS) {
      int64_t more = 2 * room + RG_TREE_SLOTS;
      t->slots = rg_realloc(t->slots, room, more, sizeof *t->slots);
      room = more;
    }
    t->first[r + 1] = at + rg_tree_cover(n, ranges[r], t->slots + at);
  }
  RG_ASSERT(low == n);
  rg_free(ranges);
}

/* Emit the steps of a node; slots come in order, so the next one is a counter. */
static void plan_node(tree *t, rg_range node, int64_t *next, int64_t height)
{
  if (height > t->depth)
    t->depth = height;
  rg_range slot = t->slots[*next];
  if (slot.low == node.low && slot.high == node.high) {
    t->steps[t->n_steps++] = (*next)++;
    return;
  }
  int64_t middle = rg_tree_split(node);
  plan_node(t, (rg_range){node.low, middle}, next, height);
  plan_node(t, (rg_range){middle, node.high}, next, height + 1);
  t->steps[t->n_steps++] = ADD;
}

static void tree_init(tree *t, rg_comm *comm, int64_t n, const rg_range *mine,
                      int64_t width, int64_t size)
{
  *t = (tree){.width = width, .size = size, .ranks = comm->size, .rank = comm->rank};
  find_slots(t, n, find_ranges(comm, n, mine));
  int64_t slots = t->first[t->ranks], next = 0;
  t->steps = RG_NEW(int64_t, 2 * slots);
  plan_node(t, (rg_range){0, n}, &next, 1);
  RG_ASSERT(next == slots);
  t->from = RG_NEW(const char *, slots);
  t->stack = RG_NEW(const char *, t->depth);
  t->sums = RG_NEW(char, t->depth * BLOCK * size);
}

static void tree_fini(tree *t)
{
  rg_free(t->first);
  rg_free(t->slots);
  rg_free(t->steps);
  rg_free(t->from);
  rg_free(t->stack);
  rg_free(t->sums);
}

/* ---- running it ------------------------------------------------------------------ */

void rg_sum_two(const void *a, const void *b, int64_t n, int64_t size, void *out)
{
  if (size == sizeof(float)) {
    const float *x = a, *y = b;
    float *z = out;
#pragma omp simd
    for (int64_t j = 0; j < n; j++)
      z[j] = x[j] + y[j];
  } else {
    const double *x = a, *y = b;
    double *z = out;
#pragma omp simd
    for (int64_t j = 0; j < n; j++)
      z[j] = x[j] + y[j];
  }
}

/* Columns [j, j + n) of every slot, n <= BLOCK. The last sum goes straight to out, which
 * may be a slot's own columns: numbers are only overwritten by their own sum. */
static void run_block(tree *t, int64_t j, int64_t n, char *out)
{
  int64_t top = 0;
  for (int64_t s = 0; s < t->n_steps; s++) {
    if (t->steps[s] != ADD) {
      t->stack[top++] = t->from[t->steps[s]] + j * t->size;
      continue;
    }
    top--;
    char *sum = s + 1 == t->n_steps ? out : t->sums + (top - 1) * BLOCK * t->size;
    rg_sum_two(t->stack[top - 1], t->stack[top], n, t->size, sum);
    t->stack[top - 1] = sum;
  }
  if (t->stack[0] != out)
    memcpy(out, t->stack[0], (size_t)(n * t->size));
}

static void run(tree *t, int64_t n, char *out)
{
  for (int64_t j = 0; j < n; j += BLOCK)
    run_block(t, j, n - j < BLOCK ? n - j : BLOCK, out + j * t->size);
}

/* ---- short vectors --------------------------------------------------------------- */

static void reduce_short(tree *t, rg_comm *comm, const char *partial, char *out)
{
  int64_t row = t->width * t->size, slots = t->first[t->ranks];
  int64_t *offset = RG_NEW(int64_t, t->ranks + 1);
  for (int r = 0; r <= t->ranks; r++)
    offset[r] = t->first[r] * row;
  char *all = rg_scratch(comm, slots * row);
  int64_t mine = offset[t->rank + 1] - offset[t->rank];
  if (mine > 0)
    memcpy(all + offset[t->rank], partial, (size_t)mine);
  rg_wire_gather(comm, all, offset);
  for (int64_t s = 0; s < slots; s++)
    t->from[s] = all + s * row;
  run(t, t->width, out);
  rg_free(offset);
}

/* ---- long vectors ---------------------------------------------------------------- */

/* Columns of piece i of rank r's slice. */
static rg_range piece_of(const tree *t, int r, int64_t i)
{
  rg_range slice = rg_part(t->width, r, t->ranks);
  int64_t low = slice.low + i * PIECE, high = low + PIECE;
  return (rg_range){low < slice.high ? low : slice.high,
                    high < slice.high ? high : slice.high};
}

/* The other ranks in an order that spreads the load: rank + 1, rank + 2, ... */
static int peer(const tree *t, int step)
{
  return (t->rank + step) % t->ranks;
}

/* Post piece i: my slots' columns to each owner, the others' into `buffer`. */
static void post_spread(tree *t, rg_comm *comm, const char *partial, int64_t i,
                        char *buffer)
{
  int64_t row = t->width * t->size, n = rg_range_n(piece_of(t, t->rank, i)) * t->size;
  for (int step = 1; step < t->ranks; step++) {
    int r = peer(t, t->ranks - step);
    for (int64_t s = t->first[r]; s < t->first[r + 1]; s++)
      rg_wire_receive(comm, buffer + s * PIECE * t->size, n, r, TAG_SPREAD);
  }
  int64_t mine = t->first[t->rank + 1] - t->first[t->rank];
  for (int step = 1; step < t->ranks; step++) {
    rg_range piece = piece_of(t, peer(t, step), i);
    for (int64_t s = 0; s < mine; s++)
      rg_wire_send(comm, partial + s * row + piece.low * t->size,
                   rg_range_n(piece) * t->size, peer(t, step), TAG_SPREAD);
  }
}

static void post_gather(tree *t, rg_comm *comm, int64_t i, char *out)
{
  rg_range mine = piece_of(t, t->rank, i);
  for (int step = 1; step < t->ranks; step++) {
    rg_range piece = piece_of(t, peer(t, t->ranks - step), i);
    rg_wire_receive(comm, out + piece.low * t->size, rg_range_n(piece) * t->size,
                    peer(t, t->ranks - step), TAG_GATHER);
  }
  for (int step = 1; step < t->ranks; step++)
    rg_wire_send(comm, out + mine.low * t->size, rg_range_n(mine) * t->size,
                 peer(t, step), TAG_GATHER);
}

static void run_piece(tree *t, const char *partial, int64_t i, const char *buffer,
                      char *out)
{
  rg_range piece = piece_of(t, t->rank, i);
  for (int64_t s = 0; s < t->first[t->ranks]; s++)
    t->from[s] = buffer + s * PIECE * t->size;
  for (int64_t s = t->first[t->rank]; s < t->first[t->rank + 1]; s++)
    t->from[s] = partial + ((s - t->first[t->rank]) * t->width + piece.low) * t->size;
  run(t, rg_range_n(piece), out + piece.low * t->size);
}

static void reduce_long(tree *t, rg_comm *comm, const char *partial, char *out)
{
  int64_t pieces = rg_sum_pieces(t->width, t->ranks);
  char *buffer = rg_scratch(comm, t->first[t->ranks] * PIECE * t->size);
  for (int64_t i = 0; i < pieces; i++) {
    post_spread(t, comm, partial, i, buffer);
    rg_wire_wait(comm); /* the results of the piece before too */
    run_piece(t, partial, i, buffer, out);
    post_gather(t, comm, i, out);
  }
  rg_wire_wait(comm);
}

static void reduce_slots(rg_comm *comm, int64_t n, const rg_range *mine,
                         const void *partial, int64_t width, int64_t size, void *out)
{
  tree t;
  tree_init(&t, comm, n, mine, width, size);
  if (rg_way_of_sum(comm->size, n, !mine, width * size) == RG_SUM_GATHERED)
    reduce_short(&t, comm, partial, out);
  else
    reduce_long(&t, comm, partial, out);
  tree_fini(&t);
}

/* `mine` is NULL where ranks hold parts; `out` may be `partial` when this rank has one slot
 * (rg_sum_f64). */
static void reduce(rg_comm *comm, int64_t n, const rg_range *mine, const void *partial,
                   int64_t width, int64_t size, void *out)
{
  if (n == 0) {
    memset(out, 0, (size_t)(width * size));
    return;
  }
  if (comm->size == 1) {
    RG_ASSERT(!mine || (mine->low == 0 && mine->high == n));
    memmove(out, partial, (size_t)(width * size));
    return;
  }
  switch (rg_way_of_sum(comm->size, n, !mine, width * size)) {
  case RG_SUM_PAIRS: rg_sum_by_pairs(comm, partial, width, size, out); break;
  case RG_SUM_HALVES: rg_sum_by_halves(comm, partial, width, size, out); break;
  case RG_SUM_GATHERED:
  case RG_SUM_CUT: reduce_slots(comm, n, mine, partial, width, size, out); break;
  }
}

void rg_tree_reduce_f32(rg_comm *comm, int64_t n, rg_range mine, const float *partial,
                        int64_t width, float *out)
{
  reduce(comm, n, &mine, partial, width, sizeof *out, out);
}

void rg_tree_reduce_f64(rg_comm *comm, int64_t n, rg_range mine, const double *partial,
                        int64_t width, double *out)
{
  reduce(comm, n, &mine, partial, width, sizeof *out, out);
}

void rg_part_reduce_f32(rg_comm *comm, int64_t n, const float *partial, int64_t width,
                        float *out)
{
  reduce(comm, n, NULL, partial, width, sizeof *out, out);
}

void rg_part_reduce_f64(rg_comm *comm, int64_t n, const double *partial, int64_t width,
                        double *out)
{
  reduce(comm, n, NULL, partial, width, sizeof *out, out);
}

void rg_sum_rows_f64(rg_comm *comm, const double *x, int64_t rows, int64_t width,
                     double *out)
{
  rg_range slots[RG_TREE_SLOTS], mine;
  int64_t total;
  mine.low = rg_prefix_i64(comm, rows, &total);
  mine.high = mine.low + rows;
  int n = rg_tree_cover(total, mine, slots);
  double *partial = RG_NEW(double, n * width);
  for (int s = 0; s < n; s++)
    rg_tree_sum_f64(x + (slots[s].low - mine.low) * width, rg_range_n(slots[s]), width,
                    width, partial + s * width);
  memset(out, 0, sizeof *out * (size_t)width);
  if (total > 0)
    rg_tree_reduce_f64(comm, total, mine, partial, width, out);
  rg_free(partial);
}
