/** base: what everything else stands on: status, log, memory, random numbers,
 *  configuration, timers, injected faults. Knows nothing of ranks, files or cells.
 *  Nothing here is collective.
 *
 *  A function that can fail returns rg_status and leaves one line of text in the
 *  last-error record (rg_fail). Inside a function the single way out is RG_TRY to the
 *  label `out`. On many ranks a status is agreed before anyone acts on it: comm.h.
 *
 *  Random numbers have no state: a number is a function of (seed, purpose, step, cell,
 *  index), so nothing depends on the rank that happens to draw it.
 *
 *  Options of commands, recipes, operations and losses are tables of rg_field: one row
 *  gives parsing, default, range, unit, help and documentation. */
#ifndef REGATTA_BASE_H
#define REGATTA_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- status ---------------------------------------------------------------------- */

/* name, exit code, what it means */
#define RG_STATUS_LIST(X)                                                               \
  X(RG_OK, 0, "ok")                                                                     \
  X(RG_EFAIL, 1, "failure")                                                             \
  X(RG_EUSAGE, 2, "usage")                                                              \
  X(RG_EINPUT, 3, "bad input")                                                          \
  X(RG_EDIVERGED, 4, "diverged")                                                        \
  X(RG_ESTOPPED, 75, "stopped on request, with a checkpoint")

typedef enum rg_status {
#define RG_STATUS_NAME(name, code, text) name,
  RG_STATUS_LIST(RG_STATUS_NAME)
#undef RG_STATUS_NAME
} rg_status;

/** Exit code of a status (0, 1, 2, 3, 4, 75). Not collective. */
int rg_exit_code(rg_status status);
/** Short English name of a status. Not collective. */
const char *rg_status_text(rg_status status);

#if defined(__GNUC__)
#define RG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define RG_PRINTF(fmt, args)
#endif

/** Record one line of text as the last error of this rank and return `status`, so that
 *  a failing function ends with `return rg_fail(RG_EINPUT, "...", ...)`. The text is
 *  the part after "regatta: error: ", conventionally "FILE:/path[row]: what is wrong;
 *  what to do". Control characters are escaped. Not collective. */
rg_status rg_fail(rg_status status, const char *format, ...) RG_PRINTF(2, 3);
/** Text of the last error of this rank, "" when there is none. Borrowed until the next
 *  rg_fail. Not collective. */
const char *rg_error_text(void);

/** Evaluate an expression of type rg_status into the local `status`; leave to the local
 *  label `out` when it failed. */
#define RG_TRY(expression)                                                              \
  do {                                                                                  \
    status = (expression);                                                              \
    if (status != RG_OK)                                                                \
      goto out;                                                                         \
  } while (0)

/** A broken invariant is a bug: message with file and line, then abort of the job. */
#define RG_ASSERT(condition)                                                            \
  ((condition) ? (void)0 : rg_bug(__FILE__, __LINE__, #condition))
/** Report a bug and end the whole job. Not collective; does not return. */
void rg_bug(const char *file, int line, const char *what) __attribute__((noreturn));
/** Install what ends the job (comm installs MPI_Abort). Not collective. */
void rg_on_abort(void (*end_job)(int exit_code));

/* ---- log ------------------------------------------------------------------------- */

typedef enum rg_level { RG_LOG_ERROR, RG_LOG_WARN, RG_LOG_INFO, RG_LOG_DEBUG } rg_level;

/** Write one line to stderr: errors as "regatta: error: ...", warnings as
 *  "regatta: warning: ...", the rest as it is. INFO and below are written by rank 0
 *  only. Not collective. */
void rg_log(rg_level level, const char *format, ...) RG_PRINTF(2, 3);
#define rg_info(...) rg_log(RG_LOG_INFO, __VA_ARGS__)
#define rg_warn(...) rg_log(RG_LOG_WARN, __VA_ARGS__)
#define rg_debug(...) rg_log(RG_LOG_DEBUG, __VA_ARGS__)
/** Set the level by name (error, warn, info, debug) and this process's rank; the level
 *  also comes from the environment variable RG_LOG. Not collective. */
void rg_log_start(const char *level, int rank);
/** Keep INFO and below to oneself, or speak again: for what is only tried. Not
 *  collective. */
void rg_log_hush(bool hush);

/* ---- memory ---------------------------------------------------------------------- */

/** Zeroed memory for n objects of `size` bytes, 64-byte aligned, owned by the caller,
 *  freed with rg_free. Never NULL: when memory runs out the job ends with one clear
 *  line. n == 0 gives a valid pointer. Not collective. */
void *rg_alloc(int64_t n, size_t size);
/** rg_alloc for n objects of a type. */
#define RG_NEW(type, n) ((type *)rg_alloc((n), sizeof(type)))
/** Grow (or shrink) memory of rg_alloc to n objects; new bytes are zero. */
void *rg_realloc(void *memory, int64_t old_n, int64_t n, size_t size);
/** Free memory of rg_alloc; NULL is fine. */
void rg_free(void *memory);
/** Copy of a string, owned by the caller. */
char *rg_strdup(const char *text);
/** printf into a new string, owned by the caller. */
char *rg_format(const char *format, ...) RG_PRINTF(1, 2);
char *rg_vformat(const char *format, va_list arguments) RG_PRINTF(1, 0);
/** Bytes of rg_alloc alive in this process, and peak resident bytes of the process. */
int64_t rg_memory_alive(void);
int64_t rg_memory_peak(void);
/** Bytes of this process that are in memory now. */
int64_t rg_memory_resident(void);
/** Start to look for the most bytes of rg_alloc alive at a time, and the most since. */
void rg_memory_mark(void);
int64_t rg_memory_high(void);
/** Bytes that the processes of this job may have on this host all together: the least of
 *  the system's memory, the control group's and Slurm's; *whose names it ("the host", "the
 *  control group", "Slurm"). */
int64_t rg_memory_limit(const char **whose);

/** Bytes of the UTF-8 character at `text`, 0 when there is none (RFC 3629). */
int rg_utf8_length(const char *text);
/** Copy of a text from a file on one line that can be drawn: line ends and tabs become
 *  blanks, other control characters and bytes that are no UTF-8 become U+FFFD. Owned by the
 *  caller. */
char *rg_clean_text(const char *text);
/** Does a text end like this? */
bool rg_ends_with(const char *text, const char *end);
/** 1234567 as 1,234,567, written to `text` and returned. */
const char *rg_with_commas(int64_t x, char text[32]);

/** A list of strings in one packed buffer: string i is text + offset[i]. Owned. */
typedef struct rg_strings {
  int64_t n;
  int64_t *offset; /* n + 1 */
  char *text;
} rg_strings;
/** Append `length` bytes of text (all of it when negative). */
void rg_strings_add(rg_strings *list, const char *text, int64_t length);
/** Append what printf would write. */
void rg_strings_addf(rg_strings *list, const char *format, ...) RG_PRINTF(2, 3);
/** String i, terminated; borrowed until the next rg_strings_add. */
const char *rg_strings_at(const rg_strings *list, int64_t i);
/** Index of a string, or -1; linear. */
int64_t rg_strings_find(const rg_strings *list, const char *text);
/** "a, b, c", or the first `most` of them and "..."; owned. */
char *rg_strings_text(const rg_strings *list, int64_t most);
void rg_strings_copy(const rg_strings *list, rg_strings *copy);
void rg_strings_fini(rg_strings *list);

/* ---- random numbers -------------------------------------------------------------- */

/** What a random number is for; part of its key, so that streams never overlap. */
typedef enum rg_purpose {
  RG_FOR_INIT = 1,
  RG_FOR_LANES,
  RG_FOR_EPOCH,
  RG_FOR_LATENT,
  RG_FOR_DROPOUT,
  RG_FOR_NEGATIVES,
  RG_FOR_SKETCH,
  RG_FOR_CLUSTER,
  RG_FOR_LAYOUT,
  RG_FOR_SIMULATE,
  RG_FOR_CONTROL,
  RG_FOR_SPLIT,
  RG_FOR_NOISE,
  RG_FOR_TEST
} rg_purpose;

/** Key of a stream: everything but the cell and the index. */
typedef struct rg_key {
  uint64_t seed;
  uint64_t step;
  uint32_t purpose;
} rg_key;

/** Philox4x32-10 of (key, cell, index): four words. */
void rg_random(const rg_key *key, uint64_t cell, uint64_t index, uint32_t out[4]);
/** Uniform in (0, 1). */
double rg_uniform(const rg_key *key, uint64_t cell, uint64_t index);
/** Standard normal. */
double rg_normal(const rg_key *key, uint64_t cell, uint64_t index);
/** n standard normals, index 0..n-1 of one cell; number j does not depend on n. */
void rg_normals(const rg_key *key, uint64_t cell, int n, float *out);
/** n uniforms in (0, 1), index 0..n-1 of one cell. */
void rg_uniforms(const rg_key *key, uint64_t cell, int n, float *out);
/** Image of i under a keyed permutation of 0..n-1 (Feistel cipher with cycle walking);
 *  nothing is stored. */
int64_t rg_permuted(const rg_key *key, int64_t n, int64_t i);
/** 64-bit hash of bytes (xxh3), continued from `seed`. */
uint64_t rg_hash(const void *bytes, size_t n, uint64_t seed);

/* ---- configuration --------------------------------------------------------------- */

typedef enum rg_type { RG_BOOL, RG_INT, RG_DOUBLE, RG_TEXT, RG_CHOICE } rg_type;

/** One option. The value lies at `offset` in the caller's struct: bool, int64_t, double
 *  or char * (TEXT and CHOICE, owned by the struct). A table ends with {0}. */
typedef struct rg_field {
  const char *name;    /* as in a file or, with - for _, on the command line */
  rg_type type;
  size_t offset;
  const char *value;   /* default, as text; NULL is unset (TEXT only) */
  double low, high;    /* range of INT and DOUBLE when low < high */
  const char *choices; /* CHOICE: "a|b|c" */
  const char *unit;    /* NULL when plain */
  const char *help;
} rg_field;

/** Set every field of `object` to its default. */
void rg_fields_default(const rg_field *fields, void *object);
/** Set one field from text, checked; RG_EUSAGE with the nearest valid name or the valid
 *  range otherwise. `where` opens the message ("run.yaml:12", "--set"). A text of NULL
 *  unsets a TEXT without default. */
rg_status rg_fields_set(const rg_field *fields, void *object, const char *name,
                        const char *text, const char *where);
/** Value of a field as text, as rg_fields_set reads it; owned by the caller, NULL when
 *  unset. */
char *rg_fields_get(const rg_field *fields, const void *object, const char *name);
/** Free the TEXT and CHOICE values of an object. */
void rg_fields_fini(const rg_field *fields, void *object);
/** The name among `names` (n of them) nearest to `text` by edit distance, or NULL. */
const char *rg_nearest(const char *text, const char *const *names, int n);

/** Sections of options bound to structs, with where each value came from. */
typedef struct rg_config rg_config;
rg_config *rg_config_new(void);
void rg_config_free(rg_config *config);
/** Add a section and set its defaults. `object` is borrowed. */
void rg_config_section(rg_config *config, const char *name, const rg_field *fields,
                       void *object, const char *help);
/** Override a default (a recipe's own); shown as "# recipe". */
rg_status rg_config_recipe(rg_config *config, const char *section, const char *name,
                           const char *value);
/** Read a YAML file of `section: {key: value}`. */
rg_status rg_config_file(rg_config *config, const char *path);
/** The same of text in memory; `path` is for messages. Lets one rank read and all parse. */
rg_status rg_config_yaml(rg_config *config, const char *path, const char *text);
/** Read "section.key=value". */
rg_status rg_config_assign(rg_config *config, const char *assignment);
/** Everything as commented YAML with provenance; owned by the caller. It reproduces
 *  the configuration when read back. */
char *rg_config_text(const rg_config *config);

/* ---- how far long work is -------------------------------------------------------- */

/** Work that takes long says what it is, how much of it there is (0: not known) and in
 *  which unit, how much is done, and that it is over. Work inside other work is part of it
 *  and is shown after its note where it stands still for a second; threads beside the
 *  first are not heard. `note` may be NULL; `unit` has to stay until the end. */
void rg_pace_begin(const char *what, int64_t total, const char *unit);
void rg_pace_at(int64_t done, const char *note);
void rg_pace_end(void);
/** Who shows it; borrowed, NULL: nobody. */
typedef struct rg_pace {
  void (*begin)(void *self, const char *what, int64_t total, const char *unit);
  void (*at)(void *self, int64_t done, const char *note);
  void (*end)(void *self);
  void *self;
} rg_pace;
void rg_pace_show(const rg_pace *pace);

/* ---- JSON out -------------------------------------------------------------------- */

/** A JSON object written piece by piece into a growing string. */
typedef struct rg_json rg_json;
rg_json *rg_json_new(void);
void rg_json_free(rg_json *json);
/** Open and close an object or array; `key` is NULL inside an array and at the root. */
void rg_json_open(rg_json *json, const char *key, char bracket); /* '{' or '[' */
void rg_json_close(rg_json *json);
void rg_json_text(rg_json *json, const char *key, const char *value);
void rg_json_number(rg_json *json, const char *key, double value); /* null if not finite */
void rg_json_integer(rg_json *json, const char *key, int64_t value);
void rg_json_bool(rg_json *json, const char *key, bool value);
/** The text so far, borrowed. */
const char *rg_json_string(const rg_json *json);

/* ---- time ------------------------------------------------------------------------ */

/** Seconds since some fixed moment. */
double rg_now(void);
/** Open and close the named scope; scopes nest ("train", "train/step"). Seconds and
 *  traffic add up over repeats. Closing one closes those that an error left open in it. */
void rg_timer_start(const char *name);
void rg_timer_stop(const char *name);
/** Names of the open scopes, "train/step", NULL without one; stays valid. From any
 *  thread. */
const char *rg_timer_here(void);
/** What went through comm; comm.h says how it is counted. */
typedef struct rg_traffic {
  int64_t sent, received; /* bytes */
  int64_t messages;       /* sent from rank to rank, outside MPI's collectives */
  int64_t rounds;         /* of waiting for other ranks */
  double seconds;         /* in them */
} rg_traffic;

/** One scope so far; one that is open counts up to now. */
typedef struct rg_scope {
  const char *path; /* "train/step", borrowed */
  int64_t calls;
  double seconds;
  rg_traffic traffic;
} rg_scope;

/** Scopes that are around the one with this path: 0 for "train", 1 for "train/step". */
int rg_scope_depth(const char *path);
/** Read the traffic of scopes through this function (comm's) from now on; NULL: none. */
void rg_timer_meter(void (*read)(rg_traffic *now));
/** Visit all scopes in the order of their first start. */
void rg_timer_each(void (*visit)(void *self, const rg_scope *scope), void *self);

/* ---- the processor --------------------------------------------------------------- */

/** Does this processor have the instructions that the program was compiled for? If not,
 *  one line is written to stderr. To be called before all else. */
bool rg_processor_fits(void);
/** Threads of this process, as OpenMP will start them. */
int rg_threads(void);

/* ---- injected faults ------------------------------------------------------------- */

/** True when the named point shall fail now: RG_FAULT="name[:n][@rank]" fails the n-th
 *  pass (default the first) on one rank or on all. Not collective. */
bool rg_fault(const char *name);
/** Visit the names of the points known to the program. */
extern const char *const rg_fault_points[];

#endif
