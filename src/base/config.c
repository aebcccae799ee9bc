/* Sections of options, where each value came from, and all of it as text. */
#include "base_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A value is replaced only by one of the same or a later source. */
typedef enum source { FROM_DEFAULT, FROM_RECIPE, FROM_FILE, FROM_COMMAND_LINE } source;

typedef struct origin {
  source source;
  char *text; /* "recipe", "run.yaml:12"; owned, NULL is "default" */
} origin;

typedef struct section {
  char *name;             /* owned */
  const rg_field *fields; /* borrowed */
  void *object;           /* borrowed */
  const char *help;       /* borrowed */
  int n_fields;
  origin *origins; /* n_fields, owned */
} section;

struct rg_config {
  int n;
  section *sections;
};

rg_config *rg_config_new(void)
{
  return RG_NEW(rg_config, 1);
}

void rg_config_free(rg_config *config)
{
  if (!config)
    return;
  for (int i = 0; i < config->n; i++) {
    section *s = &config->sections[i];
    for (int j = 0; j < s->n_fields; j++)
      rg_free(s->origins[j].text);
    rg_free(s->origins);
    rg_free(s->name);
  }
  rg_free(config->sections);
  rg_free(config);
}

static section *find_section(const rg_config *config, const char *name)
{
  for (int i = 0; i < config->n; i++)
    if (strcmp(config->sections[i].name, name) == 0)
      return &config->sections[i];
  return NULL;
}

void rg_config_section(rg_config *config, const char *name, const rg_field *fields,
                       void *object, const char *help)
{
  RG_ASSERT(!find_section(config, name));
  config->sections =
      rg_realloc(config->sections, config->n, config->n + 1, sizeof *config->sections);
  section *s = &config->sections[config->n++];
  *s = (section){
      .name = rg_strdup(name), .fields = fields, .object = object, .help = help};
  while (fields[s->n_fields].name)
    s->n_fields++;
  s->origins = RG_NEW(origin, s->n_fields);
  rg_fields_default(fields, object);
}

static rg_status unknown_section(const rg_config *config, const char *name,
                                 const char *where)
{
  const char **names = RG_NEW(const char *, config->n);
  for (int i = 0; i < config->n; i++)
    names[i] = config->sections[i].name;
  const char *near = rg_nearest(name, names, config->n);
  rg_free(names);
  return near ? rg_fail(RG_EUSAGE, "%s: unknown section '%s'; did you mean '%s'?",
                        where, name, near)
              : rg_fail(RG_EUSAGE, "%s: unknown section '%s'", where, name);
}

/* An option that this section has not, but others have. */
static rg_status misplaced(const rg_config *config, const char *name, const char *key,
                           const char *where)
{
  enum { TOLD = 4 };
  rg_strings others = {0};
  for (int i = 0; i < config->n; i++)
    if (rg_field_index(config->sections[i].fields, key) >= 0)
      rg_strings_addf(&others, "%s.%s", config->sections[i].name, key);
  if (others.n == 0)
    return RG_OK;
  char *text = rg_strings_text(&others, TOLD);
  rg_status status =
      rg_fail(RG_EUSAGE,
              "%s: unknown option '%s.%s'; there %s %s; see: regatta list "
              "configuration",
              where, name, key, others.n == 1 ? "is" : "are", text);
  rg_free(text);
  rg_strings_fini(&others);
  return status;
}

/* Set a value unless a later source has set it; `text` NULL unsets. */
static rg_status set(rg_config *config, source from, const char *name, const char *key,
                     const char *text, const char *where)
{
  section *s = find_section(config, name);
  if (!s)
    return unknown_section(config, name, where);
  int i = rg_field_index(s->fields, key);
  if (i >= 0 && s->origins[i].source > from)
    return RG_OK;
  rg_status status = i < 0 ? misplaced(config, name, key, where) : RG_OK;
  if (status == RG_OK)
    status = rg_fields_set(s->fields, s->object, key, text, where);
  if (status != RG_OK)
    return status;
  rg_free(s->origins[i].text);
  s->origins[i] = (origin){from, rg_strdup(where)};
  return RG_OK;
}

rg_status rg_config_recipe(rg_config *config, const char *name, const char *key,
                           const char *value)
{
  return set(config, FROM_RECIPE, name, key, value, "recipe");
}

rg_status rg_config_set_from_file(rg_config *config, const char *name, const char *key,
                                  const char *value, const char *where)
{
  return set(config, FROM_FILE, name, key, value, where);
}

rg_status rg_config_assign(rg_config *config, const char *assignment)
{
  size_t before_dot = strcspn(assignment, ".=");
  size_t before_equals = strcspn(assignment, "=");
  if (assignment[before_dot] != '.' || assignment[before_equals] != '=')
    return rg_fail(RG_EUSAGE, "--set: '%s' is not section.key=value", assignment);
  char *name = rg_strdup(assignment);
  name[before_dot] = name[before_equals] = '\0';
  const char *key = name + before_dot + 1, *value = name + before_equals + 1;
  rg_status status = set(config, FROM_COMMAND_LINE, name, key, value, "command line");
  rg_free(name);
  return status;
}

/* ---- as text --------------------------------------------------------------------- */

static void print_comment(FILE *out, const rg_field *f)
{
  fprintf(out, "  # %s", f->help ? f->help : "");
  if (f->unit)
    fprintf(out, " [%s]", f->unit);
  if (f->choices)
    fprintf(out, " (%s)", f->choices);
  else if (f->low < f->high)
    fprintf(out, " (%.15g to %.15g)", f->low, f->high);
  fputc('\n', out);
}

static bool is_plain(const char *text)
{
  static const char *const nulls[] = {"null", "Null", "NULL"};
  for (int i = 0; i < 3; i++)
    if (strcmp(text, nulls[i]) == 0)
      return false;
  const char *s = text;
  while (isalnum((unsigned char)*s) || (*s && strchr("_./+", *s)) ||
         (*s == '-' && isalnum((unsigned char)s[1])))
    s++;
  return s > text && *s == '\0';
}

/* A scalar of YAML: plain where that is safe, else in double quotes. */
static void print_scalar(FILE *out, const char *text)
{
  if (is_plain(text)) {
    fputs(text, out);
    return;
  }
  fputc('"', out);
  for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
    if (*s == '"' || *s == '\\')
      fprintf(out, "\\%c", *s);
    else if (*s < 0x20 || *s == 0x7f)
      fprintf(out, "\\x%02x", *s);
    else
      fputc(*s, out);
  }
  fputc('"', out);
}

static void print_section(FILE *out, const section *s)
{
  if (s->help)
    fprintf(out, "# %s\n", s->help);
  fprintf(out, "%s:%s\n", s->name, s->n_fields ? "" : " {}");
  for (int i = 0; i < s->n_fields; i++) {
    const rg_field *f = &s->fields[i];
    char *value = rg_fields_get(s->fields, s->object, f->name);
    print_comment(out, f);
    fprintf(out, "  %s: ", f->name);
    if (value)
      print_scalar(out, value);
    char where[1024];
    rg_escape(s->origins[i].text ? s->origins[i].text : "default", where, sizeof where);
    fprintf(out, "  # %s\n", where);
    rg_free(value);
  }
}

char *rg_config_text(const rg_config *config)
{
  char *text = NULL;
  size_t n = 0;
  FILE *out = open_memstream(&text, &n);
  RG_ASSERT(out != NULL);
  for (int i = 0; i < config->n; i++) {
    if (i > 0)
      fputc('\n', out);
    print_section(out, &config->sections[i]);
  }
  RG_ASSERT(fclose(out) == 0);
  char *owned = rg_strdup(text);
  free(text);
  return owned;
}
