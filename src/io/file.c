/* Opening a data file of any kind. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "disk.h"
#include "probe.h"
#include "source.h"

static const rg_open_options no_options;

/* Up to this size a probe reads all of a file. */
#define SMALL_FILE ((int64_t)16 << 20)
enum { PROBE_ROWS = 512 };

/* ---- what a path means ----------------------------------------------------------- */

static bool is_file(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_text(const char *path)
{
  size_t n = strlen(path);
  return (n > 4 && strcmp(path + n - 4, ".mtx") == 0) ||
         (n > 7 && strcmp(path + n - 7, ".mtx.gz") == 0);
}

/* Split "x.h5mu/rna" or "x.h5mu/mod/rna" after the file; *inner is the modality, or NULL.
 * Both are owned by the caller. */
static rg_status split_path(const char *path, char **outer, char **inner)
{
  struct stat info;
  *outer = rg_strdup(path);
  *inner = NULL;
  size_t n = strlen(*outer);
  while (n > 1 && (*outer)[n - 1] == '/')
    (*outer)[--n] = '\0';
  if (stat(*outer, &info) == 0)
    return RG_OK;
  int error = errno;
  for (char *slash = strrchr(*outer, '/'); slash && slash > *outer;
       slash = strrchr(*outer, '/')) {
    *slash = '\0';
    if (!is_file(*outer))
      continue;
    const char *rest = path + strlen(*outer) + 1;
    rest += strncmp(rest, "mod/", 4) == 0 ? 4 : 0;
    *inner = rg_strdup(rest);
    if (*rest && !strchr(rest, '/'))
      return RG_OK;
    return rg_fail(RG_EINPUT,
                   "%s: a modality of an h5mu is named FILE/rna or "
                   "FILE/mod/rna",
                   path);
  }
  return rg_fail(RG_EINPUT, "%s: cannot be opened: %s", path, strerror(error));
}

/* ---- loading --------------------------------------------------------------------- */

/* One modality of an h5mu as a file of its own. */
static rg_status load_inner(rg_file *file, const char *modality)
{
  char *root = rg_format("/mod/%s", modality);
  rg_status status;
  bool protein = strcmp(modality, "prot") == 0 || strcmp(modality, "protein") == 0;
  if (!rg_is_h5mu(file->h5))
    status = rg_fail(RG_EINPUT, "%s: is not an h5mu; it has no modality '%s'",
                     file->path, modality);
  else if (rg_h5_what(file->h5, root) != RG_H5_GROUP)
    status = rg_fail(RG_EINPUT, "%s:%s: there is no such modality", file->path, root);
  else
    status = rg_load_h5ad(file, root, protein ? "adt" : modality);
  rg_free(file->root);
  file->root = root;
  return status;
}

static rg_status load(rg_file *file, const char *inner)
{
  if (inner)
    return load_inner(file, inner);
  if (rg_is_h5mu(file->h5))
    return rg_load_h5mu(file);
  if (rg_is_loom(file->h5))
    return rg_load_loom(file);
  if (rg_is_h5ad(file->h5, ""))
    return rg_load_h5ad(file, "", NULL);
  if (file->options->layer)
    return rg_fail(RG_EUSAGE, "%s: a 10x file has no layers; leave out --layer",
                   file->path);
  return rg_load_tenx(file);
}

static void log_sources(const rg_file *file)
{
  for (int m = 0; m < file->n_sources; m++) {
    const rg_modality *face = &file->sources[m].face;
    char rows[32], cols[32], nnz[32];
    rg_info("%s: %s counts from %s (%s %s, %s x %s, %s stored)", file->path, face->name,
            face->counts, face->layout, face->value_type,
            rg_with_commas(face->n_cells, rows), rg_with_commas(face->n_features, cols),
            rg_with_commas(face->n_nonzero, nnz));
  }
}

rg_status rg_file_open(rg_comm *comm, const char *path, const rg_open_options *options,
                       bool probing, rg_file **out)
{
  rg_status status = RG_OK;
  char *inner = NULL;
  rg_file *file = RG_NEW(rg_file, 1);
  *file = (rg_file){.comm = comm, .probing = probing, .root = rg_strdup("")};
  file->options = options ? options : &no_options;
  RG_TRY_ALL(comm, split_path(path, &file->path, &inner));
  struct stat info;
  bool text =
      is_text(file->path) || (stat(file->path, &info) == 0 && S_ISDIR(info.st_mode));
  RG_TRY_ALL(comm, text && inner ? rg_fail(RG_EINPUT, "%s: is not an h5mu", file->path)
                                 : RG_OK);
  if (!rg_same(comm, &text, sizeof text))
    RG_TRY(rg_fail(RG_EINPUT, "%s: is a file on some ranks, a folder on others",
                   file->path));
  if (text) {
    RG_TRY_ALL(comm, rg_load_market(file, file->path));
    RG_TRY(rg_disk_same(comm, file->matrices[0].path));
  } else {
    RG_TRY(rg_h5_open(comm, file->path, &file->h5));
    file->probe_rows = file->h5->bytes > SMALL_FILE ? PROBE_ROWS : INT64_MAX;
    RG_TRY_ALL(comm, load(file, inner));
  }
  RG_TRY(rg_map_cells(file));
  if (!probing && !file->options->quiet)
    log_sources(file);
  file->options = &no_options; /* the caller's may go away */
  *out = file;
out:
  rg_free(inner);
  if (status != RG_OK)
    rg_close(file);
  return status;
}

rg_status rg_open(rg_comm *comm, const char *path, const rg_open_options *options,
                  rg_file **file)
{
  rg_status status = RG_OK;
  if (!options || !options->unsafe)
    status = rg_probe(comm, path, options);
  return status == RG_OK ? rg_file_open(comm, path, options, false, file) : status;
}

void rg_close(rg_file *file)
{
  if (!file)
    return;
  for (int m = 0; m < file->n_sources; m++)
    rg_source_fini(&file->sources[m]);
  for (int m = 0; m < file->n_matrices; m++)
    rg_matrix_close(&file->matrices[m]);
  rg_frame_fini(&file->obs);
  rg_strings_fini(&file->names);
  rg_h5_close(file->h5);
  rg_free(file->root);
  rg_free(file->path);
  rg_free(file);
}

const char *rg_file_path(const rg_file *file)
{
  return file->path;
}

rg_comm *rg_file_comm(const rg_file *file)
{
  return file->comm;
}

int64_t rg_file_cells(const rg_file *file)
{
  return file->n_cells;
}

rg_range rg_file_rows(const rg_file *file)
{
  return file->rows;
}

int rg_file_modalities(const rg_file *file)
{
  return file->n_sources;
}

const rg_modality *rg_file_modality(const rg_file *file, int m)
{
  RG_ASSERT(m >= 0 && m < file->n_sources);
  return &file->sources[m].face;
}

int rg_file_find(const rg_file *file, const char *name)
{
  for (int m = 0; m < file->n_sources; m++)
    if (strcmp(file->sources[m].name, name) == 0)
      return m;
  return -1;
}

const rg_strings *rg_file_names(const rg_file *file)
{
  return &file->names;
}
