/* Containers: the same bytes at any number of ranks, read back at any other. */
#include "regatta/io.h"
#include "src/io/vault.h"
#include "tests/ranks/ranks.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 500001, COLS = 2, FEW = 5 };

static double value(int64_t row, int64_t col)
{
  return (double)row * 3 + (double)col / 7;
}

/* Uneven parts, some of them empty: rank r holds rows in proportion to r. */
static rg_range uneven(int64_t n, int rank, int size)
{
  if (size == 1)
    return (rg_range){0, n};
  int64_t all = (int64_t)size * (size - 1) / 2;
  return (rg_range){n * (rank * (rank - 1) / 2) / all,
                    n * (rank * (rank + 1) / 2) / all};
}

static rg_status write_box(rg_comm *comm, const char *path)
{
  rg_vault *vault;
  rg_range large = uneven(ROWS, rg_rank(comm), rg_size(comm));
  rg_range small = rg_part(FEW, rg_rank(comm), rg_size(comm));
  double *x = RG_NEW(double, rg_range_n(large) * COLS);
  int32_t few[FEW];
  for (int64_t i = 0; i < rg_range_n(large); i++)
    for (int64_t j = 0; j < COLS; j++)
      x[i * COLS + j] = value(large.low + i, j);
  for (int64_t i = small.low; i < small.high; i++)
    few[i - small.low] = (int32_t)(10 * i);
  rg_status status = rg_vault_create(comm, path, &vault);
  if (status == RG_OK) {
    RG_CHECK(rg_vault_put_rows(vault, "few", 'i', few, rg_range_n(small), 1) == RG_OK);
    RG_CHECK(rg_vault_put_rows(vault, "many", 'd', x, rg_range_n(large), COLS) ==
             RG_OK);
    RG_CHECK(rg_vault_put(vault, "same", 'c', "text", 4, 1) == RG_OK);
    RG_CHECK(rg_vault_note(vault, "model", "sailerx") == RG_OK);
    status = rg_vault_commit(vault);
  }
  rg_free(x);
  return status;
}

static void read_box(rg_comm *comm, const char *path)
{
  rg_vault *vault;
  RG_CHECK(rg_vault_open(comm, path, &vault) == RG_OK);
  rg_range mine = rg_part(ROWS, rg_rank(comm), rg_size(comm));
  double *x = RG_NEW(double, rg_range_n(mine) * COLS);
  RG_CHECK(rg_vault_get_rows(vault, "many", mine.low, mine.high, x) == RG_OK);
  bool equal = true;
  for (int64_t i = 0; i < rg_range_n(mine) * COLS; i++)
    equal &= x[i] == value(mine.low + i / COLS, i % COLS);
  RG_CHECK(equal);
  int32_t few[FEW];
  RG_CHECK(rg_vault_get_rows(vault, "few", 0, FEW, few) == RG_OK);
  for (int i = 0; i < FEW; i++)
    RG_CHECK(few[i] == 10 * i);
  RG_CHECK(strcmp(rg_vault_text(vault, "model"), "sailerx") == 0);
  /* one rank asks for what is not there: all are told */
  int64_t high = rg_rank(comm) == rg_size(comm) - 1 ? ROWS + 1 : 1;
  RG_CHECK(rg_vault_get_rows(vault, "many", high - 1, high, x) == RG_EINPUT);
  rg_vault_close(vault);
  rg_free(x);
}

/* Bytes of a file, hashed; 0 when it is missing. */
static uint64_t file_hash(const char *path)
{
  static char bytes[1 << 16];
  uint64_t hash = 0;
  int fd = open(path, O_RDONLY);
  for (ssize_t n; fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0;)
    hash = rg_hash(bytes, (size_t)n, hash);
  if (fd >= 0)
    close(fd);
  return hash;
}

static void check_damage(rg_comm *comm, const char *path)
{
  rg_vault *vault;
  char *part = rg_vault_part_path(path, 0);
  if (rg_rank(comm) == 0) {
    int fd = open(part, O_RDWR);
    RG_CHECK(pwrite(fd, "x", 1, 4 << 20) == 1);
    close(fd);
  }
  rg_barrier(comm);
  RG_CHECK(rg_vault_open(comm, path, &vault) == RG_EINPUT);
  RG_CHECK(strstr(rg_error_text(), "many is damaged (block 3)") != NULL);
  RG_CHECK(rg_same(comm, rg_error_text(), (int64_t)strlen(rg_error_text())));
  rg_free(part);
}

static void run(rg_comm *comm)
{
  char *path = rg_format("%s/box", ranks_folder());
  RG_CHECK(write_box(comm, path) == RG_OK);
  char *mine = rg_format("%s/part-0000", path);
  /* the folders of the launches at other numbers of ranks stand beside this one */
  for (int ranks = 1; ranks <= 4; ranks++) {
    char *other = rg_format("%s/../%d/kept", ranks_folder(), ranks);
    char *part = rg_format("%s/part-0000", other);
    if (access(part, R_OK) == 0) {
      read_box(comm, other);
      RG_CHECK(file_hash(part) == file_hash(mine));
    }
    rg_free(part);
    rg_free(other);
  }
  char *kept = rg_format("%s/kept", ranks_folder());
  RG_CHECK(write_box(comm, kept) == RG_OK);
  RG_CHECK(write_box(comm, kept) == RG_OK);
  read_box(comm, kept);
  rg_barrier(comm);
  check_damage(comm, path);
  rg_free(kept);
  rg_free(mine);
  rg_free(path);
}

const rg_case rg_case_vault = {"vault", run};
