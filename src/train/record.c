/* What happened, for people and programs: RUN/log.jsonl and RUN/metrics.csv. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct rg_record {
  FILE *log, *metrics; /* NULL on other ranks */
};

/* Keep the lines whose step is at most `step`: those after it will be written anew. */
static void drop_after(const char *path, int64_t step, const char *mark)
{
  FILE *in = fopen(path, "r");
  if (!in)
    return;
  char *temporary = rg_format("%s.tmp", path), *line = NULL;
  size_t capacity = 0;
  FILE *out = fopen(temporary, "w");
  while (out && getline(&line, &capacity, in) > 0) {
    const char *at = *mark ? strstr(line, mark) : line;
    char *end;
    long long value = at ? strtoll(at + strlen(mark), &end, 10) : -1;
    if (value <= step)
      fputs(line, out);
  }
  free(line);
  fclose(in);
  if (out && fclose(out) == 0)
    rename(temporary, path);
  rg_free(temporary);
}

static rg_status open_files(rg_record *record, const char *run, int64_t step)
{
  char *log = rg_format("%s/log.jsonl", run), *metrics = rg_format("%s/metrics.csv", run);
  if (step > 0) {
    drop_after(log, step, "\"step\":");
    drop_after(metrics, step, "");
  } else {
    remove(log);
    remove(metrics);
  }
  record->log = fopen(log, "a");
  record->metrics = fopen(metrics, "a");
  rg_status status = record->log && record->metrics
                         ? RG_OK
                         : rg_fail(RG_EFAIL, "%s: cannot be written", run);
  if (status == RG_OK && ftell(record->metrics) == 0)
    fprintf(record->metrics, "step,phase,epoch,rate,cells_per_second,term,value\n");
  rg_free(log);
  rg_free(metrics);
  return status;
}

rg_status rg_record_open(rg_session *session, const char *run, int64_t step,
                         rg_record **out)
{
  rg_status status = RG_OK;
  rg_record *record = RG_NEW(rg_record, 1);
  *out = record;
  if (rg_rank(session->comm) == 0)
    status = open_files(record, run, step);
  return rg_agree(session->comm, status);
}

static double mean_of(const rg_progress_state *state, int s, int i)
{
  return state->counts[s] > 0 ? state->sums[s * RG_TERMS + i] / state->counts[s] : 0;
}

static void log_line(rg_record *record, const rg_phase *phase,
                     const rg_progress_state *state, double rate, double cells_per_second)
{
  rg_json *json = rg_json_new();
  rg_json_open(json, NULL, '{');
  rg_json_integer(json, "step", state->step);
  rg_json_text(json, "phase", phase->name);
  rg_json_integer(json, "epoch", state->epoch);
  rg_json_number(json, "rate", rate);
  rg_json_number(json, "cells_per_second", cells_per_second);
  rg_json_open(json, "loss", '{');
  for (int s = 0; s < phase->n_steps; s++)
    for (int i = 0; i < phase->step[s].n_terms; i++)
      rg_json_number(json, phase->step[s].term[i].loss->name, mean_of(state, s, i));
  rg_json_close(json);
  if (state->watched.epochs > 0)
    rg_json_number(json, "validation", state->watched.value);
  rg_json_close(json);
  fprintf(record->log, "%s\n", rg_json_string(json));
  rg_json_free(json);
}

void rg_record_epoch(rg_record *record, const rg_session *session, const rg_phase *phase,
                     const rg_progress_state *state, double rate, double cells_per_second)
{
  (void)session;
  if (!record->log)
    return;
  log_line(record, phase, state, rate, cells_per_second);
  for (int s = 0; s < phase->n_steps; s++)
    for (int i = 0; i < phase->step[s].n_terms; i++)
      fprintf(record->metrics, "%lld,%s,%lld,%.9g,%.6g,%s,%.17g\n", (long long)state->step,
              phase->name, (long long)state->epoch, rate, cells_per_second,
              phase->step[s].term[i].loss->name, mean_of(state, s, i));
  if (state->watched.epochs > 0)
    fprintf(record->metrics, "%lld,%s,%lld,%.9g,%.6g,validation,%.17g\n",
            (long long)state->step, phase->name, (long long)state->epoch, rate,
            cells_per_second, state->watched.value);
  fflush(record->log);
  fflush(record->metrics);
}

void rg_record_close(rg_record *record)
{
  if (!record)
    return;
  if (record->log)
    fclose(record->log);
  if (record->metrics)
    fclose(record->metrics);
  rg_free(record);
}
