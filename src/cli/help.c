/* Help texts, from the records of the commands. */

#include "options.h"

#include <ctype.h>
#include <string.h>

#include "catalogue.h"

enum { WIDTH = 80, COLUMN = 30 };

void rg_wrap(FILE *out, const char *text, int at, int indent)
{
  while (*text) {
    int word = (int)strcspn(text, " \n");
    if (at > indent && at + 1 + word > WIDTH) {
      fprintf(out, "\n%*s", indent, "");
      at = indent;
    } else if (at > indent) {
      fputc(' ', out);
      at++;
    }
    fwrite(text, 1, (size_t)word, out);
    at += word;
    text += word;
    if (*text == '\n') {
      fprintf(out, "\n%*s", indent, "");
      at = indent;
    }
    if (*text)
      text++;
  }
  fputc('\n', out);
}

static void print_option(FILE *out, const char *left, const char *text)
{
  int n = fprintf(out, "%s", left);
  if (n > COLUMN - 2) {
    fputc('\n', out);
    n = 0;
  }
  fprintf(out, "%*s", COLUMN - n, "");
  rg_wrap(out, text, COLUMN, COLUMN);
}

static const char *metavar(const rg_field *f)
{
  switch (f->type) {
  case RG_INT:
    return " N";
  case RG_DOUBLE:
    return " X";
  case RG_TEXT:
    return strcmp(f->name, "output") == 0 ? " PATH" : " TEXT";
  case RG_CHOICE:
    return " NAME";
  case RG_BOOL:
    break;
  }
  return "";
}

char *rg_field_text(const rg_field *f)
{
  char *range = f->low >= f->high ? rg_strdup("")
                : f->high >= 1e6  ? rg_format("; at least %g", f->low)
                                  : rg_format("; %g to %g", f->low, f->high);
  bool shown = f->value && f->value[0] && !(f->type == RG_BOOL && f->value[0] == 'f');
  char *initial = shown ? rg_format("; default %s%s%s", f->value, f->unit ? " " : "",
                                    f->unit ? f->unit : "")
                        : rg_strdup("");
  char *choices = f->type == RG_CHOICE ? rg_format("; %s", f->choices) : rg_strdup("");
  char *facts = rg_format("%s%s%s", choices, range, initial);
  char *text = facts[0] ? rg_format("%s (%s)", f->help, facts + 2) : rg_strdup(f->help);
  rg_free(range);
  rg_free(initial);
  rg_free(choices);
  rg_free(facts);
  return text;
}

/* An option that is on unless --no-NAME turns it off. */
static bool is_on(const rg_field *f)
{
  return f->type == RG_BOOL && f->value && f->value[0] == 't';
}

/* "-o, --output PATH", "    --n-cells N"; owned by the caller. */
static char *spell_option(const rg_field *f)
{
  char *left =
      rg_format("  %s--%s%s%s", strcmp(f->name, "output") == 0 ? "-o, " : "    ",
                is_on(f) ? "no-" : "", f->name, metavar(f));
  for (char *p = left; *p; p++)
    if (*p == '_')
      *p = '-';
  return left;
}

void rg_help_field(FILE *out, const rg_field *f, const char *section)
{
  char *left = section ? rg_format("  %s%s%s%s", section, *section ? "." : "", f->name,
                                   metavar(f))
                       : spell_option(f);
  char *text = !section && is_on(f) ? rg_format("do not %s", f->help) : rg_field_text(f);
  print_option(out, left, text);
  rg_free(left);
  rg_free(text);
}

void rg_help_command(FILE *out, const rg_command *command)
{
  fprintf(out, "Usage: regatta %s %s%s[options]\n\n", command->name, command->arguments,
          command->arguments[0] ? " " : "");
  fprintf(out, "%c%s.\n\n", toupper((unsigned char)command->summary[0]),
          command->summary + 1);
  rg_wrap(out, command->help, 0, 0);
  fprintf(out, "\nOptions:\n");
  for (const rg_field *f = command->options; f && f->name; f++)
    rg_help_field(out, f, NULL);
  if (command->configurable) {
    print_option(out, "      --config FILE", "read the configuration from a YAML file");
    print_option(out, "      --set SECTION.KEY=VALUE",
                 "set one value of the configuration; may be repeated");
    print_option(out, "      --print-config",
                 "print the whole configuration with comments, and stop");
  }
  print_option(out, "      --log LEVEL",
               "what to log: error, warn, info (the default) or debug");
  print_option(out, "  -h, --help", "print this, and stop");
  if (command->example)
    fprintf(out, "\nExample:\n  %s\n", command->example);
}

void rg_help(FILE *out)
{
  fprintf(out,
          "Usage: regatta COMMAND [options]\n"
          "       mpirun -n RANKS regatta COMMAND [options]\n\n"
          "Joint representations of single cells measured in several modalities.\n\n"
          "Commands:\n");
  const rg_command *sorted[RG_MAX_COMMANDS];
  int n = rg_commands_sorted(sorted);
  for (int i = 0; i < n; i++) {
    int at = fprintf(out, "  %-12s ", sorted[i]->name);
    rg_wrap(out, sorted[i]->summary, at, 15);
  }
  fprintf(out,
          "\n  --version    versions of regatta and of its libraries\n"
          "  --help       this text; regatta COMMAND --help explains one command\n\n"
          "Exit codes:\n");
#define PRINT_CODE(name, code, text) fprintf(out, "  %-12d %s\n", code, text);
  RG_STATUS_LIST(PRINT_CODE)
#undef PRINT_CODE
}
