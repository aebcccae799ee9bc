/* What is explained, by which features, on which cells. */
#include "explain.h"

#include <string.h>

enum { MOST_FEATURES = 50 };

/* ---- what is explained ---- */

static rg_status find_target(rg_explain_work *w, const rg_explain_options *o,
                             const char **from)
{
  const rg_session *session = w->session;
  const rg_model *model = &session->model;
  *from = o->from;
  if (!o->to) {
    if (model->n_groupings < 1)
      return rg_fail(RG_EUSAGE, "recipe %s makes no groups; say what to explain: --to "
                                "MODALITY", session->plan->recipe->name);
    w->target = model->grouping[0].scores;
    return RG_OK;
  }
  for (int k = 0; k < model->n_explained && !*from && model->n_explained == 2; k++)
    if (strcmp(model->explained[k].modality, o->to) != 0)
      *from = model->explained[k].modality;
  for (int i = 0; i < model->n_likelihoods && *from; i++)
    if (strcmp(model->likelihood[i].modality, o->to) == 0 &&
        strcmp(model->likelihood[i].from, *from) == 0)
      w->target = model->likelihood[i].op->in[0];
  if (!w->target)
    return rg_fail(RG_EUSAGE, "recipe %s does not predict %s from %s",
                   session->plan->recipe->name, o->to,
                   *from ? *from : "one modality (say which: --from)");
  if (w->target->blocks)
    return rg_fail(RG_EUSAGE, "%s is too wide to be explained feature by feature; "
                              "keep fewer features (prepare.top_peaks)", o->to);
  return RG_OK;
}

static void add_part(rg_explain_work *w, const struct rg_explained_input *input)
{
  rg_explain_part *p = &w->part[w->n_parts++];
  const rg_op *op = input->first->op;
  p->input = input;
  p->by_feature = strcmp(op->type->name, "linear") != 0;
  if (p->by_feature)
    op = op->in[0]->op; /* sum_blocks of sparse_linear */
  p->weight = op->param[0];
  p->units = input->first->width;
  p->features = p->by_feature ? p->weight->total_rows : p->weight->cols;
  p->x = RG_NEW(float, w->n * p->features);
  p->first = RG_NEW(float, w->n * p->units);
  p->has = RG_NEW(float, w->n);
  p->phi = RG_NEW(float, w->here * p->features);
  p->slope = p->by_feature ? NULL : RG_NEW(float, w->here * p->features);
}

static rg_status find_parts(rg_explain_work *w, const char *from)
{
  const rg_model *model = &w->session->model;
  for (int k = 0; k < model->n_explained; k++)
    if (!from || strcmp(model->explained[k].modality, from) == 0)
      add_part(w, &model->explained[k]);
  if (w->n_parts == 0)
    return rg_fail(RG_EUSAGE, "recipe %s does not explain by the features of %s",
                   w->session->plan->recipe->name, from ? from : "any modality");
  return RG_OK;
}

/* ---- the sample ---- */

/* Rows of an input, dense, and where it was measured. */
static void local_rows(const rg_explain_work *w, const rg_explain_part *p, float *x,
                       float *has)
{
  const rg_op *op = p->input->first->op;
  if (!p->by_feature) {
    memcpy(x, op->in[0]->x, sizeof *x * (size_t)(w->here * p->features));
  } else {
    const rg_csr *rows = &w->batch.sparse[op->in[0]->op->in[0]->slot].rows;
    memset(x, 0, sizeof *x * (size_t)(w->here * p->features));
    for (int64_t i = 0; i < w->here; i++)
      for (int64_t e = rows->indptr[i]; e < rows->indptr[i + 1]; e++)
        x[i * p->features + rows->indices[e]] = rows->values ? rows->values[e] : 1;
  }
  char name[64];
  snprintf(name, sizeof name, "has:%s", p->input->modality);
  const rg_node *mask = rg_graph_find_node(w->session->graph, name);
  for (int64_t i = 0; i < w->here; i++)
    has[i] = mask ? mask->x[i] > 0 : 1;
}

static void gather_sample(rg_explain_work *w)
{
  const rg_share *share = w->run.share;
  for (int k = 0; k < w->n_parts; k++) {
    rg_explain_part *p = &w->part[k];
    float *x = RG_NEW(float, w->here * p->features), *has = RG_NEW(float, w->here);
    local_rows(w, p, x, has);
    share->gather_lanes(share, x, p->features, p->x);
    share->gather_lanes(share, has, 1, p->has);
    share->gather_lanes(share, p->input->first->x, p->units, p->first);
    rg_free(x);
    rg_free(has);
  }
  w->value = RG_NEW(float, w->n * w->target->width);
  share->gather_lanes(share, w->target->x, w->target->width, w->value);
}

/* Forwards once: units of the first layers and the target of the whole sample. */
static void look_at_sample(rg_explain_work *w)
{
  rg_session *session = w->session;
  rg_node *nodes[RG_MODALITIES + 2] = {0}, *given[RG_MODALITIES + 1] = {0};
  w->batch = rg_batch_new(session->graph, &session->store);
  for (int64_t i = 0; i < w->here; i++) {
    w->batch.row[i] = i; /* rows of the store are lane after lane, all lanes full */
    w->batch.cell[i] = session->store.cell[i];
  }
  rg_batch_fill(&w->batch, &session->store, session->graph, false);
  for (int k = 0; k < w->n_parts; k++)
    nodes[k] = given[k] = w->part[k].input->first;
  nodes[w->n_parts] = w->target;
  w->run.sequence = rg_sequence_new(session->graph, nodes, NULL, 0);
  w->run.cell = w->batch.cell;
  w->run.sparse = w->batch.sparse;
  rg_run_forward(&w->run);
  gather_sample(w);
  w->run.sequence = rg_sequence_given(session->graph, given, w->target);
}

/* ---- targets ---- */

static rg_status target_names(const rg_explain_work *w, const rg_explain_options *o,
                              rg_strings *names)
{
  const rg_session *session = w->session;
  if (o->to) {
    rg_strings_copy(&rg_dataset_modality(session->dataset, o->to)->features, names);
    return RG_OK;
  }
  for (int k = 0; k < w->target->width; k++) {
    char name[32];
    snprintf(name, sizeof name, "%d", k);
    const rg_strings *labels = &session->dataset->label.categories;
    bool named = session->model.grouping[0].labels && k < labels->n;
    const char *text = named ? rg_strings_at(labels, k) : name;
    rg_strings_add(names, text, (int64_t)strlen(text));
  }
  return RG_OK;
}

static double variance_of(const rg_explain_work *w, int64_t column)
{
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < w->n; i++) {
    double x = (double)w->value[i * w->target->width + column];
    sum += x;
    squares += x * x;
  }
  return squares / (double)w->n - sum / (double)w->n * (sum / (double)w->n);
}

/* Columns of the most varying predictions, in their order. */
static int64_t most_varying(rg_explain_work *w)
{
  int64_t n = 0, width = w->target->width;
  double *variance = RG_NEW(double, width);
  for (int64_t k = 0; k < width; k++)
    variance[k] = variance_of(w, k);
  for (int64_t k = 0; k < width; k++) {
    int64_t above = 0;
    for (int64_t j = 0; j < width; j++)
      above += variance[j] > variance[k] || (variance[j] == variance[k] && j < k);
    if (above < MOST_FEATURES)
      w->column[n++] = k;
  }
  rg_free(variance);
  return n;
}

static rg_status choose_targets(rg_explain_work *w, const rg_explain_options *o)
{
  rg_status status = RG_OK;
  rg_strings names = {0};
  int64_t n = 0, width = w->target->width;
  RG_TRY(target_names(w, o, &names));
  w->column = RG_NEW(int64_t, width + (o->targets ? o->targets->n : 0));
  if (o->targets) {
    for (int64_t t = 0; t < o->targets->n; t++) {
      int64_t k = rg_strings_find(&names, rg_strings_at(o->targets, t));
      if (k < 0) {
        status = rg_fail(RG_EUSAGE, "there is no target %s", rg_strings_at(o->targets, t));
        goto out;
      }
      w->column[n++] = k;
    }
  } else if (o->to && width > MOST_FEATURES) {
    n = most_varying(w);
  } else {
    for (int64_t k = 0; k < width; k++)
      w->column[n++] = k;
  }
  for (int64_t t = 0; t < n; t++) {
    const char *name = rg_strings_at(&names, w->column[t]);
    rg_strings_add(&w->out->targets, name, (int64_t)strlen(name));
  }
out:
  rg_strings_fini(&names);
  return status;
}

rg_status rg_explain_prepare(rg_explain_work *w, const rg_explain_options *o)
{
  rg_status status = RG_OK;
  const char *from = NULL;
  RG_TRY(find_target(w, o, &from));
  RG_TRY(find_parts(w, from));
  look_at_sample(w);
  RG_TRY(choose_targets(w, o));
out:
  return status;
}
