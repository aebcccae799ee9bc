/* Section `train` of the configuration. */
#include "regatta/train.h"

#define FIELD(name) offsetof(rg_train_options, name)

const rg_field rg_train_fields[] = {
    {"recipe", RG_TEXT, FIELD(recipe), "sailerx", 0, 0, NULL, NULL,
     "method; see: regatta list recipes"},
    {"grid", RG_TEXT, FIELD(grid), "auto", 0, 0, NULL, NULL,
     "how ranks share the work: lanes, features, AxF (lane groups x feature groups), or "
     "auto: lanes where the method needs all features of a cell, else what the batch "
     "and the ranks make fastest, of 16 feature groups at most"},
    {"teacher", RG_TEXT, FIELD(teacher), "rna", 0, 0, NULL, NULL,
     "embedding that teaches: a modality (its PCA) or a key of obsm"},
    {"lanes", RG_INT, FIELD(lanes), "4", 1, 4096, NULL, NULL,
     "fixed parts of the batch, a power of two; ranks share them"},
    {"batch", RG_INT, FIELD(batch), "256", 1, 1 << 20, NULL, "cells",
     "cells of an optimiser step, over all lanes"},
    {"seed", RG_INT, FIELD(seed), "0", 0, 1LL << 53, NULL, NULL,
     "of every random number"},
    {"validation", RG_DOUBLE, FIELD(validation), "0", 0, 0.9, NULL, NULL,
     "share of the cells left out of the steps, for early stopping and rate plateaus"},
    {"checkpoint_epochs", RG_INT, FIELD(checkpoint_epochs), "10", 0, 1 << 30, NULL,
     "epochs", "between checkpoints; 0: only at the end"},
    {"checkpoint_minutes", RG_DOUBLE, FIELD(checkpoint_minutes), "30", 0, 1e6, NULL,
     "minutes", "longest time between checkpoints; 0: no limit"},
    {"keep", RG_INT, FIELD(keep), "2", 1, 1000, NULL, NULL, "checkpoints kept"},
    {"max_hours", RG_DOUBLE, FIELD(max_hours), "0", 0, 1e6, NULL, "hours",
     "stop with a checkpoint after this time; 0: no limit"},
    {"init_from", RG_TEXT, FIELD(init_from), NULL, 0, 0, NULL, NULL,
     "run folder that training goes on from: its features, constants and parameters"},
    {"freeze", RG_TEXT, FIELD(freeze), NULL, 0, 0, NULL, NULL,
     "groups of parameters, or beginnings of names, that are not updated: enc,dec"},
    {"max_steps", RG_INT, FIELD(max_steps), "0", 0, 1LL << 40, NULL, "steps",
     "stop with a checkpoint after so many steps of this process; 0: no limit"},
    {0}};

#undef FIELD
#define FIELD(name) offsetof(rg_data_options, name)

const rg_field rg_data_fields[] = {
    {"layer", RG_TEXT, FIELD(layer), NULL, 0, 0, NULL, NULL,
     "layer that holds the counts; unset: layers/counts, then raw/X, then X"},
    {"genome", RG_TEXT, FIELD(genome), NULL, 0, 0, NULL, NULL,
     "genome of a 10x v2 file that has several"},
    {"batch", RG_TEXT, FIELD(batch), NULL, 0, 0, NULL, NULL,
     "column of obs that says the batch of a cell"},
    {"labels", RG_TEXT, FIELD(labels), NULL, 0, 0, NULL, NULL,
     "column of obs that says the type of a cell; for scores and figures"},
    {"hold_out", RG_TEXT, FIELD(hold_out), NULL, 0, 0, NULL, NULL,
     "COLUMN or COLUMN=VALUE,VALUE: cells that are left out of training, where the column "
     "of obs is true or has one of the values, as leiden=1"},
    {"validation", RG_TEXT, FIELD(validation), NULL, 0, 0, NULL, NULL,
     "the same for the cells that validate, instead of the share train.validation"},
    {0}};
