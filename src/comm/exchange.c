/* Rows over ranks: gather, all-to-all, ring shift, fetch by number, scatter. */
#include "private.h"

#include <string.h>

enum { TAG_EXCHANGE = 3, TAG_SHIFT = 4, TAG_LENGTH = 5 };

/* Tell every rank how many bytes it gets from me: take[r] are those that r has for me. */
static void swap_counts(rg_comm *comm, const int64_t *give, int64_t *take)
{
  int64_t others = comm->size - 1;
  if (others == 0) {
    take[0] = give[0];
    return;
  }
  double start = rg_watch_begin();
  MPI_Alltoall(give, 1, MPI_INT64_T, take, 1, MPI_INT64_T, comm->mpi);
  rg_wire_waited(comm, start, 8 * others, 8 * others);
}

/* Running sums of n counts: offset[0..n]. */
static void add_up(const int64_t *counts, int n, int64_t *offset)
{
  offset[0] = 0;
  for (int r = 0; r < n; r++)
    offset[r + 1] = offset[r] + counts[r];
}

void *rg_gather_all(rg_comm *comm, const void *bytes, int64_t n, int64_t *counts,
                    int64_t *total)
{
  int size = comm->size;
  int64_t *offset = RG_NEW(int64_t, 2 * size + 1), *count = offset + size + 1;
  count[comm->rank] = n;
  if (size > 1) {
    double start = rg_watch_begin();
    MPI_Allgather(MPI_IN_PLACE, 0, MPI_INT64_T, count, 1, MPI_INT64_T, comm->mpi);
    rg_wire_waited(comm, start, 8 * (size - 1), 8 * (size - 1));
  }
  add_up(count, size, offset);
  char *all = rg_alloc(offset[size], 1);
  if (n > 0)
    memcpy(all + offset[comm->rank], bytes, (size_t)n);
  rg_wire_gather(comm, all, offset);
  if (counts)
    memcpy(counts, count, (size_t)size * sizeof *counts);
  *total = offset[size];
  rg_free(offset);
  return all;
}

void *rg_exchange(rg_comm *comm, const void *send, const int64_t *send_offset,
                  int64_t *receive_offset)
{
  int size = comm->size, rank = comm->rank;
  int64_t *give = RG_NEW(int64_t, 2 * size), *take = give + size;
  for (int r = 0; r < size; r++)
    give[r] = send_offset[r + 1] - send_offset[r];
  swap_counts(comm, give, take);
  add_up(take, size, receive_offset);
  const char *from = send;
  char *to = rg_alloc(receive_offset[size], 1);
  for (int step = 1; step < size; step++) {
    int r = (rank + size - step) % size;
    rg_wire_receive(comm, to + receive_offset[r], take[r], r, TAG_EXCHANGE);
  }
  for (int step = 1; step < size; step++) {
    int r = (rank + step) % size;
    rg_wire_send(comm, from + send_offset[r], give[r], r, TAG_EXCHANGE);
  }
  if (give[rank] > 0)
    memcpy(to + receive_offset[rank], from + send_offset[rank], (size_t)give[rank]);
  rg_wire_wait(comm);
  rg_free(give);
  return to;
}

void rg_shift(rg_comm *comm, void **bytes, int64_t *n, int shift)
{
  int size = comm->size, step = (shift % size + size) % size;
  if (step == 0)
    return;
  int to = (comm->rank + step) % size, from = (comm->rank + size - step) % size;
  int64_t coming = 0;
  rg_wire_receive(comm, &coming, sizeof coming, from, TAG_LENGTH);
  rg_wire_send(comm, n, sizeof *n, to, TAG_LENGTH);
  rg_wire_wait(comm);
  void *next = rg_alloc(coming, 1);
  rg_wire_receive(comm, next, coming, from, TAG_SHIFT);
  rg_wire_send(comm, *bytes, *n, to, TAG_SHIFT);
  rg_wire_wait(comm);
  rg_free(*bytes);
  *bytes = next;
  *n = coming;
}

/* A stable order of n items by rank: order[0..n), offset[0..size] in items. */
static void sort_by_rank(const int *to, int64_t n, int size, int64_t *order,
                         int64_t *offset)
{
  memset(offset, 0, (size_t)(size + 1) * sizeof *offset);
  for (int64_t i = 0; i < n; i++) {
    RG_ASSERT(to[i] >= 0 && to[i] < size);
    offset[to[i] + 1]++;
  }
  for (int r = 0; r < size; r++)
    offset[r + 1] += offset[r];
  int64_t *next = RG_NEW(int64_t, size);
  memcpy(next, offset, (size_t)size * sizeof *next);
  for (int64_t i = 0; i < n; i++)
    order[next[to[i]]++] = i;
  rg_free(next);
}

static void scale(int64_t *offset, int size, int64_t factor)
{
  for (int r = 0; r <= size; r++)
    offset[r] *= factor;
}

void *rg_scatter(rg_comm *comm, const void *rows, int64_t n, int64_t row_bytes,
                 const int *to, int64_t *n_out)
{
  int size = comm->size;
  int64_t *order = RG_NEW(int64_t, n), *offset = RG_NEW(int64_t, 2 * (size + 1));
  sort_by_rank(to, n, size, order, offset);
  const char *from = rows;
  char *packed = rg_alloc(n, (size_t)row_bytes);
  for (int64_t i = 0; i < n; i++)
    memcpy(packed + i * row_bytes, from + order[i] * row_bytes, (size_t)row_bytes);
  scale(offset, size, row_bytes);
  int64_t *received = offset + size + 1;
  void *out = rg_exchange(comm, packed, offset, received);
  *n_out = row_bytes > 0 ? received[size] / row_bytes : 0;
  rg_free(packed);
  rg_free(order);
  rg_free(offset);
  return out;
}

/* Copy rows ids[i] - low of a table, in order. */
static void pick(const char *table, int64_t low, int64_t high, int64_t row_bytes,
                 const int64_t *ids, int64_t n, char *out)
{
  for (int64_t i = 0; i < n; i++) {
    RG_ASSERT(ids[i] >= low && ids[i] < high);
    memcpy(out + i * row_bytes, table + (ids[i] - low) * row_bytes, (size_t)row_bytes);
  }
}

/* Ask the owners for rows, which answer in the order of the questions. */
static void fetch_from_owners(rg_comm *comm, const void *mine, int64_t total,
                              int64_t row_bytes, const int64_t *ids, int64_t n,
                              char *out)
{
  int size = comm->size;
  rg_range part = rg_part(total, comm->rank, size);
  int *owner = RG_NEW(int, n);
  for (int64_t i = 0; i < n; i++)
    owner[i] = rg_part_owner(total, size, ids[i]);
  int64_t *order = RG_NEW(int64_t, n), *wanted = RG_NEW(int64_t, n);
  int64_t *asks = RG_NEW(int64_t, 3 * (size + 1)), *asked = asks + size + 1;
  sort_by_rank(owner, n, size, order, asks);
  for (int64_t i = 0; i < n; i++)
    wanted[i] = ids[order[i]];
  scale(asks, size, sizeof *ids);
  int64_t *questions = rg_exchange(comm, wanted, asks, asked);
  int64_t n_asked = asked[size] / (int64_t)sizeof *ids;
  char *answer = rg_alloc(n_asked, (size_t)row_bytes);
  pick(mine, part.low, part.high, row_bytes, questions, n_asked, answer);
  for (int r = 0; r <= size; r++)
    asked[r] = asked[r] / (int64_t)sizeof *ids * row_bytes;
  char *rows = rg_exchange(comm, answer, asked, asked + size + 1);
  for (int64_t i = 0; i < n; i++)
    memcpy(out + order[i] * row_bytes, rows + i * row_bytes, (size_t)row_bytes);
  rg_free(rows);
  rg_free(answer);
  rg_free(questions);
  rg_free(asks);
  rg_free(wanted);
  rg_free(order);
  rg_free(owner);
}

void rg_fetch(rg_comm *comm, const void *mine, int64_t total, int64_t row_bytes,
              const int64_t *ids, int64_t n, void *out)
{
  if (comm->size == 1)
    pick(mine, 0, total, row_bytes, ids, n, out);
  else
    fetch_from_owners(comm, mine, total, row_bytes, ids, n, out);
}

rg_mat rg_gather_rows(rg_comm *comm, const rg_mat *mine)
{
  int64_t cols = mine->cols; /* a rank without rows may not know the columns */
  rg_max_i64(comm, &cols, 1);
  RG_ASSERT(mine->rows == 0 || mine->cols == cols);
  int64_t total, row = cols * (int64_t)sizeof(float);
  float *data = rg_gather_all(comm, mine->data, mine->rows * row, NULL, &total);
  int64_t rows = mine->rows;
  rg_sum_i64(comm, &rows, 1);
  return (rg_mat){.rows = rows, .cols = cols, .data = data};
}
