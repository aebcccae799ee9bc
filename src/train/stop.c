/* Requests to stop: signals, a file in the run folder, a time limit. */
#include "regatta/train.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t requested;
static int catching; /* pairs of rg_stop_on_signals that are open */

static void on_signal(int number)
{
  (void)number;
  requested = 1;
}

void rg_stop_on_signals(bool catch)
{
  catching += catch ? 1 : -1;
  if (catching != (catch ? 1 : 0))
    return;
  struct sigaction action = {.sa_handler = catch ? on_signal : SIG_DFL,
                             .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
}

bool rg_stop_requested(const char *run, double started, double max_hours)
{
  if (requested || (max_hours > 0 && rg_now() - started > max_hours * 3600))
    return true;
  char *path = rg_format("%s/stop", run);
  bool found = access(path, F_OK) == 0;
  rg_free(path);
  return found;
}
