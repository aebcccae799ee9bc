/* The manifest of a container: text out and, checked, in. */

#include "vault.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "regatta vault 1\n"
enum { HASH_LINE = 5 + 16 + 1 }; /* "hash 0123456789abcdef\n" */

/* ---- out ------------------------------------------------------------------------- */

static void put_escaped(FILE *out, const char *text)
{
  for (; *text; text++) {
    if (*text == '\\')
      fputs("\\\\", out);
    else if (*text == '\n')
      fputs("\\n", out);
    else
      fputc(*text, out);
  }
}

char *rg_vault_manifest(const rg_vault *vault)
{
  char *memory = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&memory, &size);
  RG_ASSERT(out != NULL);
  fputs(MAGIC, out);
  for (int64_t i = 0; i < vault->n_notes; i++) {
    fprintf(out, "note %s ", vault->notes[i].key);
    put_escaped(out, vault->notes[i].value);
    fputc('\n', out);
  }
  for (int64_t i = 0; i < vault->n_arrays; i++) {
    const rg_vault_array *a = &vault->arrays[i];
    fprintf(out, "array %s %c %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\nblocks",
            a->info.name, a->info.type, a->info.rows, a->info.cols, a->part, a->offset);
    for (int64_t b = 0; b < a->n_blocks; b++)
      fprintf(out, " %016" PRIx64, a->hashes[b]);
    fputc('\n', out);
  }
  RG_ASSERT(fclose(out) == 0);
  char *text = rg_format("%shash %016" PRIx64 "\n", memory, rg_hash(memory, size, 0));
  free(memory);
  return text;
}

/* ---- in -------------------------------------------------------------------------- */

/* What is left of the text; it ends with NUL. */
typedef struct scanner {
  const char *at;
  const char *end;
} scanner;

static bool literal(scanner *s, const char *text)
{
  size_t n = strlen(text);
  if ((size_t)(s->end - s->at) < n || memcmp(s->at, text, n) != 0)
    return false;
  s->at += n;
  return true;
}

/* A word up to the next space or end of line, copied. */
static bool word(scanner *s, char *out, int64_t room)
{
  int64_t n = 0;
  while (s->at < s->end && *s->at != ' ' && *s->at != '\n' && n < room - 1)
    out[n++] = *s->at++;
  out[n] = '\0';
  return n > 0 && s->at < s->end && (*s->at == ' ' || *s->at == '\n');
}

/* A space and a number of at most 18 digits, so that it cannot overflow. */
static bool number(scanner *s, int64_t *x)
{
  if (!literal(s, " "))
    return false;
  *x = 0;
  int digits = 0;
  for (; s->at < s->end && *s->at >= '0' && *s->at <= '9' && digits < 18; digits++)
    *x = 10 * *x + (*s->at++ - '0');
  return digits > 0;
}

static bool hash_value(scanner *s, uint64_t *x)
{
  *x = 0;
  for (int i = 0; i < 16; i++, s->at++) {
    if (s->at >= s->end)
      return false;
    char c = *s->at;
    if (c >= '0' && c <= '9')
      *x = *x << 4 | (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      *x = *x << 4 | (uint64_t)(c - 'a' + 10);
    else
      return false;
  }
  return true;
}

static bool parse_note(scanner *s, rg_vault *vault)
{
  char key[64];
  if (!word(s, key, sizeof key) || !literal(s, " "))
    return false;
  const char *line_end = memchr(s->at, '\n', (size_t)(s->end - s->at));
  if (!line_end)
    return false;
  rg_vault_note_line *note = rg_vault_add_note(vault);
  note->key = rg_strdup(key);
  note->value = rg_alloc(line_end - s->at + 1, 1);
  char *out = note->value;
  for (; s->at < line_end; s->at++) {
    if (*s->at != '\\') {
      *out++ = *s->at;
      continue;
    }
    s->at++;
    if (s->at == line_end || (*s->at != 'n' && *s->at != '\\'))
      return false;
    *out++ = *s->at == 'n' ? '\n' : '\\';
  }
  *out = '\0';
  return literal(s, "\n");
}

/* Sizes of an array that can be multiplied without overflow. */
static bool sizes_ok(const rg_vault_array *a)
{
  int64_t width = rg_vault_width(a->info.type);
  const int64_t most = (int64_t)1 << 60;
  if (width == 0 || a->part > 999999 || a->offset > most)
    return false;
  if (a->info.rows > most || a->info.cols > most / width)
    return false;
  return a->info.cols == 0 || a->info.rows <= most / (a->info.cols * width);
}

static bool parse_array(scanner *s, rg_vault *vault)
{
  rg_vault_array a = {0};
  if (!word(s, a.info.name, sizeof a.info.name) || !literal(s, " ") || s->at >= s->end)
    return false;
  a.info.type = *s->at++;
  if (!number(s, &a.info.rows) || !number(s, &a.info.cols) || !number(s, &a.part) ||
      !number(s, &a.offset) || !literal(s, "\nblocks") || !sizes_ok(&a))
    return false;
  a.n_blocks = rg_vault_blocks(rg_vault_bytes(&a.info));
  if (a.n_blocks > (s->end - s->at) / 17 || rg_vault_find(vault, a.info.name))
    return false;
  a.hashes = RG_NEW(uint64_t, a.n_blocks);
  *rg_vault_add_array(vault) = a;
  for (int64_t b = 0; b < a.n_blocks; b++)
    if (!literal(s, " ") || !hash_value(s, &a.hashes[b]))
      return false;
  return literal(s, "\n");
}

rg_status rg_vault_parse(rg_vault *vault, const char *text, int64_t length)
{
  scanner s = {text, text + length - HASH_LINE};
  scanner last = {s.end, text + length};
  uint64_t hash;
  if (length < HASH_LINE || !literal(&last, "hash ") || !hash_value(&last, &hash) ||
      !literal(&last, "\n") || hash != rg_hash(text, (size_t)(s.end - s.at), 0))
    return rg_fail(RG_EINPUT, "%s/manifest: it is damaged or incomplete", vault->path);
  if (!literal(&s, MAGIC))
    return rg_fail(RG_EINPUT, "%s/manifest: it is of another version of regatta",
                   vault->path);
  while (s.at < s.end) {
    bool good = literal(&s, "note ")    ? parse_note(&s, vault)
                : literal(&s, "array ") ? parse_array(&s, vault)
                                        : false;
    if (!good)
      return rg_fail(RG_EINPUT, "%s/manifest: line %lld cannot be understood",
                     vault->path,
                     (long long)(vault->n_notes + 2 * vault->n_arrays + 2));
  }
  return RG_OK;
}
