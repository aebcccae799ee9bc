/* Facts, covariates, constants, phases: what recipes and the trainer hand each other. */
#include "regatta/model.h"

#include <string.h>

int rg_facts_find(const rg_facts *facts, const char *name)
{
  for (int m = 0; m < facts->n_modalities; m++)
    if (strcmp(facts->modality[m].name, name) == 0)
      return m;
  return -1;
}

/* ---- covariates ---- */

rg_mat *rg_covariates_add(rg_covariates *covariates, const char *name, int64_t rows,
                          int64_t cols)
{
  RG_ASSERT(covariates->n < 32);
  struct rg_covariate *item = &covariates->item[covariates->n++];
  snprintf(item->name, sizeof item->name, "%s", name);
  item->mat = rg_mat_new(rows, cols);
  return &item->mat;
}

const rg_mat *rg_covariates_find(const rg_covariates *covariates, const char *name)
{
  for (int i = 0; i < covariates->n; i++)
    if (strcmp(covariates->item[i].name, name) == 0)
      return &covariates->item[i].mat;
  return NULL;
}

void rg_covariates_fini(rg_covariates *covariates)
{
  for (int i = 0; i < covariates->n; i++)
    rg_mat_fini(&covariates->item[i].mat);
  *covariates = (rg_covariates){0};
}

/* ---- constants ---- */

static struct rg_constant *find_constant(const rg_constants *constants, const char *name)
{
  for (int i = 0; i < constants->n; i++)
    if (strcmp(constants->item[i].name, name) == 0)
      return (struct rg_constant *)&constants->item[i];
  return NULL;
}

double *rg_constants_get(rg_constants *constants, const char *name, int64_t n)
{
  struct rg_constant *item = find_constant(constants, name);
  if (!item && n > 0) {
    RG_ASSERT(constants->n < 64);
    item = &constants->item[constants->n++];
    snprintf(item->name, sizeof item->name, "%s", name);
    item->n = n;
    item->x = RG_NEW(double, n);
  }
  return item ? item->x : NULL;
}

int64_t rg_constants_length(const rg_constants *constants, const char *name)
{
  const struct rg_constant *item = find_constant(constants, name);
  return item ? item->n : 0;
}

void rg_constants_fini(rg_constants *constants)
{
  for (int i = 0; i < constants->n; i++)
    rg_free(constants->item[i].x);
  *constants = (rg_constants){0};
}

/* ---- phases ---- */

rg_phase *rg_model_phase(rg_model *model, const char *name, int64_t epochs, double rate)
{
  RG_ASSERT(model->n_phases < RG_PHASES);
  rg_phase *phase = &model->phase[model->n_phases++];
  *phase = (rg_phase){.epochs = epochs, .rate = rate, .factor = 1};
  snprintf(phase->name, sizeof phase->name, "%s", name);
  return phase;
}

rg_step *rg_phase_step(rg_phase *phase, const char *name, uint64_t groups)
{
  RG_ASSERT(phase->n_steps < RG_STEPS);
  rg_step *step = &phase->step[phase->n_steps++];
  *step = (rg_step){.groups = groups, .every = 1, .passes = 1};
  snprintf(step->name, sizeof step->name, "%s", name);
  return step;
}

void rg_step_term(rg_step *step, rg_op *loss, double weight, rg_ramp ramp, double period)
{
  RG_ASSERT(step->n_terms < RG_TERMS);
  step->term[step->n_terms++] = (rg_term){loss, weight, ramp, period};
}

/* ---- inputs and outputs ---- */

rg_node *rg_model_counts(rg_model *model, rg_graph *graph, const char *name,
                         const rg_facts *facts, const char *modality, rg_weigh weigh,
                         double power, double scale)
{
  int m = rg_facts_find(facts, modality);
  RG_ASSERT(m >= 0 && model->n_sparse < RG_MODALITIES);
  rg_node *node = rg_input_sparse(graph, name, facts->modality[m].blocks);
  struct rg_sparse_input *input = &model->sparse[model->n_sparse++];
  RG_ASSERT(node->slot == model->n_sparse - 1);
  snprintf(input->modality, sizeof input->modality, "%s", modality);
  input->weigh = weigh;
  input->power = power;
  input->scale = scale;
  return node;
}

rg_node *rg_model_partner(rg_model *model, rg_graph *graph, const char *name,
                          const rg_node *of)
{
  RG_ASSERT(of->sparse && model->n_sparse < RG_MODALITIES);
  rg_node *node = rg_input_sparse(graph, name, of->blocks);
  struct rg_sparse_input *input = &model->sparse[model->n_sparse++];
  RG_ASSERT(node->slot == model->n_sparse - 1);
  *input = model->sparse[of->slot];
  input->partner = true;
  input->of = of->slot;
  return node;
}

void rg_model_embedding(rg_model *model, const char *name, rg_node *node, bool unit)
{
  RG_ASSERT(model->n_embeddings < RG_OUTPUTS);
  struct rg_embedding *embedding = &model->embedding[model->n_embeddings++];
  snprintf(embedding->name, sizeof embedding->name, "%s", name);
  embedding->node = node;
  embedding->unit = unit;
}

void rg_model_embedding_of(rg_model *model, const char *name, rg_node *node, bool unit,
                           rg_node *mask)
{
  rg_model_embedding(model, name, node, unit);
  model->embedding[model->n_embeddings - 1].mask = mask;
}

void rg_model_start(rg_model *model, const char *param, const char *modality)
{
  RG_ASSERT(model->n_starts < RG_OUTPUTS);
  struct rg_start *start = &model->start[model->n_starts++];
  snprintf(start->param, sizeof start->param, "%s", param);
  snprintf(start->modality, sizeof start->modality, "%s", modality);
}

void rg_model_start_shares(rg_model *model, const char *param, const char *modality)
{
  rg_model_start(model, param, modality);
  model->start[model->n_starts - 1].of_counts = true;
}

void rg_model_likelihood(rg_model *model, const char *modality, rg_op *op)
{
  RG_ASSERT(model->n_likelihoods < RG_OUTPUTS);
  struct rg_likelihood *likelihood = &model->likelihood[model->n_likelihoods++];
  snprintf(likelihood->modality, sizeof likelihood->modality, "%s", modality);
  likelihood->op = op;
}

void rg_model_translation(rg_model *model, const char *from, const char *to, rg_op *op)
{
  rg_model_likelihood(model, to, op);
  struct rg_likelihood *likelihood = &model->likelihood[model->n_likelihoods - 1];
  snprintf(likelihood->from, sizeof likelihood->from, "%s", from);
}

void rg_model_prior(rg_model *model, const char *modality, const char *input, int axes)
{
  struct rg_prior *prior = &model->prior;
  RG_ASSERT(prior->n < RG_MODALITIES);
  snprintf(prior->modality[prior->n], sizeof prior->modality[0], "%s", modality);
  prior->input_axes[prior->n] = axes;
  snprintf(prior->input[prior->n++], sizeof prior->input[0], "%s", input);
}

void rg_model_regress(rg_model *model, rg_node *fitted, rg_node *target, rg_node *mask,
                      double ridge)
{
  RG_ASSERT(model->n_regressions < RG_MODALITIES);
  model->regression[model->n_regressions++] =
      (struct rg_regression){fitted->op, target, mask, ridge};
}

void rg_model_moments(rg_model *model, const char *param, const rg_node *sparse)
{
  RG_ASSERT(sparse->sparse && model->n_moments < RG_MODALITIES);
  struct rg_moments *moments = &model->moments[model->n_moments++];
  snprintf(moments->param, sizeof moments->param, "%s", param);
  moments->slot = sparse->slot;
}

void rg_model_choice(rg_model *model, const char *param, int n, rg_op *const *loss,
                     double enough)
{
  RG_ASSERT(model->n_choices < RG_CHOICES && n <= RG_OP_INPUTS);
  struct rg_choice *choice = &model->choice[model->n_choices++];
  snprintf(choice->param, sizeof choice->param, "%s", param);
  choice->n = n;
  memcpy(choice->loss, loss, sizeof *loss * (size_t)n);
  choice->enough = enough;
}

void rg_model_grouping(rg_model *model, const char *name, rg_node *probabilities,
                       rg_node *scores, bool labels)
{
  RG_ASSERT(model->n_groupings < RG_CHOICES);
  struct rg_grouping *grouping = &model->grouping[model->n_groupings++];
  snprintf(grouping->name, sizeof grouping->name, "%s", name);
  grouping->node = probabilities;
  grouping->scores = scores;
  grouping->labels = labels;
}

void rg_model_explains(rg_model *model, const char *modality, rg_node *first)
{
  RG_ASSERT(first && model->n_explained < RG_MODALITIES);
  struct rg_explained_input *input = &model->explained[model->n_explained++];
  snprintf(input->modality, sizeof input->modality, "%s", modality);
  input->first = first;
}

const struct rg_likelihood *rg_model_find(const rg_model *model, const char *from,
                                          const char *to)
{
  for (int i = 0; i < model->n_likelihoods; i++)
    if (strcmp(model->likelihood[i].modality, to) == 0 &&
        strcmp(model->likelihood[i].from, from) == 0)
      return &model->likelihood[i];
  return NULL;
}

void rg_likelihood_sources(const rg_op *op, rg_node *sources[RG_OP_INPUTS + 1])
{
  enum { TARGET = 1 };
  int n = 0;
  for (int k = 0; k < op->n_in; k++)
    if (k != TARGET)
      sources[n++] = op->in[k];
  sources[n] = NULL;
}

void rg_model_watch(rg_model *model, rg_op *loss, double weight)
{
  RG_ASSERT(model->n_watch < RG_TERMS);
  model->watch[model->n_watch++] = (struct rg_watch_term){loss, weight};
}
