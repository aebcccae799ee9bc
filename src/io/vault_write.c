/* Writing a container. */

#include "vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with other things than a container is not replaced: they would be lost. */
static bool holds_other(const char *path)
{
  char *manifest = rg_format("%s/manifest", path), *part = rg_vault_part_path(path, 0);
  bool container = access(manifest, F_OK) == 0 || access(part, F_OK) == 0;
  rg_free(part);
  rg_free(manifest);
  DIR *folder = container ? NULL : opendir(path);
  bool other = false;
  for (struct dirent *entry; folder && (entry = readdir(folder));)
    other = other || (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0);
  if (folder)
    closedir(folder);
  return other;
}

static rg_status make_temp(rg_vault *vault)
{
  if (holds_other(vault->path))
    return rg_fail(RG_EUSAGE, "%s: is a folder that holds other things; move it away",
                   vault->path);
  rg_disk_remove(vault->temp);
  if (mkdir(vault->temp, 0777) != 0)
    return rg_fail(RG_EFAIL, "%s: cannot be written: %s", vault->path, strerror(errno));
  return RG_OK;
}

rg_status rg_vault_create(rg_comm *comm, const char *path, rg_vault **out_vault)
{
  rg_status status = rg_check_folder(comm, path);
  if (status != RG_OK)
    return status;
  rg_vault *vault = RG_NEW(rg_vault, 1);
  vault->comm = comm;
  vault->path = rg_strdup(path);
  vault->temp = rg_disk_temp(path);
  vault->fd = -1;
  rg_pace_begin("write", 0, "MB"); /* to rg_vault_free */
  status = rg_disk_from_root(comm, rg_rank(comm) == 0 ? make_temp(vault) : RG_OK);
  if (status != RG_OK)
    rg_vault_free(vault);
  else
    *out_vault = vault;
  return status;
}

/* Flush the part that is open on this rank. */
static rg_status close_part(rg_vault *vault)
{
  if (vault->fd < 0)
    return RG_OK;
  char *path = rg_vault_part_path(vault->temp, vault->fd_part);
  rg_status status = rg_disk_close(vault->fd, path);
  vault->fd = -1;
  rg_free(path);
  return status;
}

static rg_status open_part(rg_vault *vault, int64_t part)
{
  if (vault->fd >= 0 && vault->fd_part == part)
    return RG_OK;
  rg_status status = close_part(vault);
  if (status != RG_OK)
    return status;
  char *path = rg_vault_part_path(vault->temp, part);
  vault->fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  vault->fd_part = part;
  if (vault->fd < 0)
    status = rg_fail(RG_EFAIL, "%s: cannot be written: %s", path, strerror(errno));
  rg_free(path);
  return status;
}

/* Bytes [low, low + n) of an array: whole blocks, but for the last of the array. */
static rg_status write_blocks(rg_vault *vault, const rg_vault_array *a,
                              const char *bytes, int64_t low, int64_t n,
                              uint64_t *hashes)
{
  rg_status status = open_part(vault, a->part);
  if (status != RG_OK)
    return status;
  for (int64_t done = 0; done < n; done += RG_VAULT_BLOCK) {
    int64_t size = n - done < RG_VAULT_BLOCK ? n - done : RG_VAULT_BLOCK;
    if (rg_fault("vault.write"))
      return rg_fail(RG_EFAIL, "%s: cannot be written: injected fault", vault->path);
    status = rg_disk_write(vault->fd, vault->path, bytes + done, size,
                           a->offset + low + done);
    if (status != RG_OK)
      return status;
    hashes[done / RG_VAULT_BLOCK] = rg_hash(bytes + done, (size_t)size, 0);
    vault->written += size;
    rg_pace_at(vault->written / 1000000, NULL);
  }
  return RG_OK;
}

/* Place a new array behind the last one. */
static rg_vault_array *place(rg_vault *vault, const char *name, char type, int64_t rows,
                             int64_t cols)
{
  RG_ASSERT(vault->temp != NULL && rg_vault_width(type) > 0);
  RG_ASSERT(rg_vault_name_ok(name) && !rg_vault_find(vault, name));
  rg_vault_array *a = rg_vault_add_array(vault);
  snprintf(a->info.name, sizeof a->info.name, "%s", name);
  a->info.type = type;
  a->info.rows = rows;
  a->info.cols = cols;
  if (vault->part_end >= RG_VAULT_PART) {
    vault->part++;
    vault->part_end = 0;
  }
  a->part = vault->part;
  a->offset = vault->part_end;
  int64_t bytes = rg_vault_bytes(&a->info);
  a->n_blocks = rg_vault_blocks(bytes);
  vault->part_end += (bytes + 63) / 64 * 64;
  return a;
}

/* This rank's bytes of an array, moved so that every block lies whole on the rank that
   holds its first byte: a head that continues another rank's block goes there. */
typedef struct share {
  int64_t low;  /* first byte written here: the start of a block */
  int64_t n;    /* bytes written here */
  char *joined; /* owned; the last block here, completed by others, or NULL */
  int64_t joined_n;
} share;

static int64_t round_up(int64_t x)
{
  return (x + RG_VAULT_BLOCK - 1) / RG_VAULT_BLOCK * RG_VAULT_BLOCK;
}

static share join_blocks(rg_comm *comm, const char *mine, int64_t low, int64_t n,
                         int64_t *starts)
{
  int ranks = rg_size(comm);
  share s = {.low = round_up(low)};
  int64_t high = low + n;
  int64_t head = n == 0 ? 0 : s.low < high ? s.low - low : n;
  int64_t *send_offset = RG_NEW(int64_t, ranks + 1);
  int64_t *receive_offset = RG_NEW(int64_t, ranks + 1);
  /* The head belongs to the rank that holds the first byte of its block. */
  int64_t block_start = low / RG_VAULT_BLOCK * RG_VAULT_BLOCK;
  int owner = 0;
  while (owner + 1 < ranks && starts[owner + 1] <= block_start)
    owner++;
  for (int r = 0; r < ranks; r++)
    send_offset[r + 1] = r >= owner ? head : 0;
  char *came = rg_exchange(comm, mine, send_offset, receive_offset);
  int64_t came_n = receive_offset[ranks];
  if (n > head)
    s.n = high - s.low;
  if (came_n > 0) {
    int64_t tail = high - high / RG_VAULT_BLOCK * RG_VAULT_BLOCK;
    s.joined_n = tail + came_n;
    s.joined = rg_alloc(s.joined_n, 1);
    memcpy(s.joined, mine + n - tail, (size_t)tail);
    memcpy(s.joined + tail, came, (size_t)came_n);
    s.n -= tail;
  }
  rg_free(came);
  rg_free(send_offset);
  rg_free(receive_offset);
  return s;
}

rg_status rg_vault_put_rows(rg_vault *vault, const char *name, char type,
                            const void *mine, int64_t rows, int64_t cols)
{
  rg_comm *comm = vault->comm;
  int ranks = rg_size(comm);
  int64_t total;
  int64_t first = rg_prefix_i64(comm, rows, &total);
  rg_vault_array *a = place(vault, name, type, total, cols);
  int64_t row_bytes = rg_vault_row_bytes(&a->info);
  int64_t low = first * row_bytes, n = rows * row_bytes;
  int64_t counted;
  int64_t *starts = rg_gather_all(comm, &low, sizeof low, NULL, &counted);
  RG_ASSERT(counted == ranks * (int64_t)sizeof low);
  share s = join_blocks(comm, mine, low, n, starts);
  int64_t own = rg_vault_blocks(s.n), n_hashes = own + (s.joined != NULL);
  uint64_t *hashes = RG_NEW(uint64_t, n_hashes);
  rg_status status = RG_OK;
  if (s.n > 0)
    status =
        write_blocks(vault, a, (const char *)mine + (s.low - low), s.low, s.n, hashes);
  if (status == RG_OK && s.joined)
    status = write_blocks(vault, a, s.joined, s.low + s.n, s.joined_n, hashes + own);
  a->hashes =
      rg_gather_all(comm, hashes, n_hashes * (int64_t)sizeof *hashes, NULL, &counted);
  RG_ASSERT(counted == a->n_blocks * (int64_t)sizeof *hashes);
  rg_free(hashes);
  rg_free(starts);
  rg_free(s.joined);
  status = rg_agree(comm, status);
  vault->failed |= status != RG_OK;
  return status;
}

rg_status rg_vault_put(rg_vault *vault, const char *name, char type, const void *data,
                       int64_t rows, int64_t cols)
{
  return rg_vault_put_rows(vault, name, type, data,
                           rg_rank(vault->comm) == 0 ? rows : 0, cols);
}

rg_status rg_vault_note(rg_vault *vault, const char *key, const char *value)
{
  RG_ASSERT(rg_vault_name_ok(key) && !rg_vault_text(vault, key));
  rg_vault_note_line *note = rg_vault_add_note(vault);
  note->key = rg_strdup(key);
  note->value = rg_strdup(value);
  return RG_OK;
}

/* Manifest, read back; then the folder takes its place. Rank 0. */
static rg_status finish(rg_vault *vault)
{
  rg_status status = RG_OK;
  char *text = rg_vault_manifest(vault);
  char *path = rg_format("%s/manifest", vault->temp);
  RG_TRY(rg_write_text(rg_comm_self(), path, text));
  RG_TRY(rg_disk_sync(vault->temp));
  if (rg_fault("vault.rename"))
    RG_TRY(
        rg_fail(RG_EFAIL, "%s: cannot be put in place: injected fault", vault->path));
  RG_TRY(rg_disk_replace(vault->temp, vault->path));

out:
  rg_free(path);
  rg_free(text);
  return status;
}

rg_status rg_vault_commit(rg_vault *vault)
{
  rg_status status = RG_OK;
  rg_comm *comm = vault->comm;
  if (vault->failed)
    RG_TRY(rg_fail(RG_EFAIL, "%s: not everything could be written", vault->path));
  RG_TRY_ALL(comm, close_part(vault));
  RG_TRY(rg_disk_from_root(comm, rg_rank(comm) == 0 ? finish(vault) : RG_OK));

out:
  if (status == RG_OK)
    rg_vault_free(vault);
  else
    rg_vault_abandon(vault);
  return status;
}

void rg_vault_abandon(rg_vault *vault)
{
  if (!vault)
    return;
  rg_comm *comm = vault->comm;
  rg_barrier(comm); /* nobody writes there any more */
  if (rg_rank(comm) == 0)
    rg_disk_remove(vault->temp);
  rg_vault_free(vault);
  rg_barrier(comm);
}
