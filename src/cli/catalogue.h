/** catalogue: everything the program can list, in one form. */
#ifndef RG_CLI_CATALOGUE_H
#define RG_CLI_CATALOGUE_H

#include "regatta/cli.h"

/** Something that lies at a path of a file or folder, or a variable. A table ends with
 *  {0}. */
typedef struct rg_place {
  const char *path; /* capitals stand for names; several with ", " between */
  const char *by;   /* commands that write (or read) it */
  const char *help;
} rg_place;

/** One recipe, loss, operation, metric or command, section of the configuration, kind of
 *  file, or exit code. Borrowed from the records. */
typedef struct rg_item {
  const char *name;
  const char *help;
  const char *cite;        /* NULL when there is none */
  const char *facts;       /* a further line ("for: ..."), or NULL; owned by the list */
  const rg_field *options; /* may be NULL */
  const char *section;     /* of the configuration that the options are in; "" for none;
                               NULL: they are options of the command line */
  const rg_command *command;   /* NULL for other kinds */
  const char *const *defaults; /* settings of a recipe; NULL-terminated, or NULL */
  const rg_place *places;      /* of a kind of file; or NULL */
} rg_item;

enum { RG_MAX_ITEMS = 128 };

/** The kinds of things there are; NULL-terminated. */
extern const char *const rg_catalogue_kinds[];

/** Fill `items` with all things of one of these kinds; returns their number. Not
 *  collective. */
int rg_catalogue(const char *kind, rg_item items[RG_MAX_ITEMS]);
void rg_catalogue_fini(rg_item *items, int n);
/** Those of the kinds "files" and "variables", and the exit codes. Not collective. */
int rg_list_places(const char *kind, rg_item items[RG_MAX_ITEMS]);
int rg_list_codes(rg_item items[RG_MAX_ITEMS]);

/** Write items as one JSON array, or as a page of Markdown. Not collective. */
void rg_reference_json(FILE *out, const rg_item *items, int n);
void rg_reference_markdown(FILE *out, const rg_item *items, int n);
/** Write the man page of the first command alone, or with `one` false the page of the
 *  program, which names all commands. Not collective. */
void rg_reference_man(FILE *out, const rg_item *items, int n, bool one);
/** Write the completion of bash: of commands, their options, and the words that may follow
 *  an option or `regatta list`. Not collective. */
void rg_reference_bash(FILE *out, const rg_item *items, int n);

/** What an option is and takes: "what it does (1 to 64; default 8 cells)"; owned by the
 *  caller. Not collective. */
char *rg_field_text(const rg_field *field);
/** One option as --help shows it: "--name N", or "section.name N" for a section of the
 *  configuration. Not collective. */
void rg_help_field(FILE *out, const rg_field *field, const char *section);
/** Print text from column `at`, words wrapped, further lines indented. Not collective. */
void rg_wrap(FILE *out, const char *text, int at, int indent);

#endif
