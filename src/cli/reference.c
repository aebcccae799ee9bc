/* References for other readers than people at a terminal. Markdown is in
   markdown.c, the completion of bash in completion.c. */

#include "config.h"

#include "catalogue.h"

#include <ctype.h>
#include <string.h>

/* ---- JSON ------------------------------------------------------------------------ */

static void json_optional(rg_json *json, const char *key, const char *text)
{
  if (text)
    rg_json_text(json, key, text);
}

static void json_option(rg_json *json, const rg_field *f)
{
  rg_json_open(json, NULL, '{');
  rg_json_text(json, "name", f->name);
  rg_json_text(json, "help", f->help);
  json_optional(json, "default", f->value);
  json_optional(json, "choices", f->choices);
  if (f->low < f->high) {
    rg_json_number(json, "low", f->low);
    rg_json_number(json, "high", f->high);
  }
  json_optional(json, "unit", f->unit);
  rg_json_close(json);
}

static void json_places(rg_json *json, const rg_place *places)
{
  rg_json_open(json, "places", '[');
  for (const rg_place *p = places; p->path; p++) {
    rg_json_open(json, NULL, '{');
    rg_json_text(json, "path", p->path);
    rg_json_text(json, "by", p->by);
    rg_json_text(json, "help", p->help);
    rg_json_close(json);
  }
  rg_json_close(json);
}

static void json_item(rg_json *json, const rg_item *item)
{
  rg_json_open(json, NULL, '{');
  rg_json_text(json, "name", item->name);
  rg_json_text(json, "help", item->help);
  json_optional(json, "facts", item->facts);
  json_optional(json, "cite", item->cite);
  if (item->command) {
    rg_json_text(json, "arguments", item->command->arguments);
    rg_json_text(json, "about", item->command->help);
    json_optional(json, "example", item->command->example);
  }
  rg_json_open(json, "options", '[');
  for (const rg_field *f = item->options; f && f->name; f++)
    json_option(json, f);
  rg_json_close(json);
  rg_json_open(json, "sets", '[');
  for (const char *const *set = item->defaults; set && *set; set++)
    rg_json_text(json, NULL, *set);
  rg_json_close(json);
  if (item->places)
    json_places(json, item->places);
  rg_json_close(json);
}

void rg_reference_json(FILE *out, const rg_item *items, int n)
{
  rg_json *json = rg_json_new();
  rg_json_open(json, NULL, '[');
  for (int i = 0; i < n; i++)
    json_item(json, &items[i]);
  rg_json_close(json);
  fprintf(out, "%s\n", rg_json_string(json));
  rg_json_free(json);
}

/* ---- man pages ------------------------------------------------------------------- */

/* Text for roff: dashes stay dashes, no line begins a request. */
static void put_roff(FILE *out, const char *text)
{
  for (const char *p = text; *p; p++) {
    if (*p == '\\')
      fputs("\\e", out);
    else if (*p == '-')
      fputs("\\-", out);
    else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n'))
      fprintf(out, "\\&%c", *p);
    else
      fputc(*p, out);
  }
}

static void man_option(FILE *out, const char *dashes, const char *name,
                       const char *value, const char *text)
{
  fprintf(out, ".TP\n.B ");
  put_roff(out, dashes);
  for (; *name; name++)
    fputs(*name == '_' || *name == '-' ? "\\-" : (char[]){*name, '\0'}, out);
  if (value)
    fprintf(out, " \\fI%s\\fR", value);
  fputc('\n', out);
  put_roff(out, text);
  fputc('\n', out);
}

static const char *value_name(const rg_field *f)
{
  static const char *const names[] = {NULL, "N", "X", "TEXT", "NAME"};
  return names[f->type];
}

static void man_options(FILE *out, const rg_command *command)
{
  for (const rg_field *f = command->options; f && f->name; f++) {
    bool output = strcmp(f->name, "output") == 0;
    bool on = f->type == RG_BOOL && f->value && f->value[0] == 't';
    char *text = rg_field_text(f);
    man_option(out,
               output ? "-o, --"
               : on   ? "--no-"
                      : "--",
               f->name, value_name(f), text);
    rg_free(text);
  }
  if (command->configurable) {
    man_option(out, "--", "config", "FILE", "read the configuration from a YAML file");
    man_option(out, "--", "set", "SECTION.KEY=VALUE",
               "set one value of the configuration; may be repeated");
    man_option(out, "--", "print-config", NULL,
               "print the whole configuration, and stop");
  }
  man_option(out, "--", "log", "LEVEL", "what to log: error, warn, info or debug");
  man_option(out, "-h, --", "help", NULL, "print a summary, and stop");
}

static void man_head(FILE *out, const char *name, const char *summary)
{
  fprintf(out, ".TH REGATTA%s", *name ? "\\-" : "");
  for (const char *p = name; *p; p++)
    fputc(toupper((unsigned char)*p), out);
  fprintf(out, " 1 \"\" \"regatta %s\" regatta\n.SH NAME\nregatta%s%s \\- ",
          PACKAGE_VERSION, *name ? "\\-" : "", name);
  put_roff(out, summary);
}

static void man_exit_codes(FILE *out)
{
  fprintf(out, ".SH EXIT STATUS\n");
#define PUT_CODE(name, code, text) fprintf(out, ".TP\n.B %d\n%s\n", code, text);
  RG_STATUS_LIST(PUT_CODE)
#undef PUT_CODE
}

static void man_variables(FILE *out)
{
  rg_item items[RG_MAX_ITEMS];
  int n = rg_list_places("variables", items);
  fprintf(out, ".SH ENVIRONMENT\n");
  for (int i = 0; i < n; i++)
    for (const rg_place *p = items[i].places; p && p->path; p++) {
      fprintf(out, ".TP\n.B ");
      put_roff(out, p->path);
      fputc('\n', out);
      put_roff(out, p->help);
      fputc('\n', out);
    }
}

/* regatta(1): what there is, and where it is explained. */
static void man_overview(FILE *out, const rg_item *items, int n)
{
  man_head(out, "", "joint representations of single cells, on any number of ranks");
  fprintf(out,
          "\n.SH SYNOPSIS\n.B regatta\n\\fICOMMAND\\fR [\\fIoptions\\fR]\n.br\n"
          ".B mpirun \\-n\n\\fIRANKS\\fR\n.B regatta\n\\fICOMMAND\\fR "
          "[\\fIoptions\\fR]\n.SH DESCRIPTION\n"
          "Learns joint representations of single cells measured in several modalities "
          "(RNA, ATAC, protein, ...) on CPU clusters, from the files of the field (h5ad, "
          "h5mu, 10x h5, MatrixMarket), and writes files that scanpy, muon and Seurat "
          "open. Results are the same on any number of ranks. Under Slurm,\n"
          ".B srun\ntakes the place of\n.BR mpirun .\n.SH COMMANDS\n"
          "Each has a page of its own, such as\n.BR regatta\\-run (1).\n");
  for (int i = 0; i < n; i++) {
    fprintf(out, ".TP\n.B %s\n", items[i].name);
    put_roff(out, items[i].help);
    fputc('\n', out);
  }
  fprintf(out, ".SH OPTIONS\n.TP\n.B \\-\\-version\nversions of regatta and of its "
               "libraries\n.TP\n.B \\-\\-help\nthe commands, in short\n");
  man_exit_codes(out);
  man_variables(out);
  fprintf(out, ".SH SEE ALSO\n.BR regatta\\-run (1),\n.BR regatta\\-list (1),\n"
               ".BR mpirun (1),\n.BR srun (1)\n");
}

static void man_page(FILE *out, const rg_command *command)
{
  man_head(out, command->name, command->summary);
  fprintf(out, "\n.SH SYNOPSIS\n.B regatta %s\n", command->name);
  put_roff(out, command->arguments);
  fprintf(out, "\n[\\fIoptions\\fR]\n.SH DESCRIPTION\n");
  put_roff(out, command->help);
  fprintf(out, "\n.SH OPTIONS\n");
  man_options(out, command);
  if (command->example) {
    fprintf(out, ".SH EXAMPLE\n.nf\n");
    put_roff(out, command->example);
    fprintf(out, "\n.fi\n");
  }
  man_exit_codes(out);
  fprintf(out, ".SH SEE ALSO\n.BR regatta (1)%s\n",
          command->configurable ? ",\n.BR regatta\\-list (1)\n(recipes, configuration)"
                                : "");
}

void rg_reference_man(FILE *out, const rg_item *items, int n, bool one)
{
  if (one)
    man_page(out, items[0].command);
  else
    man_overview(out, items, n);
}
