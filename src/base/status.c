/* Status, the last-error record, and the end of the job. */
#include "base_internal.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char last_error[2048];
static void (*end_job_hook)(int exit_code);

int rg_exit_code(rg_status status)
{
  switch (status) {
#define RG_STATUS_CODE(name, code, text)                                               \
  case name:                                                                           \
    return code;
    RG_STATUS_LIST(RG_STATUS_CODE)
#undef RG_STATUS_CODE
  }
  return 1;
}

const char *rg_status_text(rg_status status)
{
  switch (status) {
#define RG_STATUS_TEXT(name, code, text)                                               \
  case name:                                                                           \
    return text;
    RG_STATUS_LIST(RG_STATUS_TEXT)
#undef RG_STATUS_TEXT
  }
  return "unknown status";
}

rg_status rg_fail(rg_status status, const char *format, ...)
{
  char text[sizeof last_error]; /* the arguments may be the last error itself */
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  pthread_mutex_lock(&lock);
  rg_escape(text, last_error, sizeof last_error);
  pthread_mutex_unlock(&lock);
  return status;
}

const char *rg_error_text(void)
{
  return last_error;
}

void rg_bug(const char *file, int line, const char *what)
{
  rg_log(RG_LOG_ERROR, "bug at %s:%d: %s; please report it", file, line, what);
  if (end_job_hook)
    end_job_hook(rg_exit_code(RG_EFAIL));
  abort();
}

void rg_on_abort(void (*end_job)(int exit_code))
{
  end_job_hook = end_job;
}

void rg_end_job(int exit_code)
{
  if (end_job_hook)
    end_job_hook(exit_code);
  exit(exit_code);
}
