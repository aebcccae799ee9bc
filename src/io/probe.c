#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "annot_read.h"
#include "counts.h"
#include "disk.h"

#define FLAG "--probe-file"
#define RESULTS_FLAG "--probe-results"

enum {
  CPU_SECONDS = 5,    /* for opening; reading takes more: see time_for */
  WALL_SECONDS = 600, /* a slow file system is not a hostile file */
  MAX_ANSWER = 4096   /* one line */
};
#define MEMORY ((rlim_t)4 << 30) /* beyond the start, and twice the file */

static bool can_probe; /* this program answers to FLAG */

/* ---- the child ------------------------------------------------------------------- */

/* Addresses beyond those in use now. Sanitizers take terabytes of them: no limit then. */
static void limit_memory(rlim_t bytes)
{
#ifdef __SANITIZE_ADDRESS__
  (void)bytes;
#else
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file) {
    if (fscanf(file, "%ld", &pages) != 1)
      pages = 0;
    fclose(file);
  }
  rlim_t memory = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + bytes;
  setrlimit(RLIMIT_AS, &(struct rlimit){memory, memory});
#endif
}

/* A small file is read as a whole, and may be a thousand times larger when inflated; of a
 * large one the metadata and the first chunks. */
static rlim_t time_for(rlim_t bytes)
{
  rlim_t small = (rlim_t)16 << 20, whole = bytes < small ? bytes : small;
  return CPU_SECONDS + whole / ((rlim_t)256 << 10) + bytes / ((rlim_t)50 << 20);
}

static void set_limits(const char *path)
{
  struct stat info;
  rlim_t bytes = stat(path, &info) == 0 ? (rlim_t)info.st_size : 0;
  rlim_t seconds = time_for(bytes);
  limit_memory(MEMORY + 2 * bytes);
  setrlimit(RLIMIT_CPU, &(struct rlimit){seconds, seconds + 1});
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, 0});
}

/* Entries from both ends of a matrix by columns: all of a small file's. */
static rg_status touch_entries(const rg_file *file, const rg_matrix *matrix)
{
  if (matrix->layout != RG_BY_COLUMNS || matrix->nnz == 0)
    return RG_OK;
  int64_t n = matrix->nnz < file->probe_rows ? matrix->nnz : file->probe_rows;
  float *values = RG_NEW(float, n);
  int64_t *rows = RG_NEW(int64_t, n);
  rg_status status = RG_OK;
  RG_TRY(rg_h5_read_f32(&matrix->data, 0, n, values));
  RG_TRY(rg_h5_read_i64(&matrix->indices, 0, n, rows));
  RG_TRY(rg_h5_read_f32(&matrix->data, matrix->nnz - n, matrix->nnz, values));
  RG_TRY(rg_h5_read_i64(&matrix->indices, matrix->nnz - n, matrix->nnz, rows));
out:
  rg_free(values);
  rg_free(rows);
  return status;
}

/* Columns and embeddings: one that is bad is refused when it is asked for. */
static void touch_tables(rg_file *file)
{
  rg_strings columns = rg_file_columns(file), obsm = rg_file_obsm(file);
  for (int64_t i = 0; i < columns.n; i++) {
    rg_column column = {0};
    if (rg_read_column(file, rg_strings_at(&columns, i), &column) == RG_OK)
      rg_column_fini(&column);
  }
  for (int64_t i = 0; i < obsm.n; i++) {
    rg_mat mat = {0};
    if (rg_read_obsm(file, rg_strings_at(&obsm, i), &mat) == RG_OK)
      rg_mat_fini(&mat);
  }
  rg_strings_fini(&columns);
  rg_strings_fini(&obsm);
}

/* All that a command may read, or the first rows of it. */
static rg_status look(rg_file *file)
{
  rg_status status = RG_OK;
  for (int m = 0; m < file->n_sources; m++) {
    rg_csr csr;
    RG_TRY(touch_entries(file, file->sources[m].matrix));
    if (!file->sources[m].direct)
      continue;
    RG_TRY(rg_counts_direct(file, &file->sources[m], 0, rg_range_n(file->rows), &csr));
    rg_csr_fini(&csr);
  }
  touch_tables(file);
out:
  return status;
}

static rg_status look_at_data(char **argv)
{
  rg_open_options options = {.bare = true, /* who opens it refuses it */
                             .layer = *argv[3] ? argv[3] : NULL,
                             .genome = *argv[4] ? argv[4] : NULL};
  rg_file *file = NULL;
  rg_status status = rg_file_open(rg_comm_self(), argv[2], &options, true, &file);
  return status == RG_OK ? look(file) : status;
}

/* FLAG PATH LAYER GENOME, with an empty text for none; or RESULTS_FLAG PATH. */
int rg_probe_main(int argc, char **argv)
{
  can_probe = true;
  bool data = argc == 5 && strcmp(argv[1], FLAG) == 0;
  if (!data && !(argc == 3 && strcmp(argv[1], RESULTS_FLAG) == 0))
    return -1;
  set_limits(argv[2]);
  rg_log_start("error", 0);
  rg_status status = data ? look_at_data(argv) : rg_annot_look(argv[2]);
  if (status != RG_OK)
    printf("%s\n", rg_error_text());
  fflush(stdout);
  _exit(rg_exit_code(status)); /* what the library would do at exit is not wanted */
}

/* ---- the parent ------------------------------------------------------------------ */

/* Start the child with its stdout in *answer. */
static rg_status start(const char *path, char **argv, pid_t *pid, int *answer)
{
  int ends[2];
  if (pipe(ends) != 0)
    return rg_fail(RG_EFAIL, "%s: cannot be probed: %s", path, strerror(errno));
  char *environment[] = {"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", NULL, NULL};
  const char *libraries = getenv("LD_LIBRARY_PATH");
  char *search = libraries ? rg_format("LD_LIBRARY_PATH=%s", libraries) : NULL;
  environment[2] = search;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  int error = posix_spawn(pid, "/proc/self/exe", &actions, NULL, argv, environment);
  posix_spawn_file_actions_destroy(&actions);
  rg_free(search);
  close(ends[1]);
  *answer = ends[0];
  if (error != 0) {
    close(ends[0]);
    return rg_fail(RG_EFAIL, "%s: cannot be probed: %s", path, strerror(error));
  }
  return RG_OK;
}

/* The child's line, until it closes its end or the time is over. */
static bool listen_to(int answer, char text[MAX_ANSWER])
{
  double end = rg_now() + WALL_SECONDS;
  size_t n = 0;
  text[0] = '\0';
  for (;;) {
    struct pollfd poller = {.fd = answer, .events = POLLIN};
    int left = (int)(1000 * (end - rg_now()));
    int ready = left > 0 ? poll(&poller, 1, left) : 0;
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0)
      return false;
    char bytes[512];
    ssize_t got = read(answer, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    size_t room = MAX_ANSWER - 1 - n, take = (size_t)got < room ? (size_t)got : room;
    memcpy(text + n, bytes, take);
    n += take;
    text[n] = '\0';
  }
  text[strcspn(text, "\n")] = '\0';
  return true;
}

static rg_status verdict(const char *path, int state, const char *text)
{
  if (WIFSIGNALED(state) &&
      (WTERMSIG(state) == SIGXCPU || WTERMSIG(state) == SIGKILL))
    return rg_fail(RG_EINPUT,
                   "%s: looking at this file takes too much computing: damaged or "
                   "hostile file",
                   path);
  if (WIFSIGNALED(state))
    return rg_fail(RG_EINPUT,
                   "%s: the HDF5 library crashed while looking at this file "
                   "(signal %d): damaged or hostile file",
                   path, WTERMSIG(state));
  int code = WEXITSTATUS(state);
  if (code == 0)
    return RG_OK;
  if (code == rg_exit_code(RG_EUSAGE))
    return rg_fail(RG_EUSAGE, "%s", text);
  if (*text)
    return rg_fail(RG_EINPUT, "%s", text);
  return rg_fail(RG_EINPUT,
                 "%s: looking at this file took more than 4 GiB of memory: "
                 "damaged or hostile file",
                 path);
}

static rg_status probe_here(const char *path, char **argv)
{
  pid_t pid;
  int answer = -1, state;
  char text[MAX_ANSWER];
  rg_status status = start(path, argv, &pid, &answer);
  if (status != RG_OK)
    return status;
  bool ended = listen_to(answer, text);
  close(answer);
  if (!ended)
    kill(pid, SIGKILL);
  while (waitpid(pid, &state, 0) < 0)
    if (errno != EINTR)
      return rg_fail(RG_EFAIL, "%s: cannot be probed: %s", path, strerror(errno));
  if (!ended)
    return rg_fail(RG_EINPUT, "%s: looking at this file did not end in %d s", path,
                   WALL_SECONDS);
  return verdict(path, state, text);
}

/* Collective. */
static rg_status probe(rg_comm *comm, const char *path, char **argv)
{
  if (!rg_any(comm, can_probe && rg_rank(comm) == 0))
    return RG_OK;
  rg_status status = rg_rank(comm) == 0 ? probe_here(path, argv) : RG_OK;
  return rg_disk_from_root(comm, status);
}

rg_status rg_probe(rg_comm *comm, const char *path, const rg_open_options *options)
{
  const char *layer = options && options->layer ? options->layer : "";
  const char *genome = options && options->genome ? options->genome : "";
  char *argv[] = {"regatta", FLAG, (char *)path, (char *)layer, (char *)genome, NULL};
  return probe(comm, path, argv);
}

rg_status rg_probe_results(rg_comm *comm, const char *path)
{
  char *argv[] = {"regatta", RESULTS_FLAG, (char *)path, NULL};
  return probe(comm, path, argv);
}
