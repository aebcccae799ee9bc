/* The table of commands, and command lines as text. */

#include "options.h"

#include <ctype.h>
#include <string.h>

int rg_commands_sorted(const rg_command *sorted[RG_MAX_COMMANDS])
{
  int n = 0;
  for (; rg_commands[n] && n < RG_MAX_COMMANDS; n++) {
    int at = n;
    for (; at > 0 && sorted[at - 1]->order > rg_commands[n]->order; at--)
      sorted[at] = sorted[at - 1];
    sorted[at] = rg_commands[n];
  }
  return n;
}

rg_status rg_command_find(const char *name, const rg_command **command)
{
  const char *names[RG_MAX_COMMANDS];
  int n = 0;
  for (; rg_commands[n] && n < RG_MAX_COMMANDS; n++) {
    if (strcmp(rg_commands[n]->name, name) == 0) {
      *command = rg_commands[n];
      return RG_OK;
    }
    names[n] = rg_commands[n]->name;
  }
  const char *nearest = rg_nearest(name, names, n);
  if (nearest)
    return rg_fail(RG_EUSAGE, "unknown command '%s'; did you mean '%s'?", name,
                   nearest);
  return rg_fail(RG_EUSAGE, "unknown command '%s'; see regatta --help", name);
}

/* Append a word to a buffer that has room; ' becomes '\'' inside single quotes. */
static char *append_word(char *out, const char *word)
{
  bool plain = word[0] != '\0';
  for (const char *p = word; *p; p++)
    plain &= isalnum((unsigned char)*p) || strchr("-_./=:,+@%", *p) != NULL;
  if (plain)
    return stpcpy(out, word);
  *out++ = '\'';
  for (const char *p = word; *p; p++)
    out = *p == '\'' ? stpcpy(out, "'\\''") : (*out = *p, out + 1);
  *out++ = '\'';
  return out;
}

char *rg_command_line(int argc, char *const *argv)
{
  size_t room = 1;
  for (int i = 0; i < argc; i++)
    room += 4 * strlen(argv[i]) + 3;
  char *line = rg_alloc((int64_t)room, 1);
  char *end = line;
  for (int i = 0; i < argc; i++) {
    if (i > 0)
      *end++ = ' ';
    end = append_word(end, argv[i]);
  }
  *end = '\0';
  return line;
}
