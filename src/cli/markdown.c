/* Pages of the reference: items as Markdown. */
#include "catalogue.h"

#include <ctype.h>
#include <string.h>

/* A cell of a table: no bar, no line break. */
static void put_cell(FILE *out, const char *text)
{
  for (; *text; text++)
    if (*text == '|')
      fputs("\\|", out);
    else
      fputc(*text == '\n' ? ' ' : *text, out);
}

/* A sentence: a capital, and a full stop where none is. */
static void put_sentence(FILE *out, const char *text)
{
  fputc(toupper((unsigned char)*text), out);
  fprintf(out, "%s%s\n\n", text + 1, text[strlen(text) - 1] == '.' ? "" : ".");
}

/* An option that is on unless --no-NAME turns it off. */
static bool is_on(const rg_item *item, const rg_field *f)
{
  return !item->section && f->type == RG_BOOL && f->value && f->value[0] == 't';
}

/* The name as it is typed: `--name`, `--no-name` or `section.name`. */
static void put_name(FILE *out, const rg_item *item, const rg_field *f)
{
  if (item->section) {
    fprintf(out, "`%s%s%s`", item->section, *item->section ? "." : "", f->name);
    return;
  }
  bool output = strcmp(f->name, "output") == 0;
  fprintf(out, "%s`--%s", output ? "`-o`, " : "", is_on(item, f) ? "no-" : "");
  for (const char *p = f->name; *p; p++)
    fputc(*p == '_' ? '-' : *p, out);
  fputc('`', out);
}

/* Texts between separators, each as code. */
static void put_words(FILE *out, const char *text, const char *separator)
{
  const char *end = strstr(text, separator);
  for (; end; text = end + strlen(separator), end = strstr(text, separator))
    fprintf(out, "`%.*s`, ", (int)(end - text), text);
  fprintf(out, "`%s`", text);
}

/* What may be given: choices, a range, or the kind of value; with its unit. */
static void put_values(FILE *out, const rg_field *f)
{
  static const char *const kinds[] = {"", "whole number", "number", "text", ""};
  if (f->type == RG_CHOICE)
    put_words(out, f->choices, "|");
  else
    fputs(kinds[f->type], out);
  if (f->low < f->high && f->high >= 1e6)
    fprintf(out, ", %g or more", f->low);
  else if (f->low < f->high)
    fprintf(out, ", %g to %g", f->low, f->high);
  if (f->unit)
    fprintf(out, "; %s", f->unit);
}

static void markdown_options(FILE *out, const rg_item *item)
{
  fprintf(out, "| %s | values | default | meaning |\n|---|---|---|---|\n",
          item->section ? "key" : "option");
  for (const rg_field *f = item->options; f->name; f++) {
    fprintf(out, "| ");
    put_name(out, item, f);
    fprintf(out, " | ");
    put_values(out, f);
    fprintf(out, " | ");
    if (f->value && *f->value && (f->type != RG_BOOL || item->section))
      fprintf(out, "`%s`", f->value);
    fprintf(out, " | %s", is_on(item, f) ? "do not " : "");
    put_cell(out, f->help);
    fprintf(out, " |\n");
  }
  fputc('\n', out);
}

static void markdown_places(FILE *out, const rg_place *places)
{
  fprintf(out, "| name | command | meaning |\n|---|---|---|\n");
  for (const rg_place *p = places; p->path; p++) {
    fprintf(out, "| ");
    put_words(out, p->path, ", ");
    fprintf(out, " | %s | ", p->by);
    put_cell(out, p->help);
    fprintf(out, " |\n");
  }
  fputc('\n', out);
}

static void markdown_item(FILE *out, const rg_item *item)
{
  fprintf(out, "## %s\n\n", item->name);
  put_sentence(out, item->help);
  if (item->command)
    fprintf(out, "```\nregatta %s %s\n```\n\n%s\n\n", item->name,
            item->command->arguments, item->command->help);
  if (item->facts)
    put_sentence(out, item->facts);
  if (item->cite)
    fprintf(out, "After: *%s*\n\n", item->cite);
  if (item->options && item->options->name)
    markdown_options(out, item);
  if (item->places)
    markdown_places(out, item->places);
  for (const char *const *set = item->defaults; set && *set; set++)
    fprintf(out, "%s `%s`%s", set == item->defaults ? "Sets" : "", *set,
            set[1] ? "," : ".\n\n");
  if (item->command && item->command->example)
    fprintf(out, "```sh\n%s\n```\n\n", item->command->example);
}

void rg_reference_markdown(FILE *out, const rg_item *items, int n)
{
  for (int i = 0; i < n; i++)
    markdown_item(out, &items[i]);
}
