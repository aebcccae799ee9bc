/* Cells that were never measured: values of a modality decoded from given latents. */
#include "internal.h"

#include <string.h>

/* ---- a pass ---- */

typedef struct pass {
  rg_session *session;
  const rg_generation *g;
  const struct rg_likelihood *likelihood;
  rg_mat *table; /* per dense input: its rows for this rank's cells of the data set */
  rg_batch batch;
  rg_run run;
  float *mean;
  int64_t *number; /* of the cells of a pass */
  int64_t width;
} pass;

static bool is_dense_input(const rg_node *node)
{
  return node->input && !node->sparse && !rg_is_near(node->name);
}

/* Rows of the store as rows of the data set. Owned. */
static rg_mat *tables_new(const rg_session *session)
{
  const rg_store *store = &session->store;
  rg_range mine = session->dataset->rows;
  rg_mat *table = RG_NEW(rg_mat, store->n_dense + 1);
  for (int k = 0; k < store->n_dense; k++) {
    int64_t cols = store->dense[k].cols;
    table[k] = rg_mat_new(rg_range_n(mine), cols);
    for (int64_t i = 0; i < store->n; i++)
      memcpy(rg_mat_row(&table[k], store->cell[i] - mine.low),
             rg_mat_row(&store->dense[k], i), sizeof(float) * (size_t)cols);
  }
  return table;
}

static void tables_free(const rg_session *session, rg_mat *table)
{
  for (int k = 0; k < session->store.n_dense; k++)
    rg_mat_fini(&table[k]);
  rg_free(table);
}

/* Inputs of the cells that rows low.. are like, wherever they live; and their latents. */
static void fill(pass *p, int64_t low, int64_t n)
{
  rg_session *session = p->session;
  rg_graph *graph = session->graph;
  int64_t total = session->dataset->n_cells;
  for (int i = 0, k = 0; i < rg_graph_nodes(graph); i++) {
    rg_node *node = rg_graph_node(graph, i);
    if (!is_dense_input(node))
      continue;
    rg_fetch(session->comm, p->table[k].data, total,
             p->table[k].cols * (int64_t)sizeof(float), p->g->like + low, n, node->x);
    k++;
  }
  rg_node *latent = session->model.latent;
  memcpy(latent->x, p->g->latent->data + low * latent->width,
         sizeof(float) * (size_t)(n * latent->width));
}

static void take(pass *p, int64_t low, int64_t n, rg_mat *values)
{
  rg_key key = {.seed = p->g->seed, .purpose = RG_FOR_SIMULATE};
  rg_op *op = p->likelihood->op;
  op->type->predict(&p->run, op, p->mean);
  for (int64_t i = 0; i < rg_graph_cells(p->run.graph); i++)
    p->number[i] = p->g->first + low + i;
  if (p->g->counts)
    op->type->draw(&p->run, op, &key, p->number, p->mean);
  for (int64_t i = 0; i < n; i++)
    memcpy(rg_mat_row(values, low + i), p->mean + i * p->width,
           sizeof(float) * (size_t)p->width);
}

static void all_rows(pass *p, rg_mat *values)
{
  rg_session *session = p->session;
  int64_t cells = rg_graph_cells(session->graph), rows = p->g->latent->rows;
  int64_t passes = (rows + cells - 1) / cells;
  rg_max_i64(session->comm, &passes, 1);
  for (int64_t k = 0; k < passes; k++) {
    int64_t low = k * cells < rows ? k * cells : rows;
    int64_t n = rows - low < cells ? rows - low : cells;
    fill(p, low, n);
    rg_run_forward(&p->run);
    take(p, low, n, values);
  }
}

/* ---- entry ---- */

static rg_status check(const rg_session *session, const rg_generation *g,
                       const struct rg_likelihood *l)
{
  const char *recipe = session->plan->recipe->name;
  if (!session->model.latent || !l || !l->op->type->predict)
    return rg_fail(RG_EUSAGE, "recipe %s does not generate %s from a latent; see: regatta "
                   "generate --help", recipe, g->to);
  if (g->counts && !l->op->type->draw)
    return rg_fail(RG_EUSAGE, "recipe %s draws no values of %s; ask for means", recipe,
                   g->to);
  if (rg_grid_feature_groups(session->grid) > 1)
    return rg_fail(RG_EUSAGE, "to generate, every rank needs all features: train with "
                              "train.grid=lanes");
  RG_ASSERT(g->latent->cols == session->model.latent->width);
  return RG_OK;
}

rg_status rg_generate(rg_session *session, const rg_generation *g, rg_mat *values)
{
  const struct rg_likelihood *l = rg_model_find(&session->model, "", g->to);
  rg_status status = check(session, g, l);
  if (status != RG_OK)
    return status;
  rg_node *sources[RG_OP_INPUTS + 1];
  rg_likelihood_sources(l->op, sources);
  pass p = {.session = session, .g = g, .likelihood = l, .table = tables_new(session),
            .batch = rg_batch_new(session->graph, &session->store)};
  p.width = rg_dataset_modality(session->dataset, g->to)->features.n;
  p.mean = RG_NEW(float, rg_graph_cells(session->graph) * p.width);
  p.number = RG_NEW(int64_t, rg_graph_cells(session->graph));
  p.run = (rg_run){.graph = session->graph,
                   .share = rg_grid_share(session->grid),
                   .sequence = rg_sequence_from(session->graph, session->model.latent,
                                                sources),
                   .cell = p.batch.cell,
                   .sparse = p.batch.sparse};
  *values = rg_mat_new(g->latent->rows, p.width);
  all_rows(&p, values);
  rg_free(p.mean);
  rg_free(p.number);
  rg_batch_fini(&p.batch);
  tables_free(session, p.table);
  return RG_OK;
}
