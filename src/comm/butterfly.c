/* The ordered sum where every rank holds one node of a whole tree.
 *
 * Ranks pair up along the tree, the nearest first: after log2(ranks) exchanges each has the
 * sum. Both partners add the same two numbers, and a sum of two does not depend on their
 * order, so the bits are those of the tree. Short vectors are exchanged whole; of long ones
 * a rank keeps half at every level, and the halves are gathered on the way back: the bytes
 * of a reduce-scatter and an allgather, the longest messages between neighbours. */
#include "private.h"

#include <string.h>

enum { TAG_REDUCE = 6 };

/* Send my columns `give` of out to a rank and receive `take` from it, to `in`. */
static void swap(rg_comm *comm, int peer, const char *out, rg_range give, char *in,
                 rg_range take, int64_t size)
{
  rg_wire_receive(comm, in, rg_range_n(take) * size, peer, TAG_REDUCE);
  rg_wire_send(comm, out + give.low * size, rg_range_n(give) * size, peer, TAG_REDUCE);
  rg_wire_wait(comm);
}

void rg_sum_by_pairs(rg_comm *comm, const void *partial, int64_t width, int64_t size,
                     void *out)
{
  char *in = rg_scratch(comm, width * size);
  rg_range all = {0, width};
  memmove(out, partial, (size_t)(width * size));
  for (int step = 1; step < comm->size; step *= 2) {
    swap(comm, comm->rank ^ step, out, all, in, all, size);
    rg_sum_two(out, in, width, size, out);
  }
}

void rg_sum_by_halves(rg_comm *comm, const void *partial, int64_t width, int64_t size,
                      void *sum)
{
  enum { LEVELS = 31 };
  rg_range kept[LEVELS + 1] = {{0, width}};
  char *in = rg_scratch(comm, (width + 1) / 2 * size), *out = sum;
  memmove(out, partial, (size_t)(width * size));
  int level = 0;
  for (int step = 1; step < comm->size; step *= 2, level++) {
    rg_range all = kept[level], keep = all, give = all;
    int64_t middle = all.low + rg_range_n(all) / 2;
    bool upper = (comm->rank & step) != 0;
    *(upper ? &keep.low : &keep.high) = middle;
    *(upper ? &give.high : &give.low) = middle;
    swap(comm, comm->rank ^ step, out, give, in, keep, size);
    rg_sum_two(out + keep.low * size, in, rg_range_n(keep), size, out + keep.low * size);
    kept[level + 1] = keep;
  }
  while (level-- > 0) {
    rg_range mine = kept[level + 1], other = kept[level];
    *(mine.low == other.low ? &other.low : &other.high) =
        mine.low == other.low ? mine.high : mine.low;
    swap(comm, comm->rank ^ (1 << level), out, mine, out + other.low * size, other, size);
  }
}
