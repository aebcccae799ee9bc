/* Reading a container: nothing in it is trusted. */

#include "vault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_MOST ((int64_t)1 << 30)

/* The text of the manifest on rank 0; owned by the caller. */
static rg_status read_manifest(const char *folder, char **text, int64_t *length)
{
  rg_status status = RG_OK;
  char *path = rg_format("%s/manifest", folder);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0)
    RG_TRY(rg_fail(RG_EINPUT, "%s: cannot be opened: %s", path, strerror(errno)));
  if (!S_ISREG(info.st_mode) || info.st_size > MANIFEST_MOST)
    RG_TRY(rg_fail(RG_EINPUT, "%s: it is no manifest of regatta", path));
  *length = info.st_size;
  *text = rg_alloc(*length + 1, 1);
  RG_TRY(rg_disk_read(fd, path, *text, *length, 0));

out:
  if (fd >= 0)
    close(fd);
  rg_free(path);
  return status;
}

static rg_status open_part(rg_vault *vault, int64_t part)
{
  if (vault->fd >= 0 && vault->fd_part == part)
    return RG_OK;
  if (vault->fd >= 0)
    close(vault->fd);
  char *path = rg_vault_part_path(vault->path, part);
  rg_status status = RG_OK;
  struct stat info;
  vault->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  vault->fd_part = part;
  if (vault->fd < 0 || fstat(vault->fd, &info) != 0)
    status = rg_fail(RG_EINPUT, "%s: cannot be opened: %s", path, strerror(errno));
  else if (!S_ISREG(info.st_mode))
    status = rg_fail(RG_EINPUT, "%s: it is not a file", path);
  rg_free(path);
  return status;
}

static rg_status check_block(rg_vault *vault, const rg_vault_array *a, int64_t block,
                             char *buffer)
{
  int64_t low = block * RG_VAULT_BLOCK;
  int64_t left = rg_vault_bytes(&a->info) - low;
  int64_t n = left < RG_VAULT_BLOCK ? left : RG_VAULT_BLOCK;
  rg_status status = open_part(vault, a->part);
  if (status != RG_OK)
    return status;
  char *path = rg_vault_part_path(vault->path, a->part);
  status = rg_disk_read(vault->fd, path, buffer, n, a->offset + low);
  if (status == RG_OK && rg_hash(buffer, (size_t)n, 0) != a->hashes[block])
    status = rg_fail(RG_EINPUT, "%s: array %s is damaged (block %lld)", path,
                     a->info.name, (long long)block);
  rg_free(path);
  return status;
}

/* Check this rank's part of all blocks. */
static rg_status check_blocks(rg_vault *vault)
{
  int64_t total = 0;
  for (int64_t i = 0; i < vault->n_arrays; i++)
    total += vault->arrays[i].n_blocks;
  rg_range mine = rg_part(total, rg_rank(vault->comm), rg_size(vault->comm));
  char *buffer = rg_alloc(RG_VAULT_BLOCK, 1);
  rg_status status = RG_OK;
  int64_t first = 0, done = 0;
  rg_pace_begin("check", rg_range_n(mine), "blocks");
  for (int64_t i = 0; i < vault->n_arrays; i++) {
    const rg_vault_array *a = &vault->arrays[i];
    int64_t low = mine.low > first ? mine.low - first : 0;
    int64_t high = mine.high - first < a->n_blocks ? mine.high - first : a->n_blocks;
    for (int64_t b = low; b < high; b++) {
      rg_pace_at(done++, NULL);
      RG_TRY(check_block(vault, a, b, buffer));
    }
    first += a->n_blocks;
  }

out:
  rg_pace_end();
  rg_free(buffer);
  return status;
}

rg_status rg_vault_open(rg_comm *comm, const char *path, rg_vault **out_vault)
{
  rg_status status = RG_OK;
  char *text = NULL;
  int64_t length = 0;
  rg_vault *vault = RG_NEW(rg_vault, 1);
  vault->comm = comm;
  vault->path = rg_strdup(path);
  vault->fd = -1;
  bool root = rg_rank(comm) == 0;
  RG_TRY(rg_disk_from_root(comm, root ? read_manifest(path, &text, &length) : RG_OK));
  rg_broadcast(comm, &length, sizeof length, 0);
  if (!root)
    text = rg_alloc(length + 1, 1);
  rg_broadcast(comm, text, length, 0);
  RG_TRY_ALL(comm, rg_vault_parse(vault, text, length));
  RG_TRY_ALL(comm, check_blocks(vault));
  *out_vault = vault;

out:
  rg_free(text);
  if (status != RG_OK)
    rg_vault_free(vault);
  return status;
}

void rg_vault_close(rg_vault *vault)
{
  if (vault)
    rg_vault_free(vault);
}

static rg_status get_rows(rg_vault *vault, const char *name, int64_t low, int64_t high,
                          void *out)
{
  const rg_array_info *info = rg_vault_find(vault, name);
  if (!info)
    return rg_fail(RG_EINPUT, "%s: it has no array %s", vault->path, name);
  if (low < 0 || low > high || high > info->rows)
    return rg_fail(RG_EINPUT, "%s: array %s has %lld rows; %lld to %lld are not there",
                   vault->path, name, (long long)info->rows, (long long)low,
                   (long long)high);
  int64_t row_bytes = rg_vault_row_bytes(info);
  if (low == high || row_bytes == 0)
    return RG_OK;
  const rg_vault_array *a = (const rg_vault_array *)info;
  rg_status status = open_part(vault, a->part);
  if (status != RG_OK)
    return status;
  return rg_disk_read(vault->fd, vault->path, out, (high - low) * row_bytes,
                      a->offset + low * row_bytes);
}

rg_status rg_vault_get_rows(rg_vault *vault, const char *name, int64_t low,
                            int64_t high, void *out)
{
  return rg_agree(vault->comm, get_rows(vault, name, low, high, out));
}
