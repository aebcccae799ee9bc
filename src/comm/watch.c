/* Ranks that wait for too long are told of while they wait: a rank or node that hangs
 * would be silent until the time limit of the job.
 *
 * Calls of MPI cannot be interrupted, so every rank has a thread that looks now and then;
 * it calls no MPI. The ranks of a host have a seat each in memory that they share: a
 * stopped process does not look any more, which its neighbours see. One rank of a host
 * speaks for all of them, the first that still looks, once for every time that they
 * wait. */
#include "private.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 600.0 /* seconds; RG_WATCH */
#define LOOKS 10       /* in that time */
#define LONGEST 15.0   /* seconds from look to look */
#define ADVICE "if that or its node hangs, cancel the job and go on with --resume"

/* What a rank tells its neighbours: seconds as rg_now, 0 for never; on lines of the cache
 * of their own. */
typedef struct seat {
  _Atomic double looked;  /* its thread, last */
  _Atomic double waiting; /* since */
  int rank;
  char gap[44];
} seat;

typedef enum manner { AT_WORK, WAITS, HANGS } manner;

static seat alone, *mine = &alone;
static seat *seats; /* of the host */
static int n_seats;
static manner *manners; /* of the ranks there, owned */
static MPI_Win window;
static double patience, step;
static double awake; /* when this process was known to run of late */
static double told;  /* since when they waited that have been told of; 0: nobody */
static char host[64];

static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended;
static bool ending;

double rg_watch_begin(void)
{
  double now = rg_now();
  atomic_store_explicit(&mine->waiting, now, memory_order_relaxed);
  return now;
}

void rg_watch_end(void)
{
  atomic_store_explicit(&mine->waiting, 0, memory_order_relaxed);
}

/* ---- looking --------------------------------------------------------------------- */

/* Times before this process was awake do not count: the whole job may have been stopped. */
static double since(double time)
{
  return fmax(time, awake);
}

static manner manner_of(const seat *s, double now, double *start)
{
  double looked = atomic_load_explicit(&s->looked, memory_order_relaxed);
  double waiting = atomic_load_explicit(&s->waiting, memory_order_relaxed);
  if (now - since(looked) > patience) {
    *start = looked;
    return HANGS;
  }
  if (waiting > 0 && now - since(waiting) > patience) {
    *start = waiting;
    return WAITS;
  }
  return AT_WORK;
}

/* The ranks of a manner as text, "0-3,6", as far as there is room; returns how many. */
static int list(manner wanted, char *text, int size)
{
  int n = 0, length = 0;
  for (int k = 0, end; k < n_seats; k = end) {
    end = k + 1;
    if (manners[k] != wanted)
      continue;
    while (end < n_seats && manners[end] == wanted &&
           seats[end].rank == seats[end - 1].rank + 1)
      end++;
    n += end - k;
    if (length > size - 32)
      continue;
    length += sprintf(text + length, "%s%d", length > 0 ? "," : "", seats[k].rank);
    if (end - k > 1)
      length += sprintf(text + length, "-%d", seats[end - 1].rank);
    if (length > size - 32)
      length += sprintf(text + length, ",...");
  }
  return n;
}

static void tell(double seconds)
{
  enum { ROOM = 160, LINE = 512 };
  char list_of[3][ROOM], whom[LINE] = "ranks of other hosts";
  int n[3], hangs, works;
  for (manner m = AT_WORK; m <= HANGS; m++)
    n[m] = list(m, list_of[m], ROOM);
  hangs = n[HANGS], works = n[AT_WORK];
  const char *phase = rg_timer_here(), *before = phase ? ", phase " : "";
  if (hangs + works > 0)
    snprintf(whom, LINE, "rank%s %s here, which %s",
             (hangs ? hangs : works) == 1 ? "" : "s", list_of[hangs ? HANGS : AT_WORK],
             hangs == 1   ? "does not run"
             : hangs      ? "do not run"
             : works == 1 ? "is at work"
                          : "are at work");
  if (n[WAITS] > 0)
    rg_warn("%s%s%s: rank%s %s ha%s waited %.0f s for %s; " ADVICE, host, before,
            phase ? phase : "", n[WAITS] == 1 ? "" : "s", list_of[WAITS],
            n[WAITS] == 1 ? "s" : "ve", seconds, whom);
  else
    rg_warn("%s: for %.0f s there is %s; " ADVICE, host, seconds, whom);
}

/* One rank speaks: the first that runs. */
static void judge(double now)
{
  double first = now, start = now;
  int speaker = -1, trouble = 0;
  for (int k = 0; k < n_seats; k++) {
    manners[k] = manner_of(&seats[k], now, &start);
    bool hangs_long = manners[k] == HANGS && now - since(start) > patience + 2 * step;
    if (manners[k] == WAITS || hangs_long) {
      first = fmin(first, start);
      trouble++;
    }
    if (manners[k] != HANGS && speaker < 0)
      speaker = k;
  }
  if (speaker < 0 || &seats[speaker] != mine) {
    trouble = 0;
    told = 0;
  } else if (trouble && told == 0) {
    tell(now - first);
    told = first;
  }
  if (!trouble && told > 0) {
    rg_warn("%s: the ranks go on, after %.0f s", host, now - told);
    told = 0;
  }
}

static void look(void)
{
  double now = rg_now(), before = atomic_load(&mine->looked);
  if (now - before > 3 * step + 1)
    awake = now; /* it was this process that stood still */
  atomic_store_explicit(&mine->looked, now, memory_order_relaxed);
  judge(now);
}

static void *watch(void *nothing)
{
  struct timespec next;
  pthread_mutex_lock(&lock);
  while (!ending) {
    clock_gettime(CLOCK_MONOTONIC, &next);
    double at = (double)next.tv_sec + 1e-9 * (double)next.tv_nsec + step;
    next.tv_sec = (time_t)at;
    next.tv_nsec = (long)(1e9 * (at - floor(at)));
    pthread_cond_timedwait(&ended, &lock, &next);
    if (!ending)
      look();
  }
  pthread_mutex_unlock(&lock);
  return nothing;
}

/* ---- start and stop -------------------------------------------------------------- */

/* Rank 0 says for how long ranks may wait; 0: for ever. Collective. */
static double agree_on_patience(rg_comm *comm)
{
  double seconds = PATIENCE;
  const char *text = getenv("RG_WATCH");
  if (comm->rank == 0 && text && *text) {
    char *end;
    seconds = strtod(text, &end);
    if (*end || !(seconds >= 0 && seconds <= 1e9)) {
      rg_warn("RG_WATCH=%s is not a number of seconds; it stays %.0f", text, PATIENCE);
      seconds = PATIENCE;
    }
  }
  rg_broadcast(comm, &seconds, sizeof seconds, 0);
  return seconds;
}

/* Collective. */
static void take_seats(rg_comm *comm)
{
  MPI_Comm neighbours;
  MPI_Aint bytes;
  int unit;
  MPI_Comm_split_type(comm->mpi, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL,
                      &neighbours);
  MPI_Comm_size(neighbours, &n_seats);
  MPI_Win_allocate_shared(sizeof(seat), 1, MPI_INFO_NULL, neighbours, &mine, &window);
  MPI_Win_shared_query(window, 0, &bytes, &unit, &seats);
  atomic_store(&mine->looked, rg_now());
  atomic_store(&mine->waiting, 0);
  mine->rank = comm->rank;
  manners = RG_NEW(manner, n_seats);
  MPI_Barrier(neighbours);
  MPI_Comm_free(&neighbours);
}

/* Signals are for the main thread. */
static void start_thread(void)
{
  sigset_t all, before;
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&ended, &attributes);
  pthread_condattr_destroy(&attributes);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool made = pthread_create(&thread, NULL, watch, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!made) {
    rg_warn("no thread can be made that watches for ranks that hang");
    pthread_cond_destroy(&ended);
    ending = true;
  }
}

void rg_watch_start(rg_comm *comm)
{
  if (comm->size == 1)
    return;
  patience = agree_on_patience(comm);
  if (patience == 0)
    return;
  step = fmin(patience / LOOKS, LONGEST);
  gethostname(host, sizeof host - 1);
  take_seats(comm);
  start_thread();
}

void rg_watch_stop(void)
{
  if (!seats)
    return;
  pthread_mutex_lock(&lock);
  bool runs = !ending;
  ending = true;
  pthread_mutex_unlock(&lock);
  if (runs) {
    pthread_cond_signal(&ended);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&ended);
  }
  mine = &alone;
  seats = NULL;
  rg_free(manners);
  MPI_Win_free(&window);
}
