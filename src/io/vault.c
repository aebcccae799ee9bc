/* What reading and writing a container share. */

#include "vault.h"

#include <string.h>
#include <unistd.h>

int64_t rg_vault_width(char type)
{
  switch (type) {
  case 'f':
  case 'i':
    return 4;
  case 'd':
  case 'l':
    return 8;
  case 'c':
    return 1;
  default:
    return 0;
  }
}

bool rg_vault_name_ok(const char *name)
{
  size_t n = strlen(name);
  if (n == 0 || n >= sizeof((rg_array_info *)0)->name)
    return false;
  for (; *name; name++)
    if (*name <= ' ' || *name > '~')
      return false;
  return true;
}

char *rg_vault_part_path(const char *folder, int64_t part)
{
  return rg_format("%s/part-%04lld", folder, (long long)part);
}

rg_vault_array *rg_vault_add_array(rg_vault *vault)
{
  vault->arrays = rg_realloc(vault->arrays, vault->n_arrays, vault->n_arrays + 1,
                             sizeof *vault->arrays);
  return &vault->arrays[vault->n_arrays++];
}

rg_vault_note_line *rg_vault_add_note(rg_vault *vault)
{
  vault->notes = rg_realloc(vault->notes, vault->n_notes, vault->n_notes + 1,
                            sizeof *vault->notes);
  return &vault->notes[vault->n_notes++];
}

void rg_vault_free(rg_vault *vault)
{
  if (vault->fd >= 0)
    close(vault->fd);
  if (vault->temp)
    rg_pace_end();
  for (int64_t i = 0; i < vault->n_arrays; i++)
    rg_free(vault->arrays[i].hashes);
  for (int64_t i = 0; i < vault->n_notes; i++) {
    rg_free(vault->notes[i].key);
    rg_free(vault->notes[i].value);
  }
  rg_free(vault->arrays);
  rg_free(vault->notes);
  rg_free(vault->temp);
  rg_free(vault->path);
  rg_free(vault);
}

const rg_array_info *rg_vault_find(const rg_vault *vault, const char *name)
{
  for (int64_t i = 0; i < vault->n_arrays; i++)
    if (strcmp(vault->arrays[i].info.name, name) == 0)
      return &vault->arrays[i].info;
  return NULL;
}

int rg_vault_items(const rg_vault *vault)
{
  return (int)vault->n_arrays;
}

const rg_array_info *rg_vault_item(const rg_vault *vault, int i)
{
  return &vault->arrays[i].info;
}

const char *rg_vault_text(const rg_vault *vault, const char *key)
{
  for (int64_t i = 0; i < vault->n_notes; i++)
    if (strcmp(vault->notes[i].key, key) == 0)
      return vault->notes[i].value;
  return NULL;
}
