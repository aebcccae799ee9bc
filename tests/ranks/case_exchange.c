/* Rows over ranks: gather, exchange, shift, fetch, scatter, with empty ranks. */
#include "src/comm/private.h"
#include "tests/ranks/ranks.h"

#include <string.h>

/* What rank `from` says to rank `to`: a length that is often 0, and a byte. */
static int64_t length(int from, int to, int64_t unit)
{
  return (from * 3 + to) % 4 * unit;
}

static char letter(int from, int to, int64_t i)
{
  return (char)(from * 31 + to * 7 + i);
}

static void check_exchange(rg_comm *comm, int64_t unit)
{
  int rank = rg_rank(comm), size = rg_size(comm);
  int64_t *send = RG_NEW(int64_t, 2 * (size + 1)), *receive = send + size + 1;
  for (int r = 0; r < size; r++)
    send[r + 1] = send[r] + length(rank, r, unit);
  char *out = RG_NEW(char, send[size]);
  for (int r = 0; r < size; r++)
    for (int64_t i = send[r]; i < send[r + 1]; i++)
      out[i] = letter(rank, r, i - send[r]);
  char *in = rg_exchange(comm, out, send, receive);
  int64_t wrong = 0;
  for (int r = 0; r < size; r++) {
    RG_CHECK(receive[r + 1] - receive[r] == length(r, rank, unit));
    for (int64_t i = receive[r]; i < receive[r + 1]; i++)
      wrong += in[i] != letter(r, rank, i - receive[r]);
  }
  RG_CHECK(wrong == 0);
  rg_free(in);
  rg_free(out);
  rg_free(send);
}

static void check_gather(rg_comm *comm, int64_t unit)
{
  int rank = rg_rank(comm), size = rg_size(comm);
  int64_t n = length(rank, 1, unit), total, *counts = RG_NEW(int64_t, size);
  char *mine = RG_NEW(char, n);
  for (int64_t i = 0; i < n; i++)
    mine[i] = letter(rank, 0, i);
  char *all = rg_gather_all(comm, mine, n, counts, &total);
  int64_t at = 0, wrong = 0;
  for (int r = 0; r < size; r++) {
    RG_CHECK(counts[r] == length(r, 1, unit));
    for (int64_t i = 0; i < counts[r]; i++)
      wrong += all[at++] != letter(r, 0, i);
  }
  RG_CHECK(at == total && wrong == 0);
  rg_free(all);
  rg_free(mine);
  rg_free(counts);
}

static void check_shift(rg_comm *comm, int shift, int64_t unit)
{
  int rank = rg_rank(comm), size = rg_size(comm);
  int64_t n = length(rank, 2, unit), wrong = 0;
  void *bytes = RG_NEW(char, n);
  for (int64_t i = 0; i < n; i++)
    ((char *)bytes)[i] = letter(rank, 2, i);
  rg_shift(comm, &bytes, &n, shift);
  int from = ((rank - shift) % size + size) % size;
  RG_CHECK(n == length(from, 2, unit));
  for (int64_t i = 0; i < n; i++)
    wrong += ((char *)bytes)[i] != letter(from, 2, i);
  RG_CHECK(wrong == 0);
  rg_free(bytes);
}

/* `total` rows of 12 bytes; each rank asks for `n` of them, backwards and repeated. */
static void check_fetch(rg_comm *comm, int64_t total, int64_t n)
{
  rg_range part = rg_part(total, rg_rank(comm), rg_size(comm));
  int32_t *mine = RG_NEW(int32_t, 3 * rg_range_n(part));
  for (int64_t i = part.low; i < part.high; i++)
    for (int64_t j = 0; j < 3; j++)
      mine[(i - part.low) * 3 + j] = (int32_t)(10 * i + j);
  int64_t *ids = RG_NEW(int64_t, n), wrong = 0;
  for (int64_t i = 0; i < n; i++)
    ids[i] = (total - 1 - 7 * i % total + rg_rank(comm)) % total;
  int32_t *out = RG_NEW(int32_t, 3 * n);
  rg_fetch(comm, mine, total, 12, ids, n, out);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < 3; j++)
      wrong += out[3 * i + j] != 10 * ids[i] + j;
  RG_CHECK(wrong == 0);
  rg_free(out);
  rg_free(ids);
  rg_free(mine);
}

/* Rank r has 5 r rows; row i goes to rank (i * i + r) mod size. */
static void check_scatter(rg_comm *comm)
{
  int rank = rg_rank(comm), size = rg_size(comm), n = 5 * rank;
  int32_t *rows = RG_NEW(int32_t, 2 * n);
  int *to = RG_NEW(int, n);
  for (int i = 0; i < n; i++) {
    rows[2 * i] = rank;
    rows[2 * i + 1] = i;
    to[i] = (i * i + rank) % size;
  }
  int64_t n_out, at = 0;
  int32_t *out = rg_scatter(comm, rows, n, 8, to, &n_out);
  for (int r = 0; r < size; r++)
    for (int i = 0; i < 5 * r; i++)
      if ((i * i + r) % size == rank) {
        RG_CHECK(at < n_out && out[2 * at] == r && out[2 * at + 1] == i);
        at++;
      }
  RG_CHECK(at == n_out);
  rg_free(out);
  rg_free(to);
  rg_free(rows);
}

static void check_rows(rg_comm *comm)
{
  int rank = rg_rank(comm), size = rg_size(comm);
  bool holds = rank % 2 == 0; /* odd ranks hold nothing and know no columns */
  rg_mat mine = rg_mat_new(holds ? rank + 1 : 0, holds ? 3 : 0);
  for (int64_t i = 0; i < mine.rows * mine.cols; i++)
    mine.data[i] = (float)(rank * 100 + i);
  rg_mat all = rg_gather_rows(comm, &mine);
  int64_t row = 0;
  RG_CHECK(all.cols == 3);
  for (int r = 0; r < size; r += 2)
    for (int i = 0; i <= r; i++, row++)
      for (int j = 0; j < 3; j++)
        RG_CHECK(rg_mat_row(&all, row)[j] == (float)(r * 100 + i * 3 + j));
  RG_CHECK(all.rows == row);
  rg_mat_fini(&all);
  rg_mat_fini(&mine);
}

static void check_part(rg_comm *comm)
{
  int size = rg_size(comm);
  for (int64_t n = 0; n < 20; n++) {
    int64_t at = 0;
    for (int r = 0; r < size; r++) {
      rg_range part = rg_part(n, r, size);
      RG_CHECK(part.low == at && rg_range_n(part) - n / size <= 1);
      for (at = part.low; at < part.high; at++)
        RG_CHECK(rg_part_owner(n, size, at) == r);
    }
    RG_CHECK(at == n);
  }
}

static void run(rg_comm *comm)
{
  check_part(comm);
  for (int pass = 0; pass < 2; pass++) {
    rg_wire_limit(pass == 0 ? 0 : 64); /* messages in pieces the second time */
    for (int64_t unit = 1; unit < 2000; unit *= 37) {
      check_exchange(comm, unit);
      check_gather(comm, unit);
      for (int shift = -2; shift <= 2; shift++)
        check_shift(comm, shift, unit);
    }
    check_exchange(comm, 0);
    check_fetch(comm, 2, rg_rank(comm) == 0 ? 0 : 9); /* fewer rows than ranks */
    check_fetch(comm, 101, 50 * rg_rank(comm));
    check_scatter(comm);
    check_rows(comm);
  }
  rg_wire_limit(0);
}

const rg_case rg_case_exchange = {"exchange", run};
