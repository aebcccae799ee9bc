/* regatta generate: cells of a type that were never measured, in every modality. */
#include "opened.h"

#include <math.h>
#include <string.h>

typedef struct generate_options {
  char *output, *labels, *label, *values;
  int64_t cells, seed;
} generate_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(generate_options, output), NULL, 0, 0, NULL, NULL,
     "the cells, an .h5mu"},
    {"labels", RG_TEXT, offsetof(generate_options, labels), NULL, 0, 0, NULL, NULL,
     "column of obs with the type of a cell; unset: that of the run"},
    {"label", RG_TEXT, offsetof(generate_options, label), NULL, 0, 0, NULL, NULL,
     "the type to make cells of"},
    {"cells", RG_INT, offsetof(generate_options, cells), "1000", 1, 1LL << 40, NULL, NULL,
     "cells to make"},
    {"values", RG_CHOICE, offsetof(generate_options, values), "counts", 0, 0,
     "counts|mean", NULL, "values drawn from the likelihood, or its means"},
    {"seed", RG_INT, offsetof(generate_options, seed), "0", 0, 1LL << 53, NULL, NULL,
     "of latents and counts"},
    {0}};

typedef struct maker {
  const rg_call *call;
  const generate_options *o;
  rg_comm *comm;
  rg_opened opened;
  rg_column labels;
  bool *wanted;       /* per cell of FILE here: of the type, with a latent */
  int64_t n_wanted;   /* on all ranks */
  rg_mat latent;      /* of the cells of FILE */
  double *mean, *deviation; /* of the type's latents */
  rg_range mine;      /* cells made here */
  int64_t *like;
  rg_mat made;        /* their latents */
} maker;

/* ---- the type ---- */

static rg_status read_labels(maker *m)
{
  rg_status status = RG_OK;
  const char *name = m->o->labels ? m->o->labels : m->opened.plan.data.labels;
  if (!m->o->label || !name)
    return rg_fail(RG_EUSAGE, "say which type to make: --label TYPE, of the column "
                              "--labels COLUMN");
  RG_TRY(rg_read_column(m->opened.file, name, &m->labels));
  RG_TRY(rg_column_as_category(m->comm, &m->labels));
  if (rg_strings_find(&m->labels.categories, m->o->label) < 0) {
    char *all = rg_strings_text(&m->labels.categories, 20);
    status = rg_fail(RG_EINPUT, "%s: column %s has no %s; there are: %s",
                     rg_file_path(m->opened.file), name, m->o->label, all);
    rg_free(all);
  }
out:
  return status;
}

static rg_status find_cells(maker *m)
{
  rg_status status = RG_OK;
  RG_TRY(read_labels(m));
  RG_TRY(rg_embed(m->opened.session, 0, &m->latent));
  int64_t type = rg_strings_find(&m->labels.categories, m->o->label);
  RG_ASSERT(m->labels.n == m->latent.rows);
  m->wanted = RG_NEW(bool, m->latent.rows);
  for (int64_t i = 0; i < m->latent.rows; i++) {
    m->wanted[i] = m->labels.code[i] == type && isfinite(rg_mat_row(&m->latent, i)[0]);
    m->n_wanted += m->wanted[i];
  }
  rg_sum_i64(m->comm, &m->n_wanted, 1);
  if (m->n_wanted < 2)
    return rg_fail(RG_EINPUT, "%lld cells of %s; at least 2 are needed",
                   (long long)m->n_wanted, m->o->label);
out:
  return status;
}

/* Mean and standard deviation of each axis over the type; sums along the tree of rows. */
static void fit_type(maker *m)
{
  int64_t d = m->latent.cols, rows = m->latent.rows;
  double n = (double)m->n_wanted, *terms = RG_NEW(double, rows * d);
  m->mean = RG_NEW(double, d);
  m->deviation = RG_NEW(double, d);
  for (int power = 1; power <= 2; power++) {
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; m->wanted[i] && j < d; j++)
        terms[i * d + j] = pow((double)rg_mat_row(&m->latent, i)[j] - m->mean[j], power);
    double *sum = RG_NEW(double, d);
    rg_sum_rows_f64(m->comm, terms, rows, d, sum);
    for (int64_t j = 0; j < d; j++) {
      if (power == 1)
        m->mean[j] = sum[j] / n;
      else
        m->deviation[j] = sqrt(sum[j] / (n - 1));
    }
    rg_free(sum);
  }
  rg_free(terms);
}

/* ---- the cells ---- */

/* Cell g is like the g-th cell of the type, again from the first past the last. */
static void find_likes(maker *m)
{
  int64_t here = 0, total = 0;
  for (int64_t i = 0; i < m->latent.rows; i++)
    here += m->wanted[i];
  int64_t *number = RG_NEW(int64_t, here), k = 0;
  for (int64_t i = 0; i < m->latent.rows; i++)
    if (m->wanted[i])
      number[k++] = m->opened.dataset.rows.low + i;
  int64_t *all = rg_gather_all(m->comm, number, here * (int64_t)sizeof *number, NULL,
                               &total);
  m->like = RG_NEW(int64_t, rg_range_n(m->mine));
  for (int64_t g = m->mine.low; g < m->mine.high; g++)
    m->like[g - m->mine.low] = all[g % m->n_wanted];
  rg_free(all);
  rg_free(number);
}

static void draw_latents(maker *m)
{
  rg_key key = {.seed = (uint64_t)m->o->seed, .purpose = RG_FOR_LATENT};
  m->mine = rg_part(m->o->cells, rg_rank(m->comm), rg_size(m->comm));
  m->made = rg_mat_new(rg_range_n(m->mine), m->latent.cols);
  for (int64_t i = 0; i < m->made.rows; i++) {
    float *row = rg_mat_row(&m->made, i);
    rg_normals(&key, (uint64_t)(m->mine.low + i), (int)m->made.cols, row);
    for (int64_t j = 0; j < m->made.cols; j++)
      row[j] = (float)(m->mean[j] + m->deviation[j] * (double)row[j]);
  }
}

static rg_csr compress(const rg_mat *x)
{
  int64_t nnz = 0;
  for (int64_t k = 0; k < x->rows * x->cols; k++)
    nnz += x->data[k] < 0 || x->data[k] > 0;
  rg_csr csr = rg_csr_new(x->rows, x->cols, nnz);
  int64_t e = 0;
  for (int64_t i = 0; i < x->rows; i++) {
    for (int64_t j = 0; j < x->cols; j++) {
      float value = rg_mat_row(x, i)[j];
      if (value < 0 || value > 0) {
        csr.indices[e] = (int32_t)j;
        csr.values[e++] = value;
      }
    }
    csr.indptr[i + 1] = e;
  }
  return csr;
}

static rg_status make_modality(maker *m, const rg_prepared_modality *like, rg_csr *counts)
{
  rg_mat values = {0};
  rg_generation g = {.to = like->name,
                     .latent = &m->made,
                     .like = m->like,
                     .counts = m->o->values[0] == 'c',
                     .seed = (uint64_t)m->o->seed,
                     .first = m->mine.low};
  rg_status status = rg_generate(m->opened.session, &g, &values);
  if (status != RG_OK)
    return status;
  *counts = compress(&values);
  rg_mat_fini(&values);
  return RG_OK;
}

static rg_status write_cells(maker *m, const rg_csr *counts)
{
  const rg_dataset *dataset = &m->opened.dataset;
  rg_new_modality modality[RG_MODALITIES] = {0};
  rg_strings names = {0};
  int64_t n = rg_range_n(m->mine);
  rg_column type = {.name = rg_strdup("cell_type"), .type = RG_COLUMN_CATEGORY, .n = n,
                    .code = RG_NEW(int32_t, n)};
  rg_strings_add(&type.categories, m->o->label, -1);
  for (int64_t g = m->mine.low; g < m->mine.high; g++) {
    char name[40];
    snprintf(name, sizeof name, "generated-%lld", (long long)g);
    rg_strings_add(&names, name, -1);
  }
  for (int k = 0; k < dataset->n_modalities; k++)
    modality[k] = (rg_new_modality){.name = dataset->modality[k].name,
                                    .counts = &counts[k],
                                    .features = &dataset->modality[k].features};
  rg_status status = rg_write_h5mu(m->comm, m->o->output, m->o->cells, &names, 1, &type,
                                   dataset->n_modalities, modality);
  rg_strings_fini(&names);
  rg_column_fini(&type);
  return status;
}

/* ---- the command ---- */

static void maker_fini(maker *m)
{
  rg_opened_fini(&m->opened);
  rg_column_fini(&m->labels);
  rg_free(m->wanted);
  rg_mat_fini(&m->latent);
  rg_free(m->mean);
  rg_free(m->deviation);
  rg_free(m->like);
  rg_mat_fini(&m->made);
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  maker m = {.call = call, .o = call->options, .comm = call->comm};
  rg_csr counts[RG_MODALITIES] = {{0}};
  RG_TRY(rg_opened_make(call, m.o->output, &m.opened));
  RG_TRY(find_cells(&m));
  fit_type(&m);
  draw_latents(&m);
  find_likes(&m);
  const rg_dataset *dataset = &m.opened.dataset;
  for (int k = 0; k < dataset->n_modalities; k++)
    RG_TRY(make_modality(&m, &dataset->modality[k], &counts[k]));
  RG_TRY(write_cells(&m, counts));
  rg_info("generate: %lld cells of %s, like %lld measured ones", (long long)m.o->cells,
          m.o->label, (long long)m.n_wanted);
  rg_say_result(call->comm, m.o->output);
out:
  for (int k = 0; k < RG_MODALITIES; k++)
    rg_csr_fini(&counts[k]);
  maker_fini(&m);
  return status;
}

const rg_command rg_cmd_generate = {
    .name = "generate",
    .arguments = "RUN FILE -o OUT.h5mu",
    .summary = "make cells of a type in every modality with a trained run",
    .help =
        "Takes the latents of the cells of FILE that have the label, draws as many new "
        "ones "
        "as wanted from a normal distribution with their mean and standard deviation "
        "on "
        "each axis, and decodes every modality from each. A made cell has the library "
        "and batch of a measured one of the type, in turn. OUT.h5mu has the counts (or "
        "means) of the features of the run, and the type in obs. The same cells on any "
        "number of ranks. For recipes that decode from one latent: sccross.",
    .example = "regatta generate run cells.h5mu --label B --cells 500 -o made.h5mu",
    .options = options,
    .options_size = sizeof(generate_options),
    .min_arguments = 2,
    .max_arguments = 2,
    .order = 94,
    .run = run};
