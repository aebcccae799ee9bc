/** Encoders and decoders of MultiVI. For src/model only. */
#ifndef REGATTA_MODEL_MULTIVI_PARTS_H
#define REGATTA_MODEL_MULTIVI_PARTS_H

#include "mlp.h"

typedef struct rg_multivi_settings {
  char *compat, *likelihood, *dispersion, *weights;
  int64_t latent, hidden, layers, epochs, patience;
  double dropout, penalty, cross, adversary, warm_up, rate, weight_decay;
} rg_multivi_settings;

enum { RG_MULTIVI_MOST = 3, RG_MULTIVI_NAME = 160 };

typedef struct rg_multivi_part {
  const char *name;
  int64_t n;
  bool peaks, extra_zeros;
  rg_node *x, *counts, *has;
  rg_node *mean, *log_variance, *sigma;
  rg_node *library; /* of the cell's counts; NULL: of peaks */
  rg_node *size;    /* logit of the factor of a cell's accessibility, from this part */
} rg_multivi_part;

/* What compose hands around. */
typedef struct rg_multivi {
  rg_graph *graph;
  const rg_facts *facts;
  const rg_multivi_settings *s;
  rg_model *model;
  int hidden, latent, n;
  rg_multivi_part part[RG_MULTIVI_MOST];
  rg_node *batch; /* NULL: none */
  rg_node *mean, *sigma, *z;
} rg_multivi;

/** The released program. */
bool rg_multivi_exact(const rg_multivi_settings *s);
/** `format` with a and b, in text of RG_MULTIVI_NAME characters. */
const char *rg_multivi_name(char *text, const char *format, const char *a, const char *b);
/** exp(share s), of a log variance s, within what float32 holds. */
rg_node *rg_multivi_deviation(rg_multivi *w, const char *name, rg_node *s, double share);
/** Inputs and encoder of a part whose facts are filled in. */
void rg_multivi_encode(rg_multivi *w, rg_multivi_part *p);
/** The loss of part p decoded from the latent z that `from` names. Accessibility: `size` is
 *  the logit of the cell's factor, NULL: it is 1. Counts: of the cell's library, or where
 *  `mask` is NULL, to be read out, of a typical one. Cells count where mask is above 0. */
rg_op *rg_multivi_decode(rg_multivi *w, const rg_multivi_part *p, const char *from,
                         rg_node *z, rg_node *size, rg_node *mask);

#endif
