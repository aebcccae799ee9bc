/* Redistribution: rows over ranks become columns over ranks, a block of features at a
 * time. */
#include "columns.h"

#include <string.h>

void rg_columns_fini(rg_columns *columns)
{
  rg_free(columns->first);
  rg_free(columns->entry);
  *columns = (rg_columns){0};
}

/* First entry of row i at or after a column. */
static int64_t entry_at(const rg_csr *rows, int64_t i, int64_t column)
{
  int64_t low = rows->indptr[i], high = rows->indptr[i + 1];
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (rows->indices[middle] < column)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static float value_of(const rg_csr *rows, int64_t e)
{
  return rows->values ? rows->values[e] : 1;
}

/* Entries of the block per feature. Owned. */
static int64_t *count_entries(const rg_csr *rows, const int32_t *group, rg_range block)
{
  int64_t *count = RG_NEW(int64_t, rg_range_n(block));
  for (int64_t i = 0; i < rows->rows; i++) {
    if (group[i] < 0)
      continue;
    int64_t high = rows->indptr[i + 1];
    for (int64_t e = entry_at(rows, i, block.low);
         e < high && rows->indices[e] < block.high; e++)
      count[rows->indices[e] - block.low] += value_of(rows, e) > 0;
  }
  return count;
}

/* Entries feature by feature; at[f] is where those of a feature start, then end. Owned. */
static rg_entry *pack(const rg_csr *rows, const int32_t *group, rg_range block, int64_t *at,
                      int64_t n)
{
  rg_entry *entry = RG_NEW(rg_entry, n);
  for (int64_t i = 0; i < rows->rows; i++) {
    if (group[i] < 0)
      continue;
    int64_t high = rows->indptr[i + 1];
    for (int64_t e = entry_at(rows, i, block.low);
         e < high && rows->indices[e] < block.high; e++)
      if (value_of(rows, e) > 0)
        entry[at[rows->indices[e] - block.low]++] =
            (rg_entry){value_of(rows, e), group[i]};
  }
  return entry;
}

/* What came from the ranks, one after the other, becomes columns. */
static void join(int ranks, int64_t n, const int64_t *count, const rg_entry *in,
                 rg_columns *out)
{
  out->first = RG_NEW(int64_t, n + 1);
  for (int64_t f = 0; f < n; f++) {
    out->first[f + 1] = out->first[f];
    for (int r = 0; r < ranks; r++)
      out->first[f + 1] += count[r * n + f];
  }
  out->entry = RG_NEW(rg_entry, out->first[n]);
  int64_t *at = RG_NEW(int64_t, n);
  memcpy(at, out->first, (size_t)n * sizeof *at);
  for (int r = 0; r < ranks; r++)
    for (int64_t f = 0; f < n; f++) {
      int64_t k = count[r * n + f];
      memcpy(out->entry + at[f], in, (size_t)k * sizeof *in);
      at[f] += k;
      in += k;
    }
  rg_free(at);
}

rg_columns rg_columns_deal(rg_comm *comm, const rg_csr *rows, const int32_t *group,
                           rg_range block)
{
  int ranks = rg_size(comm);
  int64_t width = rg_range_n(block), n = 0;
  int64_t *count = count_entries(rows, group, block), *at = RG_NEW(int64_t, width);
  int64_t *counts_to = RG_NEW(int64_t, ranks + 1), *to = RG_NEW(int64_t, ranks + 1);
  for (int r = 0; r < ranks; r++) {
    rg_range part = rg_part(width, r, ranks);
    counts_to[r + 1] = part.high * (int64_t)sizeof *count;
    for (int64_t f = part.low; f < part.high; f++) {
      at[f] = n;
      n += count[f];
    }
    to[r + 1] = n * (int64_t)sizeof(rg_entry);
  }
  rg_entry *entry = pack(rows, group, block, at, n);
  int64_t *from = RG_NEW(int64_t, ranks + 1);
  int64_t *counts = rg_exchange(comm, count, counts_to, from);
  rg_entry *in = rg_exchange(comm, entry, to, from);
  rg_free(entry);
  rg_range mine = rg_part(width, rg_rank(comm), ranks);
  rg_columns out = {.low = block.low + mine.low, .n = rg_range_n(mine)};
  join(ranks, out.n, counts, in, &out);
  rg_free(in);
  rg_free(counts);
  rg_free(from);
  rg_free(to);
  rg_free(counts_to);
  rg_free(at);
  rg_free(count);
  return out;
}

/* ---- sorting --------------------------------------------------------------------- */

enum { DIGIT = 11, DIGITS = 1 << DIGIT, SHORT = 64 };

static void insertion_sort(rg_entry *column, int64_t n)
{
  for (int64_t i = 1; i < n; i++) {
    rg_entry e = column[i];
    int64_t j = i;
    for (; j > 0 && column[j - 1].value > e.value; j--)
      column[j] = column[j - 1];
    column[j] = e;
  }
}

/* The bits of positive floats are in the order of the floats. */
static uint32_t bits_of(rg_entry e)
{
  uint32_t bits;
  memcpy(&bits, &e.value, sizeof bits);
  return bits;
}

void rg_column_sort(rg_entry *column, rg_entry *spare, int64_t n)
{
  if (n <= SHORT) {
    insertion_sort(column, n);
    return;
  }
  rg_entry *from = column, *to = spare;
  for (int shift = 0; shift < 32; shift += DIGIT) {
    int64_t at[DIGITS + 1] = {0};
    for (int64_t i = 0; i < n; i++)
      at[(bits_of(from[i]) >> shift) % DIGITS + 1]++;
    for (int d = 0; d < DIGITS; d++)
      at[d + 1] += at[d];
    for (int64_t i = 0; i < n; i++)
      to[at[(bits_of(from[i]) >> shift) % DIGITS]++] = from[i];
    rg_entry *swap = from;
    from = to;
    to = swap;
  }
  memcpy(column, spare, (size_t)n * sizeof *column); /* three turns end in the spare */
}
