/* regatta list: what the program knows. */

#include "catalogue.h"

#include <string.h>

typedef struct options {
  char *form;
} options;

static const rg_field fields[] = {
    {"as", RG_CHOICE, offsetof(options, form), "text", 0, 0,
     "text|json|markdown|man|bash", NULL,
     "the form; man (pages) and bash (completion) are for "
     "commands"},
    {0}};

static void print_names(const rg_item *items, int n)
{
  for (int i = 0; i < n; i++) {
    int at = printf("%-18s ", items[i].name);
    rg_wrap(stdout, items[i].help, at, 19);
    if (items[i].facts) {
      printf("%19s", "");
      rg_wrap(stdout, items[i].facts, 19, 19);
    }
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
  for (const rg_place *p = item->places; p && p->path; p++) {
    printf("\n  %s (%s)\n    ", p->path, p->by);
    rg_wrap(stdout, p->help, 4, 4);
  }
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
  int n = 0;
  const char *longer = NULL; /* that begins like it */
  for (; rg_catalogue_kinds[n]; n++) {
    if (strcmp(rg_catalogue_kinds[n], kind) == 0)
      return RG_OK;
    if (strncmp(rg_catalogue_kinds[n], kind, strlen(kind)) == 0)
      longer = rg_catalogue_kinds[n];
  }
  const char *nearest = longer ? longer : rg_nearest(kind, rg_catalogue_kinds, n);
  return rg_fail(RG_EUSAGE, "list: '%s' is not known; did you mean '%s'?", kind,
                 nearest ? nearest : rg_catalogue_kinds[0]);
}

static rg_status check_form(const char *form, const char *kind)
{
  bool special = strcmp(form, "man") == 0 || strcmp(form, "bash") == 0;
  if (special && strcmp(kind, "commands") != 0)
    return rg_fail(RG_EUSAGE, "list: --as %s is for commands, not for %s", form, kind);
  return RG_OK;
}

static void print(const char *form, const rg_item *items, int n, bool one)
{
  if (strcmp(form, "json") == 0)
    rg_reference_json(stdout, items, n);
  else if (strcmp(form, "markdown") == 0)
    rg_reference_markdown(stdout, items, n);
  else if (strcmp(form, "man") == 0)
    rg_reference_man(stdout, items, n, one);
  else if (strcmp(form, "bash") == 0)
    rg_reference_bash(stdout, items, n);
  else if (one)
    print_item(items);
  else
    print_names(items, n);
  fflush(stdout);
}

static rg_status list(const rg_call *call)
{
  const options *o = call->options;
  const char *kind = call->arguments[0];
  rg_status status = check_kind(kind);
  if (status == RG_OK)
    status = check_form(o->form, kind);
  if (status != RG_OK)
    return status;
  rg_item items[RG_MAX_ITEMS];
  int n = rg_catalogue(kind, items), first = 0;
  bool one = call->n_arguments > 1;
  if (one)
    status = find(kind, call->arguments[1], items, n, &first);
  if (status == RG_OK && rg_rank(call->comm) == 0)
    print(o->form, items + first, one ? 1 : n, one);
  rg_catalogue_fini(items, n);
  return status;
}

static rg_status run(const rg_call *call)
{
  return rg_agree(call->comm, list(call));
}

const rg_command rg_cmd_list = {
    .name = "list",
    .arguments = "recipes|losses|operations|metrics|commands|configuration|files|"
                 "variables|codes [NAME]",
    .summary = "list recipes, losses, metrics, configuration, files, ...",
    .help = "Prints one line for each. With a NAME, prints all about that one: what it "
            "does, where it comes from, its options and their defaults; of files, what "
            "lies where and which command writes it. Codes are those that the program "
            "ends with, variables those of the environment.",
    .example = "regatta list recipes sailerx",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 1,
    .max_arguments = 2,
    .light = true,
    .order = 180,
    .run = run,
};
