/* MatrixMarket: a text of "feature cell value" lines, plain or gz. The text is cut into
 * blocks; rank r parses blocks r, r + P, ... (a line belongs to the block in which it
 * starts) and sends the entries to the owners of the cells. A gz text cannot be entered in
 * the middle: there every rank inflates all of it and parses its share. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "matrix.h"

enum { BLOCK = 1 << 22, MAX_LINE = 256, SHORTEST = 4 };

static gzFile open_text(const char *path)
{
  gzFile file = gzopen(path, "rb");
  if (file)
    gzbuffer(file, 1 << 18);
  return file;
}

/* A gz stream that ends early says so here. */
static bool is_broken(gzFile file)
{
  int code;
  gzerror(file, &code);
  return code != Z_OK && code != Z_STREAM_END;
}

/* ---- header ---------------------------------------------------------------------- */

static rg_status check_banner(const char *path, char *line)
{
  char object[16] = "", format[16] = "", field[16] = "", symmetry[16] = "";
  for (char *c = line; *c; c++)
    *c = (char)tolower((unsigned char)*c);
  if (sscanf(line, "%%%%matrixmarket %15s %15s %15s %15s", object, format, field,
             symmetry) != 4)
    return rg_fail(RG_EINPUT, "%s: does not start with a MatrixMarket line", path);
  if (strcmp(object, "matrix") != 0 || strcmp(format, "coordinate") != 0 ||
      strcmp(symmetry, "general") != 0 || strcmp(field, "complex") == 0)
    return rg_fail(RG_EINPUT,
                   "%s: is a MatrixMarket '%s %s %s %s'; 'matrix coordinate "
                   "integer (or real) general' is needed",
                   path, object, format, field, symmetry);
  if (strcmp(field, "pattern") == 0)
    return rg_fail(RG_EINPUT, "%s: is a MatrixMarket pattern without values", path);
  return RG_OK;
}

static rg_status read_header(gzFile file, rg_matrix *matrix)
{
  char line[4096];
  if (!gzgets(file, line, sizeof line))
    return rg_fail(RG_EINPUT, "%s: is empty or damaged", matrix->path);
  rg_status status = check_banner(matrix->path, line);
  if (status != RG_OK)
    return status;
  bool whole = true; /* a comment may be longer than the buffer */
  for (;;) {
    if (!gzgets(file, line, sizeof line))
      return rg_fail(RG_EINPUT, "%s: ends before the line of sizes", matrix->path);
    bool comment = !whole || line[0] == '%' || line[strspn(line, " \t\r\n")] == '\0';
    whole = strchr(line, '\n') != NULL;
    if (!comment)
      break;
  }
  long long rows, cols, nnz;
  if (sscanf(line, "%lld %lld %lld", &rows, &cols, &nnz) != 3 || rows < 0 || cols < 0 ||
      nnz < 0 || rows >= INT32_MAX || cols > (int64_t)1 << 40)
    return rg_fail(RG_EINPUT,
                   "%s: the line of sizes '%.*s' is not three numbers that "
                   "are possible",
                   matrix->path, (int)strcspn(line, "\r\n"), line);
  matrix->rows = cols;
  matrix->cols = rows;
  matrix->nnz = nnz;
  matrix->text_start = gztell(file);
  return RG_OK;
}

rg_status rg_matrix_open_text(const char *path, rg_matrix *matrix)
{
  *matrix = (rg_matrix){.path = rg_strdup(path), .layout = RG_MARKET};
  gzFile file = open_text(path);
  rg_status status;
  struct stat info;
  if (!file || stat(path, &info) != 0)
    status = rg_fail(RG_EINPUT, "%s: cannot be opened: %s", path, strerror(errno));
  else
    status = read_header(file, matrix);
  /* an entry takes SHORTEST bytes at least; gz reaches 1032:1 */
  if (status == RG_OK && matrix->nnz / 1100 > (int64_t)info.st_size / SHORTEST + 1)
    status = rg_fail(RG_EINPUT,
                     "%s: claims %lld entries, which its size cannot hold: cut "
                     "short",
                     path, (long long)matrix->nnz);
  if (file)
    gzclose(file);
  if (status != RG_OK)
    rg_matrix_close(matrix);
  return status;
}

/* ---- entries --------------------------------------------------------------------- */

/* A window of the text that slides forwards. */
typedef struct window {
  gzFile file;
  char *bytes; /* MAX_LINE + BLOCK + MAX_LINE and a NUL */
  int64_t at;  /* place of bytes[0] in the text */
  int64_t n;
} window;

/* Make the window hold [start, start + size), or what there is of it. */
static bool slide(window *w, int64_t start, int64_t size)
{
  int64_t skip = start - w->at;
  if (skip < w->n) {
    memmove(w->bytes, w->bytes + skip, (size_t)(w->n - skip));
    w->n -= skip;
  } else {
    w->n = 0;
    if (gzseek(w->file, start, SEEK_SET) < 0)
      return false;
  }
  w->at = start;
  while (w->n < size) {
    int got = gzread(w->file, w->bytes + w->n, (unsigned)(size - w->n));
    if (got < 0)
      return false;
    if (got == 0)
      break;
    w->n += got;
  }
  w->bytes[w->n] = '\0';
  return true;
}

/* A number without sign; -1 when there is none. */
static int64_t parse_whole(const char **text)
{
  const char *at = *text;
  while (*at == ' ' || *at == '\t')
    at++;
  if (!isdigit((unsigned char)*at))
    return -1;
  int64_t x = 0;
  for (; isdigit((unsigned char)*at); at++)
    x = x < (int64_t)1 << 50 ? 10 * x + (*at - '0') : x;
  *text = at;
  return x;
}

/* One line "feature cell value", numbered from 1; false when it is none. */
static bool parse_line(const rg_matrix *matrix, const char *line, rg_entry *entry)
{
  const char *at = line;
  int64_t feature = parse_whole(&at), cell = parse_whole(&at);
  if (feature < 1 || feature > matrix->cols || cell < 1 || cell > matrix->rows ||
      (*at != ' ' && *at != '\t'))
    return false;
  const char *start = at + strspn(at, " \t");
  int64_t whole = parse_whole(&at);
  double value = (double)whole;
  if (whole < 0 || (*at && !isspace((unsigned char)*at))) {
    char *end;
    value = strtod(start, &end);
    if (end == start)
      return false;
    at = end;
  }
  if (at[strspn(at, " \t\r")] != '\0')
    return false;
  *entry = (rg_entry){cell - 1, (int32_t)(feature - 1), (float)value};
  return true;
}

/* The lines that start in [low, high) of the text. */
static rg_status parse_block(const rg_matrix *matrix, window *w, int64_t low,
                             int64_t high, rg_entry **entries, int64_t *room,
                             int64_t *n)
{
  *n = 0;
  int64_t before = low > matrix->text_start ? 1 : 0;
  int64_t wanted = high - low + before + MAX_LINE;
  if (!slide(w, low - before, wanted) || is_broken(w->file))
    return rg_fail(RG_EINPUT, "%s: cannot be read to its end: damaged or cut short",
                   matrix->path);
  char *line = w->bytes, *limit = w->bytes + before + (high - low);
  char *end = w->bytes + w->n;
  if (before) { /* skip the end of a line that started earlier */
    line = memchr(line, '\n', (size_t)w->n);
    line = line ? line + 1 : end;
  }
  while (line < end && line < limit) {
    char *stop = memchr(line, '\n', (size_t)(end - line));
    if (!stop && w->n == wanted)
      return rg_fail(RG_EINPUT, "%s: a line is longer than %d bytes: damaged",
                     matrix->path, MAX_LINE);
    stop = stop ? stop : end;
    *stop = '\0';
    if (*n == *room) {
      *entries = rg_realloc(*entries, *room, 2 * *room + 1024, sizeof **entries);
      *room = 2 * *room + 1024;
    }
    bool blank = line[strspn(line, " \t\r")] == '\0';
    if (!blank && !parse_line(matrix, line, &(*entries)[(*n)++]))
      return rg_fail(RG_EINPUT,
                     "%s: the line '%.60s' is not a feature of 1 to %lld, a "
                     "cell of 1 to %lld and a value",
                     matrix->path, line, (long long)matrix->cols,
                     (long long)matrix->rows);
    *stop = '\n';
    line = stop + 1;
  }
  return RG_OK;
}

rg_status rg_text_part(rg_comm *comm, const rg_matrix *matrix, rg_csr *csr)
{
  *csr = (rg_csr){0};
  rg_status status = RG_OK;
  rg_route route;
  rg_entry *entries = NULL;
  int64_t room = 0, n = 0, total = 0;
  window w = {.file = open_text(matrix->path),
              .bytes = rg_alloc(BLOCK + 2 * MAX_LINE, 1)};
  rg_route_init(&route, comm, matrix->rows);
  RG_TRY_ALL(comm, w.file ? RG_OK
                          : rg_fail(RG_EINPUT, "%s: cannot be opened: %s", matrix->path,
                                    strerror(errno)));
  for (int64_t block = rg_rank(comm);; block += rg_size(comm)) {
    int64_t low = matrix->text_start + block * BLOCK;
    RG_TRY_ALL(comm, parse_block(matrix, &w, low, low + BLOCK, &entries, &room, &n));
    if (rg_all(comm, w.n <= 1)) /* no rank found anything but the last newline */
      break;
    rg_route_send(&route, entries, n);
    total += n;
  }
  rg_sum_i64(comm, &total, 1);
  if (total != matrix->nnz)
    RG_TRY(rg_fail(RG_EINPUT,
                   "%s: announces %lld entries but holds %lld: cut short or "
                   "damaged",
                   matrix->path, (long long)matrix->nnz, (long long)total));
  rg_route_finish(&route, matrix->cols, csr);
out:
  rg_route_fini(&route);
  rg_free(entries);
  rg_free(w.bytes);
  if (w.file)
    gzclose(w.file);
  return status;
}
