/* regatta list: what the program knows. */

#include "catalogue.h"

#include <string.h>

typedef struct options {
  bool json;
} options;

static const rg_field fields[] = {{"json", RG_BOOL, offsetof(options, json), "false", 0,
                                   0, NULL, NULL, "print one JSON array"},
                                  {0}};

static const char *const kinds[] = {"recipes", "losses", "operations", "metrics",
                                    "commands"};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static void print_names(const rg_item *items, int n)
{
  for (int i = 0; i < n; i++) {
    int at = printf("%-18s ", items[i].name);
    rg_wrap(stdout, items[i].help, at, 19);
  }
}

static void print_item(const rg_item *item)
{
  printf("%s\n  ", item->name);
  rg_wrap(stdout, item->help, 2, 2);
  if (item->facts) {
    printf("  ");
    rg_wrap(stdout, item->facts, 2, 2);
  }
  if (item->cite) {
    printf("  ");
    rg_wrap(stdout, item->cite, 2, 2);
  }
  if (item->options && item->options->name)
    printf("\nOptions:\n");
  for (const rg_field *f = item->options; f && f->name; f++)
    rg_help_field(stdout, f, item->section);
  if (item->defaults && *item->defaults)
    printf("\nSets:\n");
  for (const char *const *set = item->defaults; set && *set; set++)
    printf("  %s\n", *set);
}

static void json_options(rg_json *json, const rg_field *table)
{
  rg_json_open(json, "options", '[');
  for (const rg_field *f = table; f && f->name; f++) {
    rg_json_open(json, NULL, '{');
    rg_json_text(json, "name", f->name);
    rg_json_text(json, "help", f->help);
    if (f->value)
      rg_json_text(json, "default", f->value);
    if (f->choices)
      rg_json_text(json, "choices", f->choices);
    if (f->low < f->high) {
      rg_json_number(json, "low", f->low);
      rg_json_number(json, "high", f->high);
    }
    if (f->unit)
      rg_json_text(json, "unit", f->unit);
    rg_json_close(json);
  }
  rg_json_close(json);
}

static void print_json(const rg_item *items, int n)
{
  rg_json *json = rg_json_new();
  rg_json_open(json, NULL, '[');
  for (int i = 0; i < n; i++) {
    rg_json_open(json, NULL, '{');
    rg_json_text(json, "name", items[i].name);
    rg_json_text(json, "help", items[i].help);
    if (items[i].facts)
      rg_json_text(json, "facts", items[i].facts);
    if (items[i].cite)
      rg_json_text(json, "cite", items[i].cite);
    json_options(json, items[i].options);
    rg_json_close(json);
  }
  rg_json_close(json);
  printf("%s\n", rg_json_string(json));
  rg_json_free(json);
}

/* The one of that name, or a usage error with the nearest. */
static rg_status find(const char *kind, const char *name, const rg_item *items, int n,
                      int *found)
{
  const char *names[RG_MAX_ITEMS];
  for (*found = 0; *found < n; ++*found) {
    names[*found] = items[*found].name;
    if (strcmp(names[*found], name) == 0)
      return RG_OK;
  }
  const char *nearest = rg_nearest(name, names, n);
  return rg_fail(RG_EUSAGE, "list %s: there is no '%s'; did you mean '%s'?", kind, name,
                 nearest ? nearest : names[0]);
}

static rg_status check_kind(const char *kind)
{
  for (int i = 0; i < N_KINDS; i++)
    if (strcmp(kinds[i], kind) == 0)
      return RG_OK;
  const char *nearest = rg_nearest(kind, kinds, N_KINDS);
  return rg_fail(RG_EUSAGE, "list: '%s' is not known; did you mean '%s'?", kind,
                 nearest ? nearest : kinds[0]);
}

static rg_status list(const rg_call *call)
{
  const options *o = call->options;
  const char *kind = call->arguments[0];
  rg_status status = check_kind(kind);
  if (status != RG_OK)
    return status;
  rg_item items[RG_MAX_ITEMS];
  int n = rg_catalogue(kind, items), first = 0, shown = n;
  if (call->n_arguments > 1) {
    status = find(kind, call->arguments[1], items, n, &first);
    shown = 1;
  }
  if (status == RG_OK && rg_rank(call->comm) == 0) {
    if (o->json)
      print_json(items + first, shown);
    else if (call->n_arguments > 1)
      print_item(&items[first]);
    else
      print_names(items, n);
    fflush(stdout);
  }
  rg_catalogue_fini(items, n);
  return status;
}

static rg_status run(const rg_call *call)
{
  return rg_agree(call->comm, list(call));
}

const rg_command rg_cmd_list = {
    .name = "list",
    .arguments = "recipes|losses|operations|metrics|commands [NAME]",
    .summary = "list recipes, losses, operations, metrics or commands",
    .help = "Prints one line for each. With a NAME, prints all about that one: what it "
            "does, where it comes from, its options and their defaults.",
    .example = "regatta list recipes sailerx",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 1,
    .max_arguments = 2,
    .order = 180,
    .run = run,
};
