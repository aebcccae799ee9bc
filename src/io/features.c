#include "features.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "names.h"

void rg_features_fini(rg_features *features)
{
  rg_strings_fini(&features->names);
  rg_strings_fini(&features->ids);
  rg_strings_fini(&features->types);
  rg_strings_fini(&features->chromosomes);
  rg_free(features->chromosome);
  rg_free(features->start);
  rg_free(features->end);
  *features = (rg_features){0};
}

/* ---- places ---------------------------------------------------------------------- */

/* Digits before `end` of the text; returns where they begin, or NULL. */
static const char *number_before(const char *text, const char *end, int64_t *x)
{
  const char *at = end;
  while (at > text && isdigit((unsigned char)at[-1]))
    at--;
  if (at == end || end - at > 12)
    return NULL;
  *x = strtoll(at, NULL, 10);
  return at;
}

bool rg_parse_place(const char *text, int64_t *length, int64_t *start, int64_t *end)
{
  const char *high = number_before(text, text + strlen(text), end);
  if (!high || high == text || (high[-1] != '-' && high[-1] != '_'))
    return false;
  const char *low = number_before(text, high - 1, start);
  if (!low || low - text < 2 || !strchr(":-_", low[-1]))
    return false;
  *length = low - 1 - text;
  return *start < *end;
}

static void new_places(rg_features *features)
{
  int64_t n = features->names.n;
  features->chromosome = RG_NEW(int32_t, n);
  features->start = RG_NEW(int64_t, n);
  features->end = RG_NEW(int64_t, n);
}

/* Set the place of feature i; the chromosome is put in the list when it is new. */
static void set_place(rg_features *features, rg_names *known, int64_t i,
                      const char *name, int64_t length, int64_t start, int64_t end)
{
  char text[256];
  features->chromosome[i] = -1;
  if (length <= 0 || length >= (int64_t)sizeof text)
    return;
  memcpy(text, name, (size_t)length);
  text[length] = '\0';
  int64_t at = rg_names_find(known, text);
  if (at < 0) {
    rg_strings_add(&features->chromosomes, text, length);
    at = rg_names_put(known, features->chromosomes.n - 1);
  }
  features->chromosome[i] = (int32_t)at;
  features->start[i] = start;
  features->end[i] = end;
}

/* Places from texts like chr1:100-200; kept only when most of them are such. */
static void locate_by_text(rg_features *features, const rg_strings *texts)
{
  int64_t n = texts->n, places = 0, length, start, end;
  for (int64_t i = 0; i < n; i++)
    places += rg_parse_place(rg_strings_at(texts, i), &length, &start, &end);
  if (n == 0 || places < n - n / 2)
    return;
  new_places(features);
  rg_names known;
  rg_names_init(&known, &features->chromosomes);
  for (int64_t i = 0; i < n; i++) {
    const char *text = rg_strings_at(texts, i);
    bool good = rg_parse_place(text, &length, &start, &end);
    set_place(features, &known, i, text, good ? length : 0, start, end);
  }
  rg_names_fini(&known);
}

/* ---- from tables ----------------------------------------------------------------- */

static const char *first_of(const rg_frame *frame, const char *const *names)
{
  for (; *names; names++)
    if (rg_frame_has(frame, *names))
      return *names;
  return NULL;
}

static rg_status text_of(const rg_frame *frame, const char *const *names,
                         rg_strings *list)
{
  const char *name = first_of(frame, names);
  return name ? rg_frame_text(frame, name, 0, frame->n, list) : RG_OK;
}

/* Columns chrom, start and end. */
static rg_status locate_by_columns(const rg_frame *frame, rg_features *features)
{
  static const char *const chroms[] = {"chrom",    "chr",        "chromosome",
                                       "seqnames", "Chromosome", NULL};
  static const char *const starts[] = {"start", "chromStart", "chrom_start", "Start",
                                       NULL};
  static const char *const ends[] = {"end", "chromEnd", "chrom_end", "End", NULL};
  const char *start = first_of(frame, starts), *end = first_of(frame, ends);
  if (!first_of(frame, chroms) || !start || !end)
    return RG_OK;
  rg_status status = RG_OK;
  rg_strings names = {0};
  rg_column low = {0}, high = {0};
  rg_names known = {0};
  RG_TRY(text_of(frame, chroms, &names));
  RG_TRY(rg_frame_column(frame, start, 0, frame->n, &low));
  RG_TRY(rg_frame_column(frame, end, 0, frame->n, &high));
  if (low.type == RG_COLUMN_NUMBER && high.type == RG_COLUMN_NUMBER) {
    new_places(features);
    rg_names_init(&known, &features->chromosomes);
    for (int64_t i = 0; i < frame->n; i++) {
      double a = low.number[i], b = high.number[i];
      bool good = a >= 0 && b > a && b < 1e15; /* false for missing ones */
      set_place(features, &known, i, rg_strings_at(&names, i),
                good ? (int64_t)strlen(rg_strings_at(&names, i)) : 0,
                good ? (int64_t)a : 0, good ? (int64_t)b : 0);
    }
  }
out:
  rg_names_fini(&known);
  rg_column_fini(&low);
  rg_column_fini(&high);
  rg_strings_fini(&names);
  return status;
}

rg_status rg_features_of_frame(const rg_frame *frame, rg_features *features)
{
  static const char *const ids[] = {"gene_ids", "gene_id",   "ensembl_id", "id",
                                    "genes",    "Accession", NULL};
  static const char *const types[] = {"feature_types", "feature_type", NULL};
  static const char *const intervals[] = {"interval", "Interval", NULL};
  rg_status status = RG_OK;
  rg_strings places = {0};
  *features = (rg_features){0};
  RG_TRY(rg_frame_names(frame, 0, frame->n, &features->names));
  RG_TRY(text_of(frame, ids, &features->ids));
  RG_TRY(text_of(frame, types, &features->types));
  RG_TRY(locate_by_columns(frame, features));
  RG_TRY(text_of(frame, intervals, &places));
  if (!features->chromosome && places.n > 0)
    locate_by_text(features, &places);
  if (!features->chromosome)
    locate_by_text(features, &features->names);
out:
  rg_strings_fini(&places);
  if (status != RG_OK)
    rg_features_fini(features);
  return status;
}

/* ---- from texts ------------------------------------------------------------------ */

enum { MAX_LINE = 1 << 16, MAX_FIELDS = 6 };

/* Visit the lines of a text without their ends. */
static rg_status each_line(const char *path,
                           rg_status (*visit)(void *, char *, int64_t), void *self)
{
  rg_status status = RG_OK;
  gzFile file = gzopen(path, "rb");
  if (!file)
    return rg_fail(RG_EINPUT, "%s: cannot be opened: %s", path, strerror(errno));
  char *line = rg_alloc(MAX_LINE, 1);
  for (int64_t i = 0; gzgets(file, line, MAX_LINE); i++) {
    size_t n = strlen(line);
    if (n + 1 == MAX_LINE)
      RG_TRY(rg_fail(RG_EINPUT, "%s[%lld]: a line is too long: damaged", path,
                     (long long)i));
    line[strcspn(line, "\r\n")] = '\0';
    RG_TRY(visit(self, line, i));
  }
  int code;
  gzerror(file, &code);
  if (code != Z_OK && code != Z_STREAM_END)
    RG_TRY(rg_fail(RG_EINPUT, "%s: cannot be read to its end: damaged or cut short",
                   path));
out:
  rg_free(line);
  gzclose(file);
  return status;
}

typedef struct lines {
  int64_t low, high, n;
  rg_strings *list;
} lines;

static rg_status keep_line(void *self, char *line, int64_t i)
{
  lines *l = self;
  l->n = i + 1;
  line[strcspn(line, "\t")] = '\0';
  if (i >= l->low && i < l->high)
    rg_strings_add(l->list, line, -1);
  return RG_OK;
}

rg_status rg_read_lines(const char *path, int64_t low, int64_t high, rg_strings *list,
                        int64_t *n)
{
  lines l = {low, high, 0, list};
  rg_status status = each_line(path, keep_line, &l);
  *n = l.n;
  return status;
}

typedef struct table {
  rg_features *features;
  rg_strings places; /* chrom:start-end, or empty */
  bool bed;
} table;

static rg_status keep_feature(void *self, char *line, int64_t i)
{
  (void)i;
  table *t = self;
  char *field[MAX_FIELDS] = {line};
  int n = 1;
  for (char *c = line; *c && n < MAX_FIELDS; c++)
    if (*c == '\t') {
      *c = '\0';
      field[n++] = c + 1;
    }
  field[n - 1][strcspn(field[n - 1], "\t")] = '\0';
  rg_features *f = t->features;
  char place[512] = "";
  const char *const *at = NULL;
  if (t->bed && n >= 3)
    at = (const char *const *)&field[0];
  else if (n >= 6)
    at = (const char *const *)&field[3];
  if (at && at[0][0])
    snprintf(place, sizeof place, "%s:%s-%s", at[0], at[1], at[2]);
  rg_strings_add(&t->places, place, -1);
  if (t->bed) {
    rg_strings_add(&f->names, place, -1);
    return RG_OK;
  }
  rg_strings_add(&f->names, field[n >= 2 ? 1 : 0], -1);
  if (n >= 2)
    rg_strings_add(&f->ids, field[0], -1);
  if (n >= 3)
    rg_strings_add(&f->types, field[2], -1);
  return RG_OK;
}

rg_status rg_features_of_text(const char *path, rg_features *features)
{
  *features = (rg_features){0};
  table t = {.features = features};
  size_t n = strlen(path);
  t.bed = (n > 4 && strcmp(path + n - 4, ".bed") == 0) ||
          (n > 7 && strcmp(path + n - 7, ".bed.gz") == 0);
  rg_status status = each_line(path, keep_feature, &t);
  if (status == RG_OK) { /* a column that some lines lack is none */
    if (features->ids.n != features->names.n)
      rg_strings_fini(&features->ids);
    if (features->types.n != features->names.n)
      rg_strings_fini(&features->types);
    locate_by_text(features, &t.places);
    if (!features->chromosome)
      locate_by_text(features, &features->names);
  } else {
    rg_features_fini(features);
  }
  rg_strings_fini(&t.places);
  return status;
}

char *rg_modality_of_type(const char *type)
{
  static const struct {
    const char *type, *modality;
  } known[] = {
      {"gene expression", "rna"},
      {"gex", "rna"},
      {"rna", "rna"},
      {"peaks", "atac"},
      {"atac", "atac"},
      {"chromatin accessibility", "atac"},
      {"antibody capture", "adt"},
      {"adt", "adt"},
      {"protein", "adt"},
      {"prot", "adt"},
      {"protein expression", "adt"},
  };
  char *name = rg_strdup(type);
  for (char *c = name; *c; c++)
    *c = (char)tolower((unsigned char)*c);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(name, known[i].type) == 0) {
      rg_free(name);
      return rg_strdup(known[i].modality);
    }
  for (char *c = name; *c; c++)
    if (!isalnum((unsigned char)*c))
      *c = '_';
  return name;
}
