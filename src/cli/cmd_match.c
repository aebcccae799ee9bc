/* regatta match: cells of one modality matched with cells of another. */
#include "opened.h"
#include "regatta/eval.h"
#include "results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PAIRED = 10000 }; /* cells for scores of all pairs */

typedef struct match_options {
  char *a, *b, *second, *batch, *method, *output, *sparse;
  int64_t k;
} match_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(match_options, output), NULL, 0, 0, NULL, NULL,
     "pairs with their weights, a table of cell_a, cell_b, weight separated by tabs"},
    {"a", RG_TEXT, offsetof(match_options, a), NULL, 0, 0, NULL, NULL,
     "embedding of the cells to find partners for: a key of obsm, or of a run a modality"},
    {"b", RG_TEXT, offsetof(match_options, b), NULL, 0, 0, NULL, NULL,
     "embedding of the partners to choose from"},
    {"second", RG_TEXT, offsetof(match_options, second), NULL, 0, 0, NULL, NULL,
     "another file of results that b is taken from"},
    {"batch", RG_TEXT, offsetof(match_options, batch), NULL, 0, 0, NULL, NULL,
     "column of obs: only cells of the same batch are matched"},
    {"method", RG_CHOICE, offsetof(match_options, method), "snn", 0, 0, "snn|knn|mnn",
     NULL, "shared nearest neighbours, nearest neighbours, or mutual ones"},
    {"k", RG_INT, offsetof(match_options, k), "1", 1, 1000, NULL, NULL, "neighbours"},
    {"sparse", RG_TEXT, offsetof(match_options, sparse), NULL, 0, 0, NULL, NULL,
     "also write the weights to this .h5ad, X being cells of a x cells of b"},
    {0}};

/* What is matched; a side is 0 or 1. */
typedef struct matched {
  rg_annot annot[2]; /* owned; the second is empty when both sides are of one file */
  const rg_annot *from[2];
  const char *path[2], *key[2];
  const rg_mat *x[2];
  rg_column batch[2];
  int n_batches;
  rg_csr weights;
  int64_t *partner; /* per row of a: its row of b, -1: none known */
  int64_t truth;    /* cells with a partner */
} matched;

/* ---- two sides ------------------------------------------------------------------- */

/* The embeddings of FILE by RUN; the annot is moved out. Collective. */
static rg_status embed(const rg_call *call, rg_annot *annot, char **prefix)
{
  const match_options *o = call->options;
  rg_status status = RG_OK;
  rg_opened opened = {0};
  RG_TRY(rg_opened_make(call, o->output, &opened));
  RG_TRY(rg_opened_embeddings(&opened));
  *prefix = rg_format("X_%s_", opened.plan.recipe->name);
  *annot = opened.annot;
  opened.annot = (rg_annot){0};
out:
  rg_opened_fini(&opened);
  return status;
}

static rg_status read_sides(const rg_call *call, matched *m)
{
  const match_options *o = call->options;
  rg_status status = RG_OK;
  char *prefix = NULL;
  bool by_run = call->n_arguments == 2;
  if (!o->a || !o->b)
    RG_TRY(rg_fail(RG_EUSAGE, "match: needs --a and --b"));
  if (by_run && o->second)
    RG_TRY(rg_fail(RG_EUSAGE, "match: --second goes with RESULTS, not with RUN FILE"));
  if (by_run)
    RG_TRY(embed(call, &m->annot[0], &prefix));
  else
    RG_TRY(rg_annot_read(call->comm, call->arguments[0], &m->annot[0]));
  if (o->second)
    RG_TRY(rg_annot_read(call->comm, o->second, &m->annot[1]));
  for (int s = 0; s < 2; s++) {
    bool other = s == 1 && o->second;
    m->from[s] = &m->annot[other];
    m->path[s] = other ? o->second : call->arguments[by_run];
    char *key = rg_format("%s%s", prefix ? prefix : "", s == 0 ? o->a : o->b);
    status = rg_results_embedding(m->from[s], m->path[s], key, &m->key[s], &m->x[s]);
    rg_free(key);
    RG_TRY(status);
  }
out:
  rg_free(prefix);
  return status;
}

/* Batches of b by their number among those of a; -1 where a has none of that name. */
static rg_status read_batches(const rg_call *call, matched *m)
{
  const match_options *o = call->options;
  rg_status status = RG_OK;
  if (!o->batch)
    return RG_OK;
  for (int s = 0; s < 2; s++)
    RG_TRY(rg_results_category(call->comm, m->from[s], o->batch, &m->batch[s]));
  rg_column *b = &m->batch[1];
  m->n_batches = (int)m->batch[0].categories.n;
  int32_t *number = RG_NEW(int32_t, b->categories.n);
  for (int64_t k = 0; k < b->categories.n; k++)
    number[k] = (int32_t)rg_strings_find(&m->batch[0].categories,
                                         rg_strings_at(&b->categories, k));
  for (int64_t i = 0; i < b->n; i++)
    b->code[i] = b->code[i] < 0 ? -1 : number[b->code[i]];
  rg_free(number);
out:
  return status;
}

static bool is_matched(const matched *m, int side, int64_t i)
{
  if (m->n_batches > 0 && m->batch[side].code[i] < 0)
    return false;
  const float *row = rg_mat_row(m->x[side], i);
  for (int64_t j = 0; j < m->x[side]->cols; j++)
    if (!isfinite(row[j]))
      return false;
  return true;
}

/* ---- the truth ------------------------------------------------------------------- */

/* The row of b with the name of each row of a, where both can be matched. Collective. */
static rg_status find_partners(rg_comm *comm, matched *m)
{
  rg_status status = RG_OK;
  int64_t rows = m->x[0]->rows, others = m->x[1]->rows, n = 0;
  bool *able = RG_NEW(bool, others), *found = RG_NEW(bool, rows);
  int64_t *known = RG_NEW(int64_t, rows);
  m->partner = RG_NEW(int64_t, rows);
  if (m->from[0] == m->from[1])
    for (int64_t i = 0; i < rows; i++)
      m->partner[i] = m->from[0]->rows.low + i;
  else
    RG_TRY(rg_names_match(comm, m->path[1], &m->from[1]->names, &m->from[0]->names,
                          m->partner));
  for (int64_t i = 0; i < others; i++)
    able[i] = is_matched(m, 1, i);
  for (int64_t i = 0; i < rows; i++)
    if (m->partner[i] >= 0)
      known[n++] = m->partner[i];
  rg_fetch(comm, able, m->from[1]->n_cells, sizeof *able, known, n, found);
  n = 0;
  for (int64_t i = 0; i < rows; i++) {
    bool there = m->partner[i] >= 0 && found[n++];
    m->partner[i] = there && is_matched(m, 0, i) ? m->partner[i] : -1;
    m->truth += m->partner[i] >= 0;
  }
  rg_sum_i64(comm, &m->truth, 1);
out:
  rg_free(known);
  rg_free(found);
  rg_free(able);
  return status;
}

/* The score of picking one of the batch by chance. Collective. */
static double chance(rg_comm *comm, const matched *m)
{
  int batches = m->n_batches > 0 ? m->n_batches : 1;
  int64_t *candidates = RG_NEW(int64_t, batches), *cells = RG_NEW(int64_t, batches);
  for (int64_t i = 0; i < m->x[1]->rows; i++)
    if (is_matched(m, 1, i))
      candidates[m->n_batches > 0 ? m->batch[1].code[i] : 0]++;
  for (int64_t i = 0; i < m->x[0]->rows; i++)
    if (m->partner[i] >= 0)
      cells[m->n_batches > 0 ? m->batch[0].code[i] : 0]++;
  rg_sum_i64(comm, candidates, batches);
  rg_sum_i64(comm, cells, batches);
  double sum = 0;
  for (int k = 0; k < batches; k++)
    sum += candidates[k] > 0 ? (double)cells[k] / (double)candidates[k] : 0;
  rg_free(candidates);
  rg_free(cells);
  return sum / (double)m->truth;
}

/* Over the cells with a partner, a keyed sample of many, rows of unit length: all pairs are
 * measured. *cells gets their number. Collective. */
static rg_status foscttm(rg_comm *comm, const matched *m, double *value, int64_t *cells)
{
  rg_key key = {.purpose = RG_FOR_SPLIT};
  const rg_metric *metric = NULL;
  for (int k = 0; rg_metrics[k]; k++)
    metric = strcmp(rg_metrics[k]->name, "foscttm") == 0 ? rg_metrics[k] : metric;
  RG_ASSERT(metric);
  int64_t rows = m->x[0]->rows, cols = m->x[0]->cols, n = 0, total, number = 0;
  for (int64_t i = 0; i < rows; i++)
    number += m->partner[i] >= 0;
  number = rg_prefix_i64(comm, number, NULL);
  int64_t *known = RG_NEW(int64_t, rows);
  rg_mat a = rg_mat_new(rows, cols), b = rg_mat_new(rows, cols);
  for (int64_t i = 0; i < rows; i++) {
    if (m->partner[i] < 0 || rg_permuted(&key, m->truth, number++) >= MOST_PAIRED)
      continue;
    memcpy(rg_mat_row(&a, n), rg_mat_row(m->x[0], i), sizeof(float) * (size_t)cols);
    known[n++] = m->partner[i];
  }
  rg_prefix_i64(comm, m->x[1]->rows, &total);
  rg_fetch(comm, m->x[1]->data, total, cols * (int64_t)sizeof(float), known, n, b.data);
  a.rows = b.rows = n;
  rg_mat_unit_rows(&a);
  rg_mat_unit_rows(&b);
  rg_score score;
  int scores = 0;
  rg_status status = metric->compute(comm, &(rg_scored){.embedding = &a, .second = &b},
                                     &score, &scores);
  *value = score.value;
  *cells = m->truth < MOST_PAIRED ? m->truth : MOST_PAIRED;
  rg_mat_fini(&a);
  rg_mat_fini(&b);
  rg_free(known);
  return status;
}

static rg_status say_scores(rg_comm *comm, const matched *m)
{
  double far;
  int64_t cells;
  rg_status status = foscttm(comm, m, &far, &cells);
  if (status != RG_OK)
    return status;
  rg_match_scores s = rg_match_score(comm, &m->weights, m->partner);
  double by_chance = chance(comm, m);
  rg_say(comm, "%lld cells have their partner on the other side\n%-16s %10s %10s\n",
         (long long)s.cells, "", "found", "chance");
  rg_say(comm, "%-16s %10.6f %10.6f\n", "matching_score", s.score, by_chance);
  rg_say(comm, "%-16s %10.6f %10.6f\n", "top1", s.top1, by_chance);
  rg_say(comm, "%-16s %10.6f %10.6f", "foscttm", far,
         (double)(cells - 1) / 2 / (double)cells);
  rg_say(comm, cells < m->truth ? " of %lld cells\n" : "\n", (long long)cells);
  return RG_OK;
}

/* ---- files ----------------------------------------------------------------------- */

/* The names of the columns of all weights here, each in `width` bytes. Owned.
 * Collective. */
static char *names_of_columns(rg_comm *comm, const matched *m, int64_t *width)
{
  const rg_strings *names = &m->from[1]->names;
  int64_t nnz = rg_csr_nnz(&m->weights), longest = 0;
  for (int64_t i = 0; i < names->n; i++) {
    int64_t length = (int64_t)strlen(rg_strings_at(names, i));
    longest = length > longest ? length : longest;
  }
  rg_max_i64(comm, &longest, 1);
  *width = longest + 1;
  char *padded = rg_alloc(names->n, (size_t)*width), *out = rg_alloc(nnz, (size_t)*width);
  int64_t *ids = RG_NEW(int64_t, nnz);
  for (int64_t i = 0; i < names->n; i++)
    strcpy(padded + i * *width, rg_strings_at(names, i));
  for (int64_t e = 0; e < nnz; e++)
    ids[e] = m->weights.indices[e];
  rg_fetch(comm, padded, m->weights.cols, *width, ids, nnz, out);
  rg_free(padded);
  rg_free(ids);
  return out;
}

typedef struct partner {
  float weight;
  int64_t at; /* in the weights */
} partner;

static int heaviest(const void *x, const void *y)
{
  const partner *a = x, *b = y;
  if (a->weight != b->weight)
    return a->weight > b->weight ? -1 : 1;
  return (a->at > b->at) - (a->at < b->at);
}

/* A name that breaks the table. */
static rg_status check_names(const matched *m)
{
  for (int s = 0; s < 2; s++)
    for (int64_t i = 0; i < m->from[s]->names.n; i++)
      if (strpbrk(rg_strings_at(&m->from[s]->names, i), "\t\n\r"))
        return rg_fail(RG_EINPUT, "%s:/obs: the name %s has a tab or a line break; it "
                                  "cannot stand in a table", m->path[s],
                       rg_strings_at(&m->from[s]->names, i));
  return RG_OK;
}

/* Rows in the order of the file, the heaviest partner first. Collective. */
static rg_status write_table(rg_comm *comm, const matched *m, const char *path)
{
  enum { NUMBER = 32 };
  static const char head[] = "cell_a\tcell_b\tweight\n";
  const rg_csr *w = &m->weights;
  int64_t width, longest = 0, bytes = sizeof head, n = 0;
  char *columns = names_of_columns(comm, m, &width);
  for (int64_t i = 0; i < w->rows; i++) {
    int64_t entries = w->indptr[i + 1] - w->indptr[i];
    longest = entries > longest ? entries : longest;
    bytes += entries * ((int64_t)strlen(rg_strings_at(&m->from[0]->names, i)) + width +
                        NUMBER);
  }
  partner *row = RG_NEW(partner, longest);
  char *text = rg_alloc(bytes, 1);
  if (rg_rank(comm) == 0)
    n = snprintf(text, (size_t)bytes, "%s", head);
  for (int64_t i = 0; i < w->rows; i++) {
    int64_t entries = w->indptr[i + 1] - w->indptr[i];
    for (int64_t e = 0; e < entries; e++)
      row[e] = (partner){w->values[w->indptr[i] + e], w->indptr[i] + e};
    qsort(row, (size_t)entries, sizeof *row, heaviest);
    for (int64_t e = 0; e < entries; e++)
      n += snprintf(text + n, (size_t)(bytes - n), "%s\t%s\t%.9g\n",
                    rg_strings_at(&m->from[0]->names, i), columns + row[e].at * width,
                    (double)row[e].weight);
  }
  rg_status status = rg_write_texts(comm, path, text, n);
  rg_free(text);
  rg_free(row);
  rg_free(columns);
  return status;
}

/* All names of b on every rank. Collective. */
static rg_strings all_names(rg_comm *comm, const rg_strings *mine)
{
  rg_strings all = {0};
  int64_t bytes;
  char *text = rg_gather_all(comm, mine->text, mine->n > 0 ? mine->offset[mine->n] : 0,
                             NULL, &bytes);
  for (int64_t at = 0; at < bytes; at += (int64_t)strlen(text + at) + 1)
    rg_strings_add(&all, text + at, -1);
  rg_free(text);
  return all;
}

/* The weights move into the file. Collective. */
static rg_status write_matrix(const rg_call *call, matched *m, const char *path)
{
  rg_annot annot = {.n_cells = m->from[0]->n_cells, .rows = m->from[0]->rows,
                    .has_x = true, .sparse_x = m->weights};
  rg_strings_copy(&m->from[0]->names, &annot.names);
  annot.var_names = all_names(call->comm, &m->from[1]->names);
  rg_annot_note_text(&annot, "regatta/command", call->line);
  rg_status status = rg_annot_write(call->comm, path, &annot);
  m->weights = (rg_csr){0};
  rg_annot_fini(&annot);
  return status;
}

/* ---- the command ----------------------------------------------------------------- */

static rg_match_kind kind_of(const char *method)
{
  return strcmp(method, "snn") == 0   ? RG_MATCH_SNN
         : strcmp(method, "knn") == 0 ? RG_MATCH_KNN
                                      : RG_MATCH_MNN;
}

static rg_status match_them(const rg_call *call, matched *m)
{
  const match_options *o = call->options;
  rg_status status = RG_OK;
  rg_match_side a = {m->x[0], m->batch[0].code}, b = {m->x[1], m->batch[1].code};
  RG_TRY(rg_match(call->comm, &a, &b, m->n_batches, kind_of(o->method), (int)o->k,
                  &m->weights));
  int64_t pairs = rg_csr_nnz(&m->weights), rows = 0;
  for (int64_t i = 0; i < m->weights.rows; i++)
    rows += m->weights.indptr[i + 1] > m->weights.indptr[i];
  rg_sum_i64(call->comm, &pairs, 1);
  rg_sum_i64(call->comm, &rows, 1);
  rg_say(call->comm, "%s of %s matched with %s of %s: %s, k = %lld, %s%s\n", m->key[0],
         m->path[0], m->key[1], m->path[1], o->method, (long long)o->k,
         o->batch ? "inside each " : "all cells together", o->batch ? o->batch : "");
  rg_say(call->comm, "%lld of %lld cells matched, %lld pairs\n", (long long)rows,
         (long long)m->from[0]->n_cells, (long long)pairs);
  if (rows == 0 && rg_rank(call->comm) == 0)
    rg_warn("no cell is matched: %s", o->batch ? "no batch has cells of both sides"
                                               : "one side has no cells");
out:
  return status;
}

static rg_status run(const rg_call *call)
{
  const match_options *o = call->options;
  rg_status status = RG_OK;
  matched m = {0};
  RG_TRY(rg_check_output(call->comm, o->output));
  if (o->sparse)
    RG_TRY(rg_check_output(call->comm, o->sparse));
  RG_TRY(read_sides(call, &m));
  RG_TRY(read_batches(call, &m));
  RG_TRY_ALL(call->comm, check_names(&m));
  RG_TRY(match_them(call, &m));
  RG_TRY(find_partners(call->comm, &m));
  if (m.truth > 0)
    RG_TRY(say_scores(call->comm, &m));
  RG_TRY(write_table(call->comm, &m, o->output));
  if (o->sparse)
    RG_TRY(write_matrix(call, &m, o->sparse));
  rg_say_result(call->comm, o->output);
out:
  rg_free(m.partner);
  rg_csr_fini(&m.weights);
  for (int s = 0; s < 2; s++) {
    rg_column_fini(&m.batch[s]);
    rg_annot_fini(&m.annot[s]);
  }
  return status;
}

const rg_command rg_cmd_match = {
    .name = "match",
    .arguments = "RESULTS.h5ad -o PAIRS.tsv",
    .summary = "match the cells of one modality with those of another",
    .help =
        "For every cell of --a the cells of --b that go with it, with weights that sum to "
        "1. Both are embeddings in one space: keys of obsm of RESULTS.h5ad, b of --second "
        "where it is given; or, with RUN FILE in the place of RESULTS.h5ad, modalities of "
        "FILE embedded by a trained run. Rows are scaled to unit length; rows of NaN "
        "(cells without the modality) are left out. snn weighs a pair by the share of "
        "neighbours that it has in common: with --k 1 mutual nearest cells weigh three "
        "times as much as one-sided ones. Where cells of the same name are on both sides "
        "they are the truth: the weight that goes to it (matching_score), how often it "
        "weighs most (top1), and the share of cells that are closer (foscttm, over all "
        "batches; of a sample of 10,000) are printed beside chance.",
    .example = "regatta match run cells.h5mu --a rna --b adt --batch plate -o pairs.tsv",
    .options = options,
    .options_size = sizeof(match_options),
    .min_arguments = 1,
    .max_arguments = 2,
    .order = 95,
    .run = run};
