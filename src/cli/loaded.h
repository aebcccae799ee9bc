/** What training starts from: the plan that the options of a command line make, and the
 *  data set of a file. */
#ifndef RG_CLI_LOADED_H
#define RG_CLI_LOADED_H

#include "work.h"

/** Options that say what is trained on what. */
typedef struct rg_asked {
  char *recipe, *batch, *labels, *layer, *init_from;
} rg_asked;

/** Their rows of a table of options; the struct lies at offset `at`. */
#define RG_ASKED_FIELDS(at)                                                            \
  {"recipe", RG_TEXT, (at) + offsetof(rg_asked, recipe), NULL, 0, 0, NULL, NULL,       \
   "method (train.recipe); see: regatta list recipes"},                                 \
      {"batch", RG_TEXT, (at) + offsetof(rg_asked, batch), NULL, 0, 0, NULL, NULL,     \
       "column of obs with the batch of a cell (data.batch)"},                          \
      {"labels", RG_TEXT, (at) + offsetof(rg_asked, labels), NULL, 0, 0, NULL, NULL,   \
       "column of obs with the type of a cell, for scores (data.labels)"},              \
      {"layer", RG_TEXT, (at) + offsetof(rg_asked, layer), NULL, 0, 0, NULL, NULL,     \
       "layer that holds the counts (data.layer)"},                                     \
  {                                                                                     \
    "init_from", RG_TEXT, (at) + offsetof(rg_asked, init_from), NULL, 0, 0, NULL,      \
        NULL,                                                                           \
        "run folder to go on from (train.init_from): its configuration where --config " \
        "names none, its features and its trained parameters"                           \
  }

/** The plan of a command line, on top of --config or else of what is gone on from: the run
 *  in the folder `resumed`, where one has begun there (NULL: none), or that of init_from.
 *  train.max_steps and train.max_hours are not taken over: they bound one call.
 *  Collective. RG_EUSAGE, RG_EINPUT. */
rg_status rg_asked_plan(const rg_call *call, const rg_asked *asked, const char *resumed,
                        rg_plan *plan);
/** The prepared data set of a file, with what is held out, and the teacher. Collective. */
rg_status rg_load(rg_file *file, const rg_plan *plan, rg_dataset *dataset,
                  rg_mat *teacher);

#endif
