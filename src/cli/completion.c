/* The completion of bash, from the records: commands, their options, and the words that
   may follow. Where there are none, bash completes names of files. */

#include "catalogue.h"

#include <string.h>

/* Text with one character for another. */
static void put_with(FILE *out, const char *text, char from, char to)
{
  for (; *text; text++)
    fputc(*text == from ? to : *text, out);
}

static void put_kind(FILE *out, const char *kind)
{
  rg_item items[RG_MAX_ITEMS];
  int n = rg_catalogue(kind, items);
  for (int i = 0; i < n; i++)
    fprintf(out, "%s%s", i ? " " : "", items[i].name);
  rg_catalogue_fini(items, n);
}

/* "    'COMMAND LAST') words='": LAST is the word before the one to complete. */
static void open_words(FILE *out, const char *command, const char *last)
{
  fprintf(out, "    '%s ", command);
  put_with(out, last, '_', '-');
  fprintf(out, "') words='");
}

/* Words that may follow an option of a command. */
static void after_options(FILE *out, const rg_command *command)
{
  for (const rg_field *f = command->options; f && f->name; f++) {
    char *dashed = rg_format("--%s", f->name);
    if (f->type == RG_CHOICE) {
      open_words(out, command->name, dashed);
      put_with(out, f->choices, '|', ' ');
      fprintf(out, "' ;;\n");
    } else if (strcmp(f->name, "recipe") == 0) {
      open_words(out, command->name, dashed);
      put_kind(out, "recipes");
      fprintf(out, "' ;;\n");
    }
    rg_free(dashed);
  }
}

/* What follows --set: every SECTION.KEY= of the configuration. */
static void after_set(FILE *out)
{
  static const char *const kinds[] = {"configuration", "recipes"};
  fprintf(out, "    *' --set') compopt -o nospace 2>/dev/null; words='");
  for (int k = 0; k < 2; k++) {
    rg_item items[RG_MAX_ITEMS];
    int n = rg_catalogue(kinds[k], items);
    for (int i = 0; i < n; i++)
      for (const rg_field *f = items[i].options; f && f->name; f++)
        fprintf(out, "%s.%s= ", items[i].section, f->name);
    rg_catalogue_fini(items, n);
  }
  fprintf(out, "' ;;\n");
}

/* What follows `regatta list` and `regatta list KIND`. */
static void after_list(FILE *out)
{
  open_words(out, "list", "list");
  for (const char *const *kind = rg_catalogue_kinds; *kind; kind++)
    fprintf(out, "%s ", *kind);
  fprintf(out, "' ;;\n");
  for (const char *const *kind = rg_catalogue_kinds; *kind; kind++) {
    open_words(out, "list", *kind);
    put_kind(out, *kind);
    fprintf(out, "' ;;\n");
  }
}

static void option_names(FILE *out, const rg_command *command)
{
  fprintf(out, "        %s) words='", command->name);
  for (const rg_field *f = command->options; f && f->name; f++) {
    bool on = f->type == RG_BOOL && f->value && f->value[0] == 't';
    fprintf(out, on ? "--no-" : "--");
    put_with(out, f->name, '_', '-');
    fputc(' ', out);
  }
  fputs(command->configurable ? "--config --set --print-config " : "", out);
  fputs("--log --help' ;;\n", out);
}

void rg_reference_bash(FILE *out, const rg_item *items, int n)
{
  fprintf(out,
          "# Completion of regatta for bash; made by: regatta list commands --as bash\n"
          "_regatta() {\n  local words='' word=${COMP_WORDS[COMP_CWORD]}\n"
          "  local command=${COMP_WORDS[1]} last=${COMP_WORDS[COMP_CWORD-1]}\n"
          "  COMPREPLY=()\n  if ((COMP_CWORD == 1)); then\n    words='");
  put_kind(out, "commands");
  fprintf(out, " help --help --version'\n  else\n    case \"$command $last\" in\n");
  open_words(out, "help", "help");
  put_kind(out, "commands");
  fprintf(out, "' ;;\n");
  after_list(out);
  for (int i = 0; i < n; i++)
    after_options(out, items[i].command);
  after_set(out);
  fprintf(out, "    *' --log') words='error warn info debug' ;;\n    *)\n"
               "      case $word in\n      -*)\n        case $command in\n");
  for (int i = 0; i < n; i++)
    option_names(out, items[i].command);
  fprintf(out, "        esac\n        ;;\n      esac\n      ;;\n    esac\n  fi\n"
               "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
               "complete -o default -F _regatta regatta\n");
}
