/* RUN/commands.jsonl: which command lines made a run folder, where and by which program. */
#include "build.h"
#include "work.h"

#include "regatta/io.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The lines of the machine, joined by semicolons, on rank 0; owned by free. Collective. */
static char *machine_of(rg_comm *comm)
{
  char *text = NULL;
  size_t n = 0;
  FILE *out = open_memstream(&text, &n);
  RG_ASSERT(out);
  rg_comm_machine(comm, out);
  fclose(out);
  if (n > 0 && text[n - 1] == '\n')
    text[n - 1] = '\0';
  for (char *at = text; *at; at++)
    *at = *at == '\n' ? ';' : *at;
  return text;
}

static rg_json *entry_of(const rg_call *call, const char *machine)
{
  char now[32];
  time_t seconds = time(NULL);
  struct tm utc;
  gmtime_r(&seconds, &utc);
  strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &utc);
  rg_json *json = rg_json_new();
  rg_json_open(json, NULL, '{');
  rg_json_text(json, "command", call->line);
  rg_json_text(json, "input", call->arguments[0]);
  rg_json_text(json, "started", now);
  rg_json_text(json, "version", PACKAGE_VERSION " (" RG_COMMIT ")");
  rg_json_text(json, "compiler", RG_COMPILER);
  rg_json_text(json, "HDF5", rg_hdf5_version());
  rg_json_text(json, "machine", machine);
  rg_json_close(json);
  return json;
}

/* What is in a file, "" when it is not there; owned by free. */
static char *text_of(const char *path)
{
  char *text = NULL;
  size_t room = 0;
  FILE *file = fopen(path, "r");
  if (!file || getdelim(&text, &room, '\0', file) < 0) {
    free(text);
    text = strdup("");
  }
  if (file)
    fclose(file);
  return text;
}

rg_status rg_work_history(const rg_call *call, const char *run, bool goes_on)
{
  char *path = rg_format("%s/commands.jsonl", run);
  char *machine = machine_of(call->comm), *before = text_of(goes_on ? path : "");
  rg_json *entry = entry_of(call, machine);
  char *text = rg_format("%s%s\n", before, rg_json_string(entry));
  rg_status status = rg_write_text(call->comm, path, text);
  rg_free(text);
  rg_json_free(entry);
  free(before);
  free(machine);
  rg_free(path);
  return status;
}
