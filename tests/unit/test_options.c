/* cli: options of a command line. */
#include "src/cli/options.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  int64_t cells;
  double rate;
  bool fast, keep;
  char *output, *mode;
} options;

static const rg_field fields[] = {
    {"output", RG_TEXT, offsetof(options, output), NULL, 0, 0, NULL, NULL, "file"},
    {"n_cells", RG_INT, offsetof(options, cells), "10", 1, 100, NULL, "cells", "cells"},
    {"rate", RG_DOUBLE, offsetof(options, rate), "0.5", 0, 1, NULL, NULL, "a rate"},
    {"fast", RG_BOOL, offsetof(options, fast), "false", 0, 0, NULL, NULL, "be fast"},
    {"keep", RG_BOOL, offsetof(options, keep), "true", 0, 0, NULL, NULL, "keep it"},
    {"mode", RG_CHOICE, offsetof(options, mode), "a", 0, 0, "a|b", NULL, "a mode"},
    {0}};

static rg_command command = {
    .name = "try",
    .arguments = "FILE [MORE] -o OUT",
    .summary = "try options",
    .help = "Tries options.",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 1,
    .max_arguments = 2,
    .configurable = true,
};

static rg_parsed parsed;
static const options *o;

/* Parse a command line written with blanks. */
static rg_status parse(const char *line)
{
  static char words[400];
  static char *argv[40];
  int argc = 0;
  rg_parsed_fini(&command, &parsed);
  snprintf(words, sizeof words, "%s", line);
  for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
    argv[argc++] = word;
  rg_status status = rg_options_parse(&command, argc, argv, &parsed);
  o = parsed.options;
  return status;
}

Test(options, defaults_stand_where_nothing_is_said)
{
  cr_assert_eq(parse("file -o out"), RG_OK);
  cr_assert_eq(o->cells, 10);
  cr_assert_eq(o->rate, 0.5);
  cr_assert(!o->fast && o->keep);
  cr_assert_str_eq(o->mode, "a");
  cr_assert_str_eq(o->output, "out");
  cr_assert_eq(parsed.call.n_arguments, 1);
  cr_assert_str_eq(parsed.call.arguments[0], "file");
  cr_assert(!parsed.help && !parsed.log && !parsed.call.config);
}

Test(options, values_follow_or_stand_behind_the_sign)
{
  cr_assert_eq(parse("--n-cells 7 file --rate=0.25 --mode=b --output=x"), RG_OK);
  cr_assert_eq(o->cells, 7);
  cr_assert_eq(o->rate, 0.25);
  cr_assert_str_eq(o->mode, "b");
  cr_assert_str_eq(o->output, "x");
  cr_assert_eq(parse("file -oy --n_cells 8"), RG_OK);
  cr_assert_eq(o->cells, 8);
  cr_assert_str_eq(o->output, "y");
}

Test(options, flags_take_no_word)
{
  cr_assert_eq(parse("--fast file --no-keep -o x"), RG_OK);
  cr_assert(o->fast && !o->keep);
  cr_assert_str_eq(parsed.call.arguments[0], "file");
  cr_assert_eq(parse("--fast=false --keep=true file -o x"), RG_OK);
  cr_assert(!o->fast && o->keep);
}

Test(options, the_last_one_counts)
{
  cr_assert_eq(parse("file -o x --n-cells 1 --n-cells 2 --fast --no-fast"), RG_OK);
  cr_assert_eq(o->cells, 2);
  cr_assert(!o->fast);
}

Test(options, two_dashes_end_the_options)
{
  cr_assert_eq(parse("-o x -- --fast -"), RG_OK);
  cr_assert_eq(parsed.call.n_arguments, 2);
  cr_assert_str_eq(parsed.call.arguments[0], "--fast");
  cr_assert_str_eq(parsed.call.arguments[1], "-");
}

Test(options, configuration_keeps_its_order)
{
  cr_assert_eq(parse("file -o x --set a.b=1 --config c.yaml --set a.b=2"), RG_OK);
  cr_assert_str_eq(parsed.call.config, "c.yaml");
  cr_assert_eq(parsed.call.n_assignments, 2);
  cr_assert_str_eq(parsed.call.assignments[0], "a.b=1");
  cr_assert_str_eq(parsed.call.assignments[1], "a.b=2");
}

Test(options, help_and_print_config_need_nothing_else)
{
  cr_assert_eq(parse("--help"), RG_OK);
  cr_assert(parsed.help);
  cr_assert_eq(parse("-h"), RG_OK);
  cr_assert(parsed.help);
  cr_assert_eq(parse("--print-config"), RG_OK);
  cr_assert(parsed.call.print_config);
}

static void refused(const char *line, const char *part)
{
  cr_assert_eq(parse(line), RG_EUSAGE, "accepted: %s", line);
  cr_assert(strstr(rg_error_text(), part), "'%s' says '%s', not '%s'", line,
            rg_error_text(), part);
}

Test(hostile, unknown_options_name_the_nearest)
{
  refused("file -o x --n-cell 3", "did you mean --n-cells?");
  refused("file -o x --no-kep", "unknown option --no-kep");
  refused("file -o x --no-rate", "unknown option --no-rate");
  refused("file -o x -x", "unknown option -x");
}

Test(hostile, values_are_checked)
{
  refused("file -o x --n-cells 0", "n_cells");
  refused("file -o x --n-cells many", "n_cells");
  refused("file -o x --rate 2", "rate");
  refused("file -o x --mode c", "mode");
  refused("file -o x --fast=maybe", "fast");
  refused("file -o x --log loud", "error, warn, info, debug");
  refused("file -o x --rate", "needs a value");
  refused("file -o", "needs a value");
  refused("file -o x --help=1", "takes no value");
}

Test(hostile, what_is_required_is_asked_for)
{
  refused("-o x", "argument is missing");
  refused("file", "output is missing");
  refused("a b c -o x", "'c' is one argument too many");
}

Test(hostile, names_of_any_length)
{
  char line[300] = "file -o x --";
  memset(line + strlen(line), 'a', 250);
  refused(line, "unknown option");
}

Test(options, without_configuration_there_is_no_set)
{
  command.configurable = false;
  refused("file -o x --set a.b=1", "unknown option --set");
  refused("file -o x --config c.yaml", "unknown option --config");
}

Test(options, an_output_in_brackets_may_be_left_out)
{
  command.arguments = "FILE [-o OUT]";
  cr_assert_eq(parse("file"), RG_OK);
  cr_assert_null(o->output);
}

Test(command_line, is_read_back_by_a_shell)
{
  char *argv[] = {"regatta", "run", "my file", "it's", "", "a=b", "$x", "x.h5mu/rna"};
  char *line = rg_command_line(8, argv);
  cr_assert_str_eq(line, "regatta run 'my file' 'it'\\''s' '' a=b '$x' x.h5mu/rna");
  rg_free(line);
}

Test(help, shows_every_option)
{
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  rg_help_command(out, &command);
  fclose(out);
  static const char *const parts[] = {"Usage: regatta try FILE",
                                      "-o, --output PATH",
                                      "--n-cells N",
                                      "default 10 cells",
                                      "1 to 100",
                                      "--no-keep",
                                      "--fast",
                                      "a|b",
                                      "--set SECTION.KEY=VALUE",
                                      "--help"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    cr_assert(strstr(text, parts[i]), "help lacks %s", parts[i]);
  for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
    cr_assert(strcspn(line, "\n") <= 88);
  free(text);
}

Test(must_fail, a_wrong_default)
{
  cr_assert_eq(parse("file -o out"), RG_OK);
  cr_assert_eq(o->cells, 11);
}
