/* regatta bench: how fast this machine does the work; one JSON line per measurement. */

#include "bench.h"

#include "regatta/kernels.h"

#include "src/cli/commit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const rg_field fields[] = {
    {"cells", RG_INT, offsetof(rg_bench_options, cells), "4000", 1, 1e9, NULL, "cells",
     "of the data set (train, graph, svd)"},
    {"features", RG_INT, offsetof(rg_bench_options, features), "100000", 1, 1e8, NULL,
     "features", "of the wide layers"},
    {"blocks", RG_INT, offsetof(rg_bench_options, blocks), "22", 1, 1e5, NULL, "blocks",
     "that the features are cut into"},
    {"batch", RG_INT, offsetof(rg_bench_options, batch), "200", 1, 1e6, NULL, "cells",
     "per step"},
    {"lanes", RG_INT, offsetof(rg_bench_options, lanes), "4", 1, 1e4, NULL, "lanes",
     "that a batch is cut into"},
    {"width", RG_INT, offsetof(rg_bench_options, width), "64", 1, 4096, NULL, "units",
     "at the inner side of the wide layers (wide)"},
    {"density", RG_DOUBLE, offsetof(rg_bench_options, density), "0.031", 1e-6, 1, NULL,
     NULL, "share of the features that a cell has"},
    {"steps", RG_INT, offsetof(rg_bench_options, steps), "30", 1, 1e6, NULL, "steps",
     "that are timed, after three that are not"},
    {"recipe", RG_TEXT, offsetof(rg_bench_options, recipe), "sailerx", 0, 0, NULL, NULL,
     "what is trained (train)"},
    {"seed", RG_INT, offsetof(rg_bench_options, seed), "1", 0, 1e15, NULL, NULL,
     "of the synthetic data"},
    {0}};

static const struct measurement {
  const char *name;
  rg_status (*run)(const rg_call *call);
} measurements[] = {{"machine", rg_bench_machine},
                    {"gemm", rg_bench_gemm},
                    {"special", rg_bench_special},
                    {"likelihoods", rg_bench_likelihoods},
                    {"wide", rg_bench_wide},
                    {"train", rg_bench_train},
                    {"graph", rg_bench_graph},
                    {"svd", rg_bench_svd}};
enum { MEASUREMENTS = sizeof measurements / sizeof measurements[0] };

/* ---- a line ---------------------------------------------------------------------- */

/* "model name" of the first processor, "unknown" where the system does not say */
static void processor_name(char *name, size_t n)
{
  char line[256];
  FILE *file = fopen("/proc/cpuinfo", "r");
  snprintf(name, n, "unknown");
  while (file && fgets(line, sizeof line, file)) {
    char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) == 0 && colon) {
      colon[strcspn(colon, "\n")] = '\0';
      snprintf(name, n, "%s", colon + 2);
      break;
    }
  }
  if (file)
    fclose(file);
}

static void say_where(rg_json *json, const rg_call *call)
{
  char text[256];
  rg_json_text(json, "commit", RG_COMMIT);
  if (gethostname(text, sizeof text) == 0) {
    text[sizeof text - 1] = '\0';
    rg_json_text(json, "host", text);
  }
  processor_name(text, sizeof text);
  rg_json_text(json, "cpu", text);
  rg_json_integer(json, "ranks", rg_size(call->comm));
  rg_json_integer(json, "threads", rg_threads());
  double load = 0.0;
  if (getloadavg(&load, 1) == 1)
    rg_json_number(json, "load", load);
}

static void say_sizes(rg_json *json, const rg_bench_options *options)
{
  rg_json_open(json, "sizes", '{');
  rg_json_integer(json, "cells", options->cells);
  rg_json_integer(json, "batch", options->batch);
  rg_json_integer(json, "lanes", options->lanes);
  rg_json_integer(json, "features", options->features);
  rg_json_integer(json, "blocks", options->blocks);
  rg_json_integer(json, "width", options->width);
  rg_json_number(json, "density", options->density);
  rg_json_close(json);
}

rg_bench_time rg_bench_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (rg_bench_time){rg_now(), (double)t.tv_sec + 1e-9 * (double)t.tv_nsec};
}

rg_bench_time rg_bench_since(rg_bench_time start)
{
  rg_bench_time now = rg_bench_now();
  return (rg_bench_time){now.wall - start.wall, now.cpu - start.cpu};
}

static int rising(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void say_rates(rg_json *json, const rg_bench_line *line, double wall, double cpu,
                      double sent)
{
  if (line->cells > 0) {
    rg_json_number(json, "cells_per_s", line->cells / wall);
    rg_json_number(json, "cells_per_cpu_s", line->cells / cpu);
  }
  if (line->flops > 0)
    rg_json_number(json, "gflop_per_s", line->flops / wall / 1e9);
  if (line->bytes > 0)
    rg_json_number(json, "gbyte_per_s", line->bytes / wall / 1e9);
  if (sent > 0)
    rg_json_number(json, "sent_byte", sent);
  rg_json_number(json, "peak_mbyte", (double)rg_memory_peak() / 1e6);
}

void rg_bench_say(const rg_call *call, const rg_bench_line *line)
{
  double *wall = RG_NEW(double, line->n), *cpu = RG_NEW(double, line->n);
  for (int i = 0; i < line->n; i++) {
    wall[i] = line->times[i].wall;
    cpu[i] = line->times[i].cpu;
  }
  double sent = line->sent;
  rg_max_f64(call->comm, &sent, 1);
  rg_max_f64(call->comm, wall, line->n);
  rg_sum_f64(call->comm, cpu, line->n);
  qsort(wall, (size_t)line->n, sizeof *wall, rising);
  qsort(cpu, (size_t)line->n, sizeof *cpu, rising);
  rg_json *json = rg_json_new();
  rg_json_open(json, NULL, '{');
  rg_json_text(json, "bench", line->name);
  say_where(json, call);
  say_sizes(json, call->options);
  rg_json_integer(json, "repeats", line->n);
  rg_json_number(json, "seconds", wall[line->n / 2]);
  rg_json_number(json, "seconds_least", wall[0]);
  rg_json_number(json, "seconds_most", wall[line->n - 1]);
  rg_json_number(json, "cpu_seconds", cpu[line->n / 2]);
  say_rates(json, line, wall[line->n / 2], cpu[line->n / 2], sent);
  rg_json_close(json);
  rg_say(call->comm, "%s\n", rg_json_string(json));
  rg_json_free(json);
  rg_free(wall);
  rg_free(cpu);
}

/* ---- synthetic data -------------------------------------------------------------- */

int64_t rg_bench_row(const rg_bench_options *options, int64_t cell, int64_t n,
                     int32_t *index)
{
  const rg_key key = {.seed = (uint64_t)options->seed, .purpose = RG_FOR_SIMULATE};
  if (options->density >= 1.0) {
    for (int64_t f = 0; f < n; f++)
      index[f] = (int32_t)f;
    return n;
  }
  double scale = 1.0 / log1p(-options->density);
  int64_t k = 0;
  for (int64_t f = -1, draw = 0;; draw++) { /* gaps are geometric */
    double gap = floor(log(rg_uniform(&key, (uint64_t)cell, (uint64_t)draw)) * scale);
    if (gap >= (double)(n - f - 1))
      return k;
    f += 1 + (int64_t)gap;
    index[k++] = (int32_t)f;
  }
}

rg_csr rg_bench_counts(const rg_bench_options *options, int64_t low, int64_t high)
{
  int32_t *row = RG_NEW(int32_t, options->features);
  int64_t room = 0, n = 0;
  int32_t *all = NULL;
  rg_csr counts = rg_csr_new(high - low, options->features, 0);
  for (int64_t cell = low; cell < high; cell++) {
    int64_t entries = rg_bench_row(options, cell, options->features, row);
    if (n + entries > room) {
      all = rg_realloc(all, n, 2 * (n + entries), sizeof *all);
      room = 2 * (n + entries);
    }
    memcpy(all + n, row, (size_t)entries * sizeof *all);
    n += entries;
    counts.indptr[cell - low + 1] = n;
  }
  rg_free(row);
  rg_free(counts.indices);
  rg_free(counts.values);
  counts.indices = all ? all : RG_NEW(int32_t, 0);
  counts.values = NULL;
  return counts;
}

/* ---- the command ----------------------------------------------------------------- */

static rg_status run(const rg_call *call)
{
  const char *names[MEASUREMENTS];
  const rg_bench_options *options = call->options;
  if (options->batch % options->lanes != 0)
    return rg_fail(RG_EUSAGE, "--batch %lld is no multiple of --lanes %lld",
                   (long long)options->batch, (long long)options->lanes);
  for (int i = 0; i < MEASUREMENTS; i++) {
    names[i] = measurements[i].name;
    if (strcmp(names[i], call->arguments[0]) == 0)
      return measurements[i].run(call);
  }
  const char *nearest = rg_nearest(call->arguments[0], names, MEASUREMENTS);
  return rg_fail(RG_EUSAGE, "no measurement '%s'; did you mean '%s'?",
                 call->arguments[0], nearest ? nearest : names[0]);
}

const rg_command rg_cmd_bench = {
    .name = "bench",
    .arguments = "machine|gemm|special|likelihoods|wide|train|graph|svd",
    .summary = "measure how fast this machine does the work",
    .help =
        "Prints one JSON line per measurement: commit, host, processor, ranks and "
        "threads, "
        "sizes, seconds (median, least and largest over the repeats), cells per "
        "second, "
        "GFLOP/s and peak memory. machine: arithmetic in registers and memory "
        "bandwidth. "
        "gemm: BLAS at the shapes of the layers. special: vector functions. likelihoods: "
        "those of dense counts with their gradients (--features 4000 --batch 128 is "
        "a usual size). wide: the "
        "sparse first layer and the wide output of a step, with their gradients and "
        "updates. train: whole training steps of a recipe on synthetic data, with "
        "batches; "
        "options of the recipe come by --set. graph: neighbours, clusters and layout "
        "of a "
        "synthetic embedding. svd: sparse products and 50 axes of counts. Threads are "
        "OMP_NUM_THREADS.",
    .example = "OMP_NUM_THREADS=2 regatta bench wide --batch 1024",
    .options = fields,
    .options_size = sizeof(rg_bench_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .configurable = true,
    .light = true,
    .order = 190,
    .run = run,
};
