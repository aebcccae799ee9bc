/* Records of all kinds as items of a list. */

#include "catalogue.h"

#include <string.h>

#include "options.h"
#include "regatta/eval.h"
#include "regatta/model.h"
#include "regatta/nn.h"
#include "regatta/prepare.h"
#include "regatta/train.h"

const char *const rg_catalogue_kinds[] = {
    "recipes",       "losses", "operations", "metrics", "commands",
    "configuration", "files",  "variables",  "codes",   NULL};

/* "needs rna,atac; ..." */
static char *needs_of(const rg_recipe *r)
{
  if (*r->modalities)
    return rg_format("needs %s%s; %s", r->modalities,
                     r->mosaic ? ", one of them in a cell" : "", r->good_for);
  return rg_format("needs %d modalities or more%s; %s", r->least > 1 ? r->least : 1,
                   r->mosaic ? ", one of them in a cell" : "", r->good_for);
}

static int list_recipes(rg_item *items)
{
  int n = 0;
  for (; rg_recipes[n] && n < RG_MAX_ITEMS; n++) {
    const rg_recipe *r = rg_recipes[n];
    items[n] = (rg_item){.name = r->name,
                         .help = r->help,
                         .cite = r->cite,
                         .facts = needs_of(r),
                         .options = r->fields,
                         .section = r->name,
                         .defaults = r->defaults};
  }
  return n;
}

static int list_types(const rg_op_type *const *types, rg_item *items)
{
  int n = 0;
  for (; types[n] && n < RG_MAX_ITEMS; n++)
    items[n] = (rg_item){.name = types[n]->name,
                         .help = types[n]->help,
                         .cite = types[n]->cite,
                         .options = types[n]->options,
                         .section = ""};
  return n;
}

static int list_metrics(rg_item *items)
{
  int n = 0;
  for (; rg_metrics[n] && n < RG_MAX_ITEMS; n++)
    items[n] = (rg_item){.name = rg_metrics[n]->name,
                         .help = rg_metrics[n]->help,
                         .cite = rg_metrics[n]->cite,
                         .facts = rg_strdup(rg_metrics[n]->higher_is_better
                                                ? "higher is better"
                                                : "lower is better")};
  return n;
}

static int list_commands(rg_item *items)
{
  const rg_command *sorted[RG_MAX_COMMANDS];
  int n = rg_commands_sorted(sorted);
  for (int i = 0; i < n; i++)
    items[i] = (rg_item){.name = sorted[i]->name,
                         .help = sorted[i]->summary,
                         .options = sorted[i]->options,
                         .command = sorted[i]};
  return n;
}

static int list_sections(rg_item *items)
{
  items[0] = (rg_item){.name = "data",
                       .help = "what is in the file",
                       .options = rg_data_fields,
                       .section = "data"};
  items[1] = (rg_item){.name = "train",
                       .help = "how the model is trained",
                       .options = rg_train_fields,
                       .section = "train"};
  items[2] = (rg_item){.name = "prepare",
                       .help = "filters and embeddings made before",
                       .options = rg_prepare_fields,
                       .section = "prepare"};
  return 3;
}

int rg_catalogue(const char *kind, rg_item items[RG_MAX_ITEMS])
{
  if (strcmp(kind, "recipes") == 0)
    return list_recipes(items);
  if (strcmp(kind, "losses") == 0)
    return list_types(rg_loss_types, items);
  if (strcmp(kind, "operations") == 0)
    return list_types(rg_op_types, items);
  if (strcmp(kind, "metrics") == 0)
    return list_metrics(items);
  if (strcmp(kind, "configuration") == 0)
    return list_sections(items);
  if (strcmp(kind, "files") == 0 || strcmp(kind, "variables") == 0)
    return rg_list_places(kind, items);
  if (strcmp(kind, "codes") == 0)
    return rg_list_codes(items);
  RG_ASSERT(strcmp(kind, "commands") == 0);
  return list_commands(items);
}

void rg_catalogue_fini(rg_item *items, int n)
{
  for (int i = 0; i < n; i++)
    rg_free((char *)items[i].facts);
}
