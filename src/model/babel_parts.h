/** Encoders and decoders of BABEL. For src/model only. */
#ifndef REGATTA_MODEL_BABEL_PARTS_H
#define REGATTA_MODEL_BABEL_PARTS_H

#include "mlp.h"

typedef struct rg_babel_settings {
  char *compat, *likelihood;
  int64_t latent, hidden, split, chunk, epochs, patience, plateau;
  double peaks, cross, match, drop, power, rate, weight_decay, clip;
} rg_babel_settings;

/** What makes the network: borrowed. */
typedef struct rg_babel {
  rg_graph *graph;
  const rg_facts *facts;
  const rg_babel_settings *s;
  rg_model *model;
  bool exact; /* the released program */
} rg_babel;

/** A modality in it. */
typedef struct rg_babel_part {
  const char *name;
  int64_t n;         /* features */
  bool peaks, real;  /* accessibility; values that are no counts */
  rg_node *x;        /* what the encoder reads, and of peaks the target */
  rg_node *target;   /* values, counts or their logarithms */
  rg_node *scores;   /* the same in standard scores; NULL: not used */
  rg_node *has;      /* 1 where it was measured */
  rg_node *z;        /* latent of it alone */
} rg_babel_part;

/** Inputs and encoder of modality m. */
rg_babel_part rg_babel_encode(const rg_babel *b, int m);
/** The decoder of `to` on a latent z that comes from what `from` names, with its loss:
 *  against the measured cells where `mask` is above 0, or (mask NULL) to be read out: the
 *  counts of a cell of typical size. Decoders of one modality share their parameters. */
rg_op *rg_babel_decode(const rg_babel *b, const rg_babel_part *to, const char *from,
                       rg_node *z, rg_node *mask);

#endif
