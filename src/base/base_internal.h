/** What the files of base share among themselves. */
#ifndef REGATTA_BASE_INTERNAL_H
#define REGATTA_BASE_INTERNAL_H

#include "regatta/base.h"

/** Copy text to out (room bytes, always terminated), with control characters, including
 *  those of ISO 6429 written in UTF-8, as \xNN; too long a text ends in "...". Text from
 *  files can then not move the cursor of a terminal. Not collective. */
void rg_escape(const char *text, char *out, size_t room);
/** End the job with an exit code. Not collective; does not return. */
_Noreturn void rg_end_job(int exit_code);
/** Rank of this process as given to rg_log_start; 0 before. Not collective. */
int rg_log_rank(void);
bool rg_log_hushed(void);
/** Index of a field by name, - read as _; -1 when unknown. Not collective. */
int rg_field_index(const rg_field *fields, const char *name);
/** Set an option read from a file; `where` is FILE:LINE, a NULL value unsets. Not
 *  collective. */
rg_status rg_config_set_from_file(rg_config *config, const char *name, const char *key,
                                  const char *value, const char *where);
/** Shortest text that reads back as x. Not collective. */
void rg_number_text(double x, char out[32]);

/** Seconds that work has to stand still before what is inside of it is shown: tests have
 *  less. */
void rg_pace_still(double seconds);

#endif
