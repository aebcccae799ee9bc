/** The network of UnitedNet: what its recipe composes. For src/model only. */
#ifndef REGATTA_MODEL_UNITEDNET_H
#define REGATTA_MODEL_UNITEDNET_H

#include "mlp.h"

#define RG_UNITED_MOST 4  /* modalities */
#define RG_UNITED_HEADS 10

/** Sizes that the released program has for a kind of data. */
typedef struct rg_united_shape {
  const char *name;
  int64_t latent;
  int depth;
  int64_t hidden[6]; /* of encoders; of decoders the other way round */
  bool batchnorm;    /* of every layer of encoders, with a ReLU behind the last; else a
                        layer normalisation of the latent */
  int discriminator_depth;
  int64_t discriminator[4];
  int64_t projector, clusters;
  int heads;
  bool feature_fuser;    /* a share for every column of the latent */
  bool latent_projector; /* a linear layer before the contrast */
  double rate;
  int64_t epochs, finetune;
} rg_united_shape;

/** What is composed, from the settings. */
typedef struct rg_united_options {
  rg_united_shape shape; /* clusters: the number of groups in either mode */
  bool exact, supervised, scale;
  double dropout, noise;
  int64_t dense;         /* peaks up to which atac is dense */
} rg_united_options;

/** A modality on the tape. */
typedef struct rg_united_modality {
  const char *name;
  int64_t features;
  bool binary, wide; /* wide: sparse all the way, without a discriminator */
  rg_node *counts;   /* sparse, weighed */
  rg_node *values;   /* dense, as weighed; NULL when wide */
  rg_node *target;   /* dense, standardised; NULL when wide */
  rg_node *has;      /* where it was measured */
  rg_node *first;    /* units of the first layer of the encoder, linear in the input */
  rg_node *latent;
  rg_node *real, *fake, *made; /* scores of the discriminator: of the data, of what was
                                  decoded, of the same without the gradient; or NULL */
} rg_united_modality;

/** A head: its own fusion, its own groups. */
typedef struct rg_united_head {
  rg_node *fused, *hidden, *score, *share; /* share: softmax of the scores */
} rg_united_head;

typedef struct rg_united {
  rg_graph *graph;
  rg_model *model;
  const rg_united_options *options;
  int n; /* modalities */
  rg_united_modality modality[RG_UNITED_MOST];
  rg_node *decoded[RG_UNITED_MOST][RG_UNITED_MOST]; /* [from][to]; logits of atac, hidden
                                                       units in blocks when wide */
  rg_op *loss[RG_UNITED_MOST][RG_UNITED_MOST];      /* [from][to] */
  rg_united_head head[RG_UNITED_HEADS];
  int encoders, decoders, discriminators, heads; /* groups of parameters */
} rg_united;

/** Compose everything up to the losses of decoders; outputs of the model included. */
void rg_united_compose(rg_united *u, const rg_facts *facts);
/** The input of that name, made once. */
rg_node *rg_united_input(rg_graph *graph, const char *name, int width);
/** "1 where both were measured". */
rg_node *rg_united_both(const rg_united *u, int from, int to);

#endif
