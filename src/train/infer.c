/* The trained model on every cell of a data set: embeddings and denoised means, each row
 * back at the rank that owns the cell. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Lanes are of one size whatever the number of ranks, so that a row of a product is the
 * same bits wherever its cell lies. */
enum { LANES = 4, LANE_CELLS = 64 };

/* ---- opening a run ---- */

static int lanes_for(int groups)
{
  int lanes = LANES;
  while (lanes < groups)
    lanes *= 2;
  return lanes;
}

static rg_status groups_of(const rg_session *session, int *groups)
{
  rg_status status = RG_OK;
  rg_grid *grid = NULL;
  int size = rg_size(session->comm);
  RG_TRY(rg_grid_new(session->comm, session->plan->train.grid, lanes_for(size),
                     LANE_CELLS, !session->plan->recipe->by_lanes, &grid));
  *groups = rg_grid_lane_groups(grid);
out:
  rg_grid_free(grid);
  return status;
}

static void adopt(const rg_column *trained, rg_column *column)
{
  rg_strings old = column->categories;
  column->categories = (rg_strings){0};
  rg_strings_copy(&trained->categories, &column->categories);
  for (int64_t i = 0; i < column->n; i++)
    if (column->code[i] >= 0)
      column->code[i] = (int32_t)rg_strings_find(&column->categories,
                                                 rg_strings_at(&old, column->code[i]));
  rg_strings_fini(&old);
}

void rg_adopt_categories(const rg_dataset *trained, rg_dataset *dataset)
{
  adopt(&trained->batch, &dataset->batch);
  adopt(&trained->label, &dataset->label);
}

/* Lanes of a sample: those of the training, so that ranks up to their number hold the same
 * ones; lanes of 16 cells or more hold a multiple of 16, which rg_deal fills evenly. */
static rg_status lanes_of_sample(rg_session *session, const rg_dataset *dataset,
                                 int64_t cells, int *lanes, int *lane_cells)
{
  rg_plan *plan = session->own_plan;
  int least = lanes_for(rg_size(session->comm));
  *lanes = plan->train.lanes > least ? (int)plan->train.lanes : least;
  cells = cells < dataset->n_cells ? cells : dataset->n_cells;
  *lane_cells = (int)(cells / *lanes);
  if (*lane_cells > 16)
    *lane_cells -= *lane_cells % 16;
  session->sample = (int64_t)*lanes * *lane_cells;
  rg_free(plan->train.grid);
  plan->train.grid = rg_strdup("lanes");
  if (session->sample < 2)
    return rg_fail(RG_EINPUT, "%lld cells are too few for %d lanes", (long long)cells,
                   *lanes);
  return RG_OK;
}

static rg_status open_run(rg_comm *comm, const char *run, const rg_dataset *dataset,
                          int64_t sample, rg_session **out)
{
  rg_status status = RG_OK;
  rg_vault *vault = NULL;
  rg_session *session = RG_NEW(rg_session, 1);
  rg_mat teacher = {0};
  session->comm = comm;
  session->plan = session->own_plan = RG_NEW(rg_plan, 1);
  RG_TRY(rg_plan_read(comm, run, session->own_plan));
  RG_TRY(rg_checkpoint_open(comm, run, &vault));
  int groups = 1, lanes, lane_cells;
  RG_TRY(groups_of(session, &groups));
  lanes = lanes_for(groups);
  lane_cells = LANE_CELLS;
  if (sample > 0)
    RG_TRY(lanes_of_sample(session, dataset, sample, &lanes, &lane_cells));
  int axes = atoi(rg_vault_text(vault, "teacher_axes"));
  session->facts.n_cells = atoll(rg_vault_text(vault, "cells"));
  session->facts.steps_per_epoch = 1;
  RG_TRY(rg_session_compose(session, dataset, axes, lanes, lane_cells));
  RG_TRY(rg_checkpoint_constants(session, vault));
  RG_TRY(rg_checkpoint_parameters(session, vault));
  teacher = rg_mat_new(rg_range_n(dataset->rows), axes);
  for (int64_t i = 0; i < teacher.rows * teacher.cols; i++)
    teacher.data[i] = NAN; /* no teacher at inference */
  RG_TRY(rg_session_fill(session, &teacher, false));
  *out = session;
  session = NULL;
out:
  rg_vault_close(vault);
  rg_mat_fini(&teacher);
  rg_session_free(session);
  return status;
}

rg_status rg_session_open(rg_comm *comm, const char *run, const rg_dataset *dataset,
                          rg_session **session)
{
  return open_run(comm, run, dataset, 0, session);
}

rg_status rg_session_sample(rg_comm *comm, const char *run, const rg_dataset *dataset,
                            int64_t cells, rg_session **session)
{
  return open_run(comm, run, dataset, cells, session);
}

int rg_session_embeddings(const rg_session *session)
{
  return session->model.n_embeddings;
}

const char *rg_session_embedding_name(const rg_session *session, int which)
{
  return session->model.embedding[which].name;
}

/* ---- rows home ---- */

/* Send rows (columns [low, low + cols) of the result) to the owners of their cells. */
static void deliver(rg_session *session, const int64_t *cell, int64_t n, const float *x,
                    int64_t low, int64_t cols, rg_mat *result)
{
  rg_comm *comm = session->comm;
  int64_t total = session->dataset->n_cells, width = 2 * 8 + cols * 4;
  /* ranks may send different columns: rows are padded to the widest */
  rg_max_i64(comm, &width, 1);
  char *rows = rg_alloc(n, (size_t)width);
  int *to = RG_NEW(int, n);
  int64_t head[2] = {0, low | cols << 32};
  for (int64_t i = 0; i < n; i++) {
    head[0] = cell[i];
    memcpy(rows + i * width, head, sizeof head);
    memcpy(rows + i * width + 16, x + i * cols, sizeof *x * (size_t)cols);
    to[i] = rg_part_owner(total, rg_size(comm), cell[i]);
  }
  int64_t n_in;
  char *in = rg_scatter(comm, rows, n, width, to, &n_in);
  for (int64_t i = 0; i < n_in; i++) {
    memcpy(head, in + i * width, sizeof head);
    int64_t first = head[1] & 0xffffffff, count = head[1] >> 32;
    memcpy(rg_mat_row(result, head[0] - session->dataset->rows.low) + first,
           in + i * width + 16, sizeof *x * (size_t)count);
  }
  rg_free(in);
  rg_free(to);
  rg_free(rows);
}

typedef struct pass {
  rg_session *session;
  rg_sequence *sequence;
  rg_batch batch;
  rg_run run;
  rg_mat *result;
  /** Make `n` rows of the result's columns [low, low + cols). */
  const float *(*rows)(struct pass *pass, int64_t *low, int64_t *cols);
  void (*set_inputs)(struct pass *pass);
  rg_op *op;
  const rg_node *node, *mask;
  float *mean;
  const rg_read_out *read_out;
  int64_t draw;
  bool draws, speaks;
} pass;

static void all_cells(pass *p)
{
  rg_session *session = p->session;
  int64_t cells = rg_graph_cells(session->graph);
  int64_t passes = (session->store.n + cells - 1) / cells;
  rg_max_i64(session->comm, &passes, 1);
  p->batch = rg_batch_new(session->graph, &session->store);
  p->run = (rg_run){.graph = session->graph,
                    .share = rg_grid_share(session->grid),
                    .sequence = p->sequence,
                    .draw = p->draws,
                    .seed = (uint64_t)session->plan->train.seed,
                    .step = (uint64_t)p->draw,
                    .cell = p->batch.cell,
                    .sparse = p->batch.sparse};
  rg_pace_begin("read out", passes, "batches");
  for (int64_t k = 0; k < passes; k++) {
    rg_pace_at(k, NULL);
    int64_t low = k * cells, left = session->store.n - low;
    int64_t n = left < 0 ? 0 : left < cells ? left : cells;
    rg_batch_range(&p->batch, &session->store, low, cells);
    rg_batch_fill(&p->batch, &session->store, session->graph, false);
    if (p->set_inputs)
      p->set_inputs(p);
    rg_run_forward(&p->run);
    int64_t first = 0, cols = 0;
    const float *x = p->rows(p, &first, &cols);
    deliver(session, p->batch.cell, p->speaks ? n : 0, x, first, cols, p->result);
  }
  rg_pace_end();
  rg_batch_fini(&p->batch);
}

static rg_mat unknown_rows(const rg_session *session, int64_t cols)
{
  rg_mat mat = rg_mat_new(rg_range_n(session->dataset->rows), cols);
  for (int64_t i = 0; i < mat.rows * mat.cols; i++)
    mat.data[i] = NAN;
  return mat;
}

/* ---- embeddings ---- */

static const float *embedding_rows(pass *p, int64_t *low, int64_t *cols)
{
  int64_t cells = rg_graph_cells(p->session->graph);
  *low = 0;
  *cols = p->node->width;
  for (int64_t i = 0; p->mask && i < cells; i++)
    for (int j = 0; p->mask->x[i] <= 0 && j < p->node->width; j++)
      p->node->x[i * p->node->width + j] = NAN;
  return p->node->x;
}

/* Rows of a node, NaN where the mask (may be NULL) is not above 0. */
static void node_rows(rg_session *session, rg_node *node, rg_node *mask, rg_mat *rows)
{
  rg_node *targets[] = {node, mask, NULL};
  *rows = unknown_rows(session, node->width);
  pass p = {.session = session,
            .sequence = rg_sequence_new(session->graph, targets, NULL, 0),
            .result = rows,
            .rows = embedding_rows,
            .node = node,
            .mask = mask,
            .speaks = rg_grid_feature_group(session->grid) == 0};
  all_cells(&p);
}

rg_status rg_embed(rg_session *session, int which, rg_mat *embedding)
{
  const struct rg_embedding *e = &session->model.embedding[which];
  node_rows(session, e->node, e->mask, embedding);
  if (e->unit)
    rg_mat_unit_rows(embedding);
  return RG_OK;
}

int rg_session_groupings(const rg_session *session)
{
  return session->model.n_groupings;
}

const char *rg_session_grouping_name(const rg_session *session, int which)
{
  return session->model.grouping[which].name;
}

rg_status rg_group_shares(rg_session *session, int which, rg_mat *shares,
                          rg_strings *groups)
{
  const struct rg_grouping *g = &session->model.grouping[which];
  const rg_strings *labels = &session->dataset->label.categories;
  node_rows(session, g->node, NULL, shares);
  for (int64_t k = 0; k < shares->cols; k++) {
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)k);
    const char *name = g->labels && k < labels->n ? rg_strings_at(labels, k) : number;
    rg_strings_add(groups, name, (int64_t)strlen(name));
  }
  return RG_OK;
}

/* ---- means of modalities ---- */

/* Values that all cells count as having. */
static void set_covariates(pass *p)
{
  rg_graph *graph = p->session->graph;
  int64_t cells = rg_graph_cells(graph);
  rg_node *depth = rg_graph_find_node(graph, "depth");
  rg_node *batch = rg_graph_find_node(graph, "batch");
  if (depth && p->read_out->level)
    memset(depth->x, 0, sizeof(float) * (size_t)(cells * depth->width));
  if (!batch || p->read_out->batch < 0)
    return;
  for (int64_t i = 0; i < cells; i++)
    for (int j = 0; j < batch->width; j++)
      batch->x[i * batch->width + j] = j == p->read_out->batch ? 1 : 0;
}

static const float *mean_rows(pass *p, int64_t *low, int64_t *cols)
{
  const rg_blocks *blocks = p->op->in[0]->blocks;
  *low = blocks ? blocks->offset[blocks->mine.low] : 0;
  *cols = (blocks ? blocks->offset[blocks->mine.high] : p->op->in[0]->width) - *low;
  p->op->type->predict(&p->run, p->op, p->mean);
  rg_key key = {.seed = p->run.seed, .purpose = RG_FOR_SIMULATE};
  if (p->read_out->values)
    p->op->type->draw(&p->run, p->op, &key, p->batch.cell, p->mean);
  return p->mean;
}

/* Rows of cells without the modality that is read are not known. */
static void forget_rows(const rg_session *session, const char *from, rg_mat *mean)
{
  const rg_prepared_modality *m = rg_dataset_modality(session->dataset, from);
  for (int64_t i = 0; i < mean->rows; i++)
    for (int64_t j = 0; j < mean->cols && !rg_has_counts(m, i); j++)
      rg_mat_row(mean, i)[j] = NAN;
}

/* Add the rows of one draw to the mean over draws. */
static void mix(rg_mat *mean, const rg_mat *drawn, int64_t draw)
{
  for (int64_t k = 0; k < mean->rows * mean->cols; k++)
    mean->data[k] = draw == 0 ? drawn->data[k]
                              : mean->data[k] + (drawn->data[k] - mean->data[k]) /
                                                    (float)(draw + 1);
}

/* Nothing reads this out; what does the recipe read out instead? */
static rg_status not_predicted(const rg_session *session, const rg_read_out *o)
{
  const rg_model *model = &session->model;
  rg_strings others = {0};
  for (int i = 0; i < model->n_likelihoods; i++) {
    const struct rg_likelihood *l = &model->likelihood[i];
    if (!l->op->type->predict || !*l->from != !o->from)
      continue;
    char *text = rg_format("%s%s%s", l->modality, *l->from ? " from " : "", l->from);
    rg_strings_add(&others, text, (int64_t)strlen(text));
    rg_free(text);
  }
  char *list = rg_strings_text(&others, others.n);
  rg_status status =
      rg_fail(RG_EUSAGE, "recipe %s does not predict %s from %s; it predicts %s",
              session->plan->recipe->name, o->to, o->from ? o->from : "what a cell has",
              *list ? list : "nothing so");
  rg_free(list);
  rg_strings_fini(&others);
  return status;
}

const char *rg_session_imputes(const rg_session *session)
{
  const rg_model *model = &session->model;
  const char *first = NULL;
  for (int i = 0; i < model->n_likelihoods; i++) {
    const struct rg_likelihood *l = &model->likelihood[i];
    if (*l->from || !l->op->type->predict)
      continue;
    if (!first || strcmp(l->modality, "atac") == 0)
      first = l->modality;
  }
  return first;
}

rg_status rg_predict(rg_session *session, const rg_read_out *o, rg_mat *mean)
{
  const struct rg_likelihood *found =
      rg_model_find(&session->model, o->from ? o->from : "", o->to);
  rg_op *op = found ? found->op : NULL;
  if (!op || !op->type->predict)
    return not_predicted(session, o);
  if (o->values && !op->type->draw)
    return rg_fail(RG_EUSAGE,
                   "recipe %s predicts means of %s; values are not drawn of them",
                   session->plan->recipe->name, o->to);
  const rg_blocks *blocks = op->in[0]->blocks;
  int64_t all = blocks ? blocks->offset[blocks->n] : op->in[0]->width;
  int64_t mine = blocks ? blocks->offset[blocks->mine.high] -
                              blocks->offset[blocks->mine.low]
                        : all;
  *mean = unknown_rows(session, all);
  rg_mat drawn = o->draws > 1 ? unknown_rows(session, all) : (rg_mat){0};
  rg_node *sources[RG_OP_INPUTS + 1];
  rg_likelihood_sources(op, sources);
  pass p = {.session = session,
            .sequence = rg_sequence_new(session->graph, sources, NULL, 0),
            .result = o->draws > 1 ? &drawn : mean,
            .rows = mean_rows,
            .set_inputs = set_covariates,
            .read_out = o,
            .op = op,
            .mean = RG_NEW(float, rg_graph_cells(session->graph) * mine),
            .draws = o->draws > 0 || o->values,
            .speaks = blocks || rg_grid_feature_group(session->grid) == 0};
  for (p.draw = 0; p.draw == 0 || p.draw < o->draws; p.draw++) {
    all_cells(&p);
    if (o->draws > 1)
      mix(mean, &drawn, p.draw);
  }
  rg_free(p.mean);
  rg_mat_fini(&drawn);
  if (o->from)
    forget_rows(session, o->from, mean);
  return RG_OK;
}
