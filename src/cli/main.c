/* The program: start the ranks, find the command, run it, and tell of failure once. */

#include "build.h"

#include "options.h"

#include "regatta/io.h"

#include <stdlib.h>
#include <string.h>

static void print_version(rg_comm *comm)
{
  rg_say(comm, "regatta %s\ncommit    %s\ncompiler  %s\nflags     %s\nHDF5      %s\n",
         PACKAGE_VERSION, RG_COMMIT, RG_COMPILER, RG_BUILD_FLAGS, rg_hdf5_version());
  rg_comm_banner(comm, stdout);
  fflush(stdout);
}

/* An output that is one of the inputs would take its place. */
static rg_status check_apart(const rg_command *command, const rg_parsed *parsed)
{
  const char *output = rg_options_output(command, parsed);
  for (int i = 0; output && i < parsed->call.n_arguments; i++)
    if (rg_same_file(parsed->arguments[i], output))
      return rg_fail(RG_EUSAGE, "%s: is the input, which is never modified; choose "
                                "another name for the output",
                     output);
  return RG_OK;
}

static rg_status run_command(rg_comm *comm, const rg_command *command, int argc,
                             char **argv)
{
  rg_status status = RG_OK;
  char *line = rg_command_line(argc, argv);
  rg_parsed parsed;
  RG_TRY_ALL(comm, rg_options_parse(command, argc - 2, argv + 2, &parsed));
  if (parsed.log)
    rg_log_start(parsed.log, rg_rank(comm));
  if (parsed.help) {
    if (rg_rank(comm) == 0)
      rg_help_command(stdout, command);
  } else {
    parsed.call.comm = comm;
    parsed.call.line = line;
    RG_TRY_ALL(comm, check_apart(command, &parsed));
    if (!command->light && !parsed.call.print_config)
      rg_comm_start_line(comm);
    RG_TRY_ALL(comm, command->run(&parsed.call));
  }

out:
  rg_parsed_fini(command, &parsed);
  rg_free(line);
  return status;
}

static rg_status dispatch(rg_comm *comm, int argc, char **argv)
{
  if (argc < 2)
    return rg_fail(RG_EUSAGE, "no command given; see regatta --help");
  const char *name = argv[1];
  if (strcmp(name, "--version") == 0) {
    print_version(comm);
    return RG_OK;
  }
  bool help = strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 ||
              strcmp(name, "-h") == 0;
  const rg_command *command = NULL;
  if (help && argc < 3) {
    if (rg_rank(comm) == 0)
      rg_help(stdout);
    return RG_OK;
  }
  rg_status status = rg_command_find(help ? argv[2] : name, &command);
  if (status != RG_OK)
    return status;
  if (!help)
    return run_command(comm, command, argc, argv);
  if (rg_rank(comm) == 0)
    rg_help_command(stdout, command);
  return RG_OK;
}

/* Help and lists of a process that is alone: no ranks have to be started for them, which
   some login nodes forbid. */
static bool only_tells(int argc, char **argv)
{
  bool help =
      argc > 1 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "list") == 0);
  for (int i = 1; i < argc; i++)
    help = help || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
  return help && !rg_comm_launched();
}

int main(int argc, char **argv)
{
  if (!rg_processor_fits())
    return rg_exit_code(RG_EFAIL);
  int probed = rg_probe_main(argc, argv);
  if (probed >= 0)
    return probed;
  rg_comm *comm =
      only_tells(argc, argv) ? rg_comm_self() : rg_comm_start(&argc, &argv);
  rg_log_start(NULL, rg_rank(comm));
  rg_progress_show(comm);
  rg_status status = rg_agree(comm, dispatch(comm, argc, argv));
  if (status == RG_ESTOPPED && rg_rank(comm) == 0)
    rg_log(RG_LOG_WARN, "%s", rg_error_text());
  else if (status != RG_OK && rg_rank(comm) == 0)
    rg_log(RG_LOG_ERROR, "%s", rg_error_text());
  rg_comm_exit(rg_exit_code(status));
}
