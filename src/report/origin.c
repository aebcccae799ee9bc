/* How it was made: commands, versions, input, seed, configuration. */
#include "internal.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- the history of a run -------------------------------------------------------- */

/* What stands between semicolons, a line each. */
static void put_lines(page *p, const char *text)
{
  page_put(p, "<dd>");
  for (const char *end; (end = strchr(text, ';')); text = end + 1 + strspn(end + 1, " ")) {
    page_say(p, "%.*s", (int)(end - text), text);
    page_put(p, "<br>");
  }
  page_text(p, text);
  page_put(p, "</dd>");
}

static void put_field(page *p, json_t *command, const char *key, const char *name)
{
  json_t *value = json_object_get(command, key);
  if (!value)
    return;
  page_element(p, "dt", name);
  if (json_is_string(value) && strcmp(key, "machine") == 0)
    put_lines(p, json_string_value(value));
  else if (json_is_string(value))
    page_element(p, "dd", json_string_value(value));
  else if (json_is_integer(value))
    page_elementf(p, "dd", "%lld", (long long)json_integer_value(value));
}

static rg_status put_command(report *r, const char *path, int line, const char *text)
{
  static const char *const fields[][2] = {
      {"input", "input"},     {"started", "started"},
      {"version", "version"}, {"compiler", "compiler"},
      {"HDF5", "HDF5"},       {"machine", "ranks, MPI, BLAS"}};
  json_error_t error;
  json_t *command = json_loads(text, 0, &error);
  json_t *words = json_object_get(command, "command");
  rg_status status = RG_OK;
  if (!json_is_string(words))
    status = rg_fail(RG_EINPUT, "%s:%d: is damaged; remove the file to report without it",
                     path, line);
  else {
    page_put(&r->body, "<pre><code>");
    page_text(&r->body, json_string_value(words));
    page_put(&r->body, "</code></pre>\n<dl>");
    for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++)
      put_field(&r->body, command, fields[k][0], fields[k][1]);
    page_put(&r->body, "</dl>\n");
  }
  json_decref(command);
  return status;
}

static rg_status put_history(report *r, bool *there)
{
  rg_status status = RG_OK;
  char *path = report_path(r, "commands.jsonl"), *line = NULL;
  size_t room = 0;
  FILE *file = fopen(path, "r");
  *there = file != NULL;
  for (int number = 1; file && getline(&line, &room, file) > 0; number++)
    RG_TRY(put_command(r, path, number, line));
out:
  if (file)
    fclose(file);
  free(line);
  rg_free(path);
  return status;
}

/* The configuration as the run wrote it, else that of the results; owned by free, NULL when
 * there is none. */
static char *configuration_of(const report *r)
{
  char *text = NULL;
  size_t room = 0;
  char *path = r->from->run ? report_path(r, "used_config.yaml") : NULL;
  FILE *file = path ? fopen(path, "r") : NULL;
  if (file && getdelim(&text, &room, '\0', file) < 0) {
    free(text);
    text = NULL;
  }
  if (file)
    fclose(file);
  rg_free(path);
  return text || !r->from->configuration ? text : strdup(r->from->configuration);
}

/* ---- the section ----------------------------------------------------------------- */

static const char *note(const report *r, const char *path)
{
  const rg_note *found = r->from->annot ? rg_annot_note(r->from->annot, path) : NULL;
  return found ? found->text : NULL;
}

static void put_facts(report *r)
{
  const rg_strings *facts = r->from->facts;
  page_put(&r->body, "<h3>Input and model</h3>\n<dl>");
  for (int64_t k = 0; facts && k + 1 < facts->n; k += 2) {
    page_element(&r->body, "dt", rg_strings_at(facts, k));
    page_element(&r->body, "dd", rg_strings_at(facts, k + 1));
  }
  page_put(&r->body, "</dl>\n");
}

rg_status report_origin(report *r)
{
  rg_status status = RG_OK;
  bool there = false;
  char *configuration = NULL;
  const char *command = note(r, "regatta/command");
  page_section(&r->body, "origin", "How it was made");
  page_put(&r->body, "<h3>Command</h3>\n");
  if (r->from->run)
    RG_TRY(put_history(r, &there));
  if (!there && command) {
    page_put(&r->body, "<pre><code>");
    page_text(&r->body, command);
    page_put(&r->body, "</code></pre>\n");
  } else if (!there) {
    page_missing(&r->body, "Not known: the run has no commands.jsonl, and the results no "
                           "uns/regatta/command.", NULL);
  }
  put_facts(r);
  configuration = configuration_of(r);
  if (configuration) {
    page_details(&r->body, "Configuration: every value, and where it came from");
    page_put(&r->body, "<pre><code>");
    page_text(&r->body, configuration);
    page_put(&r->body, "</code></pre>\n</details>\n");
  } else {
    page_missing(&r->body, "No configuration: the results were not made by regatta embed.",
                 NULL);
  }
  page_put(&r->body, "</section>\n");
out:
  free(configuration);
  return status;
}
