/* Recipes by name, and those that data allow. */
#include "regatta/model.h"

#include <string.h>

static void add(rg_strings *list, const char *name)
{
  rg_strings_add(list, name, (int64_t)strlen(name));
}

rg_status rg_recipe_find(const char *name, const rg_recipe **recipe)
{
  const char *names[64];
  rg_strings list = {0};
  int n = 0;
  for (; rg_recipes[n]; n++) {
    names[n] = rg_recipes[n]->name;
    add(&list, names[n]);
    if (strcmp(names[n], name) == 0)
      *recipe = rg_recipes[n];
  }
  const char *near = rg_nearest(name, names, n);
  bool found = rg_strings_find(&list, name) >= 0;
  char *all = rg_strings_text(&list, list.n);
  rg_status status = RG_OK;
  if (!found && near)
    status = rg_fail(RG_EUSAGE, "no recipe is named %s; did you mean %s?", name, near);
  else if (!found)
    status = rg_fail(RG_EUSAGE, "no recipe is named %s; there are %s", name, all);
  rg_free(all);
  rg_strings_fini(&list);
  return status;
}

/* The first modality that the recipe needs and the data lack, or "". */
static const char *lacking(const rg_recipe *recipe, const rg_strings *modalities,
                           char text[64])
{
  char *rest = NULL;
  snprintf(text, 64, "%s", recipe->modalities);
  for (char *name = strtok_r(text, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
    if (rg_strings_find(modalities, name) < 0)
      return name;
  return "";
}

static bool fits(const rg_recipe *recipe, const rg_strings *modalities)
{
  char text[64];
  return modalities->n >= recipe->least && !*lacking(recipe, modalities, text);
}

rg_status rg_recipe_check(const rg_recipe *recipe, const rg_strings *modalities)
{
  if (fits(recipe, modalities))
    return RG_OK;
  rg_strings others = {0};
  for (int k = 0; rg_recipes[k]; k++)
    if (fits(rg_recipes[k], modalities))
      add(&others, rg_recipes[k]->name);
  char *have = rg_strings_text(modalities, modalities->n), text[64];
  char *choose = rg_strings_text(&others, others.n);
  const char *name = lacking(recipe, modalities, text);
  char *needs = *name ? rg_strdup(name) : rg_format("%d modalities", recipe->least);
  rg_status status = rg_fail(RG_EINPUT, "recipe %s needs %s, the data have %s; choose "
                             "--recipe %s", recipe->name, needs, have, choose);
  rg_free(needs);
  rg_free(choose);
  rg_free(have);
  rg_strings_fini(&others);
  return status;
}
