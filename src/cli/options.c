/* Options of a command line, from the command's table of fields. */

#include "options.h"

#include <string.h>

/* Options that every command has; the flags among them take no value. */
typedef enum common { NONE, HELP, LOG, CONFIG, SET, PRINT_CONFIG } common;

static const struct {
  const char *name;
  common id;
  bool configurable;
} commons[] = {
    {"help", HELP, false},
    {"log", LOG, false},
    {"config", CONFIG, true},
    {"set", SET, true},
    {"print-config", PRINT_CONFIG, true},
};
enum { N_COMMONS = sizeof commons / sizeof commons[0], MAX_NAME = 64 };

/* Where the parser stands. */
typedef struct cursor {
  const rg_command *command;
  int argc;
  char *const *argv;
  int at;
} cursor;

static common find_common(const rg_command *command, const char *name)
{
  for (int i = 0; i < N_COMMONS; i++)
    if (strcmp(commons[i].name, name) == 0 &&
        (command->configurable || !commons[i].configurable))
      return commons[i].id;
  return NONE;
}

/* Compare an option's name with a field's: '-' on the command line is '_' there. */
static bool same_name(const char *field, const char *option)
{
  for (; *field && *option; field++, option++)
    if (*field != *option && !(*field == '_' && *option == '-'))
      return false;
  return *field == *option;
}

static const rg_field *find_field(const rg_command *command, const char *name)
{
  for (const rg_field *f = command->options; f && f->name; f++)
    if (same_name(f->name, name))
      return f;
  return NULL;
}

static rg_status unknown_option(const rg_command *command, const char *name)
{
  const char *names[128];
  char spelt[128][MAX_NAME];
  int n = 0;
  for (const rg_field *f = command->options; f && f->name && n < 100; f++) {
    int j = 0;
    for (; f->name[j] && j < MAX_NAME - 1; j++)
      spelt[n][j] = f->name[j] == '_' ? '-' : f->name[j];
    spelt[n][j] = '\0';
    names[n] = spelt[n];
    n++;
  }
  for (int i = 0; i < N_COMMONS; i++)
    if (command->configurable || !commons[i].configurable)
      names[n++] = commons[i].name;
  const char *nearest = rg_nearest(name, names, n);
  if (nearest)
    return rg_fail(RG_EUSAGE, "%s: unknown option --%s; did you mean --%s?",
                   command->name, name, nearest);
  return rg_fail(RG_EUSAGE, "%s: unknown option --%s; see regatta %s --help",
                 command->name, name, command->name);
}

/* The value of the option at the cursor: behind its '=' or the next word. */
static rg_status take_value(cursor *c, const char *name, const char *inlined,
                            const char **value)
{
  if (!inlined && c->at + 1 >= c->argc)
    return rg_fail(RG_EUSAGE, "%s: --%s needs a value; see regatta %s --help",
                   c->command->name, name, c->command->name);
  *value = inlined ? inlined : c->argv[++c->at];
  return RG_OK;
}

static rg_status set_field(cursor *c, const rg_field *field, const char *name,
                           const char *inlined, rg_parsed *parsed)
{
  const char *value = "true";
  if (field->type != RG_BOOL) {
    rg_status status = take_value(c, name, inlined, &value);
    if (status != RG_OK)
      return status;
  } else if (inlined) {
    value = inlined;
  }
  return rg_fields_set(c->command->options, parsed->options, field->name, value,
                       c->command->name);
}

static rg_status set_common(cursor *c, common id, const char *name, const char *inlined,
                            rg_parsed *parsed)
{
  if (id == HELP || id == PRINT_CONFIG) {
    if (inlined)
      return rg_fail(RG_EUSAGE, "%s: --%s takes no value", c->command->name, name);
    parsed->help |= id == HELP;
    parsed->call.print_config |= id == PRINT_CONFIG;
    return RG_OK;
  }
  const char *value = NULL;
  rg_status status = take_value(c, name, inlined, &value);
  if (status != RG_OK)
    return status;
  if (id == LOG) {
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    parsed->log = value;
    for (int i = 0; i < 4; i++)
      if (strcmp(levels[i], value) == 0)
        return RG_OK;
    return rg_fail(RG_EUSAGE, "%s: --log %s: one of error, warn, info, debug is needed",
                   c->command->name, value);
  }
  if (id == CONFIG)
    parsed->call.config = value;
  else
    parsed->assignments[parsed->call.n_assignments++] = (char *)value;
  return RG_OK;
}

/* One long option without its dashes. */
static rg_status long_option(cursor *c, const char *word, rg_parsed *parsed)
{
  const char *equals = strchr(word, '=');
  size_t length = equals ? (size_t)(equals - word) : strlen(word);
  if (length >= MAX_NAME)
    return rg_fail(RG_EUSAGE, "%s: unknown option --%.40s...; see regatta %s --help",
                   c->command->name, word, c->command->name);
  char name[MAX_NAME];
  memcpy(name, word, length);
  name[length] = '\0';
  const char *inlined = equals ? equals + 1 : NULL;
  common id = find_common(c->command, name);
  if (id != NONE)
    return set_common(c, id, name, inlined, parsed);
  const rg_field *field = find_field(c->command, name);
  if (field)
    return set_field(c, field, name, inlined, parsed);
  if (strncmp(name, "no-", 3) == 0 && !inlined) {
    field = find_field(c->command, name + 3);
    if (field && field->type == RG_BOOL)
      return set_field(c, field, name, "false", parsed);
  }
  return unknown_option(c->command, name);
}

/* One short option: -h, or -o for the option named "output". */
static rg_status short_option(cursor *c, const char *word, rg_parsed *parsed)
{
  if (strcmp(word, "-h") == 0)
    return set_common(c, HELP, "help", NULL, parsed);
  const rg_field *output = find_field(c->command, "output");
  if (word[1] == 'o' && output)
    return set_field(c, output, "output", word[2] ? word + 2 : NULL, parsed);
  return rg_fail(RG_EUSAGE, "%s: unknown option %s; see regatta %s --help",
                 c->command->name, word, c->command->name);
}

const char *rg_options_output(const rg_command *command, const rg_parsed *parsed)
{
  const rg_field *field = find_field(command, "output");
  const char *output = NULL;
  if (field)
    memcpy(&output, (const char *)parsed->options + field->offset, sizeof output);
  return output;
}

/* What stands in the usage line outside brackets is required. */
static rg_status check_required(const rg_command *command, const rg_parsed *parsed)
{
  int n = parsed->call.n_arguments;
  if (n < command->min_arguments)
    return rg_fail(RG_EUSAGE, "%s: %s; usage: regatta %s %s", command->name,
                   n == 0 ? "its argument is missing" : "too few arguments",
                   command->name, command->arguments);
  if (n > command->max_arguments)
    return rg_fail(RG_EUSAGE, "%s: '%s' is one argument too many; usage: regatta %s %s",
                   command->name, parsed->arguments[command->max_arguments],
                   command->name, command->arguments);
  const char *o = strstr(command->arguments, "-o ");
  if (!o || !find_field(command, "output") || (o > command->arguments && o[-1] == '['))
    return RG_OK;
  const char *output = rg_options_output(command, parsed);
  if (!output || !*output)
    return rg_fail(RG_EUSAGE, "%s: the output is missing; usage: regatta %s %s",
                   command->name, command->name, command->arguments);
  return RG_OK;
}

static rg_status parse_words(cursor *c, rg_parsed *parsed)
{
  bool options_end = false;
  for (; c->at < c->argc; c->at++) {
    const char *word = c->argv[c->at];
    rg_status status = RG_OK;
    if (options_end || word[0] != '-' || word[1] == '\0')
      parsed->arguments[parsed->call.n_arguments++] = (char *)word;
    else if (strcmp(word, "--") == 0)
      options_end = true;
    else if (word[1] == '-')
      status = long_option(c, word + 2, parsed);
    else
      status = short_option(c, word, parsed);
    if (status != RG_OK || parsed->help)
      return status;
  }
  return RG_OK;
}

rg_status rg_options_parse(const rg_command *command, int argc, char *const *argv,
                           rg_parsed *parsed)
{
  *parsed = (rg_parsed){
      .options = rg_alloc((int64_t)command->options_size, 1),
      .arguments = RG_NEW(char *, argc + 1),
                          .assignments = RG_NEW(char *, argc + 1),
                          };
  parsed->call.options = parsed->options;
  parsed->call.arguments = parsed->arguments;
  parsed->call.assignments = parsed->assignments;
  if (command->options)
    rg_fields_default(command->options, parsed->options);
  cursor c = {command, argc, argv, 0};
  rg_status status = parse_words(&c, parsed);
  if (status != RG_OK || parsed->help || parsed->call.print_config)
    return status;
  return check_required(command, parsed);
}

void rg_parsed_fini(const rg_command *command, rg_parsed *parsed)
{
  if (command->options && parsed->options)
    rg_fields_fini(command->options, parsed->options);
  rg_free(parsed->options);
  rg_free(parsed->arguments);
  rg_free(parsed->assignments);
  *parsed = (rg_parsed){0};
}
