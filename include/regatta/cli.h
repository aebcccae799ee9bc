/** cli: commands as records. A command is one file src/cli/cmd_NAME.c that exports
 *  rg_cmd_NAME: options as a table of rg_field, arguments, help, and a run function.
 *  main dispatches over the generated table; --help, man pages, bash completion and the
 *  option reference come from the records. */
#ifndef REGATTA_CLI_H
#define REGATTA_CLI_H

#include "regatta/comm.h"

/** What a command's run function gets. */
typedef struct rg_call {
  rg_comm *comm;
  int n_arguments;        /* positional arguments */
  char *const *arguments;
  int n_assignments;      /* --set section.key=value, in order */
  char *const *assignments;
  const char *config;     /* --config FILE or NULL */
  bool print_config;      /* --print-config: print the configuration and return; the
                             arguments are unchecked then */
  const void *options;    /* the command's options struct, filled */
  const char *line;       /* the whole command line, for provenance */
  bool inside;            /* called by another command, which goes on after it */
} rg_call;

typedef struct rg_command {
  const char *name;
  const char *arguments;   /* "FILE -o RUN" for the usage line: positional part "FILE";
                              an -o outside brackets makes "output" required */
  const char *summary;     /* one line, no full stop */
  const char *help;        /* a paragraph: what it reads, assumes and writes */
  const char *example;     /* one line that works */
  const rg_field *options; /* first letter option: name "output" has -o; see
                              cli/options.c */
  size_t options_size;
  int min_arguments, max_arguments;
  bool light;              /* computes little: where it runs does not matter */
  bool configurable;       /* takes --config, --set, --print-config */
  int order;               /* place in the list of commands */
  /** Collective. */
  rg_status (*run)(const rg_call *call);
} rg_command;

extern const rg_command *const rg_commands[]; /* generated; NULL-terminated */

/** Show the pace of long work (base.h) on stderr of rank 0: a bar on a terminal, else a
 *  line every few seconds, later every minute, with percentage, rate and the time that is
 *  left. Not collective. */
void rg_progress_show(rg_comm *comm);
/** "results: PATH" as the last line on stdout of rank 0. Not collective. */
void rg_say_result(rg_comm *comm, const char *path);
/** Say nothing of this path, borrowed, until called again (NULL: say all): a command that
 *  calls others names what all of them write once, at the end. Not collective. */
void rg_say_result_later(const char *path);
/** printf to stdout on rank 0. Not collective. */
void rg_say(rg_comm *comm, const char *format, ...) RG_PRINTF(2, 3);

#endif
