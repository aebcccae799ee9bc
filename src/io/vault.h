/** The container behind rg_vault.
 *
 *  A folder with `manifest` and `part-0000`, `part-0001`, ... An array lies in one part,
 *  row-major and little-endian, cut from its own beginning into blocks of 1 MiB (the last
 *  is shorter); the manifest keeps the xxh3 of each block. Where an array lies depends
 *  on what was put before it, never on the number of ranks.
 *
 *  The manifest is text; its last line is the xxh3 of all bytes before it:
 *    regatta vault 1
 *    note KEY VALUE             VALUE with \\ and \n escaped
 *    array NAME TYPE ROWS COLS PART OFFSET
 *    blocks HASH...             one line of 16-digit hashes per array
 *    hash HASH                                                                     */
#ifndef RG_IO_VAULT_H
#define RG_IO_VAULT_H

#include "disk.h"

#include "regatta/io.h"

#define RG_VAULT_BLOCK ((int64_t)1 << 20)
#define RG_VAULT_PART ((int64_t)1 << 30) /* a part this full is followed by the next */

typedef struct rg_vault_array {
  rg_array_info info;
  int64_t part;
  int64_t offset; /* bytes, in the part */
  int64_t n_blocks;
  uint64_t *hashes;
} rg_vault_array;

typedef struct rg_vault_note_line {
  char *key, *value;
} rg_vault_note_line;

struct rg_vault {
  rg_comm *comm; /* borrowed */
  char *path;
  char *temp; /* the folder being written; NULL when reading */
  int64_t n_arrays;
  rg_vault_array *arrays;
  int64_t n_notes;
  rg_vault_note_line *notes;
  int64_t part;     /* being written, */
  int64_t part_end; /* its bytes so far */
  int fd;           /* open file of part `fd_part`, or -1 */
  int64_t fd_part;
  int64_t written; /* bytes by this rank */
  bool failed; /* a put failed: commit will not succeed */
};

/** Bytes of one element of a type, 0 for an unknown type. Not collective. */
int64_t rg_vault_width(char type);
static inline int64_t rg_vault_row_bytes(const rg_array_info *info)
{
  return info->cols * rg_vault_width(info->type);
}
static inline int64_t rg_vault_bytes(const rg_array_info *info)
{
  return info->rows * rg_vault_row_bytes(info);
}
static inline int64_t rg_vault_blocks(int64_t bytes)
{
  return bytes / RG_VAULT_BLOCK + (bytes % RG_VAULT_BLOCK != 0);
}
/** True when a name may stand in a manifest: 1 to 63 printing characters without space.
 *  Not collective. */
bool rg_vault_name_ok(const char *name);
/** "FOLDER/part-0007"; owned by the caller. Not collective. */
char *rg_vault_part_path(const char *folder, int64_t part);
/** Append a zeroed array or note. Not collective. */
rg_vault_array *rg_vault_add_array(rg_vault *vault);
rg_vault_note_line *rg_vault_add_note(rg_vault *vault);
/** Close the file and free everything; nothing on disk changes. Not collective. */
void rg_vault_free(rg_vault *vault);

/** The manifest as text; owned by the caller. Not collective. */
char *rg_vault_manifest(const rg_vault *vault);
/** Fill arrays and notes from the text of a manifest, every number checked. RG_EINPUT.
 *  Not collective. */
rg_status rg_vault_parse(rg_vault *vault, const char *text, int64_t length);

#endif
