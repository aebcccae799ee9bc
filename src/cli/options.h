/** The command line of one command, parsed against its table of options. */
#ifndef RG_CLI_OPTIONS_H
#define RG_CLI_OPTIONS_H

#include "regatta/cli.h"

/** What a command line says. Owned: everything but the texts of argv. */
typedef struct rg_parsed {
  rg_call call;       /* comm is NULL; options, arguments, assignments filled */
  bool help;          /* --help was seen: the rest is unchecked */
  const char *log;    /* --log LEVEL or NULL */
  void *options;      /* what call.options points to */
  char **arguments;   /* what call.arguments points to */
  char **assignments; /* what call.assignments points to */
} rg_parsed;

/** Parse argv[0..argc) (what follows the command's name): `--name value`, `--name=value`,
 *  `--no-name`, `-o PATH`, and the options every command has. Nothing is printed. On
 *  failure `parsed` still has to be freed. RG_EUSAGE. Not collective. */
rg_status rg_options_parse(const rg_command *command, int argc, char *const *argv,
                           rg_parsed *parsed);
/** What -o says; NULL without it. Borrowed. Not collective. */
const char *rg_options_output(const rg_command *command, const rg_parsed *parsed);
void rg_parsed_fini(const rg_command *command, rg_parsed *parsed);

/** The command of that name; RG_EUSAGE with the nearest name when there is none. Not
 *  collective. */
rg_status rg_command_find(const char *name, const rg_command **command);

/** All commands by their place in the list; returns their number. Not collective. */
enum { RG_MAX_COMMANDS = 64 };
int rg_commands_sorted(const rg_command *sorted[RG_MAX_COMMANDS]);

/** The words of a command line joined so that a shell reads them back; owned by the
 *  caller. Not collective. */
char *rg_command_line(int argc, char *const *argv);

/** Print the help of the program, or of one command. Not collective. */
void rg_help(FILE *out);
void rg_help_command(FILE *out, const rg_command *command);

#endif
