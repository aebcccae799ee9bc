/* Depth, pair weights and the split decoder of SAILER and SAILERX. */
#include "sailer_parts.h"

#include <math.h>
#include <string.h>

/* ---- depth ---- */

static double open_peaks(const rg_csr *counts, int64_t i)
{
  return (double)(counts->indptr[i + 1] - counts->indptr[i]);
}

static double row_sum(const rg_csr *counts, int64_t i)
{
  double sum = 0;
  for (int64_t k = counts->indptr[i]; k < counts->indptr[i + 1]; k++)
    sum += (double)counts->values[k];
  return sum;
}

/* Mean and standard deviation of log depth over all cells that have ATAC. Sums are taken
 * as integers of 2^-30, so that they do not depend on the number of ranks. */
static void fit_depth(rg_comm *comm, const rg_prepared_modality *atac, bool raw,
                      double *moments)
{
  int64_t sums[3] = {0};
  const double unit = 1073741824.0;
  for (int64_t i = 0; i < atac->counts.rows; i++) {
    if (!atac->present[i] || open_peaks(&atac->counts, i) < 1)
      continue;
    double l = log(raw ? row_sum(&atac->counts, i) : open_peaks(&atac->counts, i));
    sums[0]++;
    sums[1] += llround(l * unit);
    sums[2] += llround(l * l * unit);
  }
  rg_sum_i64(comm, sums, 3);
  double n = fmax((double)sums[0], 1), mean = (double)sums[1] / unit / n;
  double variance = (double)sums[2] / unit / n - mean * mean;
  moments[0] = mean;
  moments[1] = variance > 1e-12 ? sqrt(variance) : 1;
}

static void fill_depth(const rg_prepared_modality *atac, const double *moments,
                       rg_mat *depth)
{
  for (int64_t i = 0; i < depth->rows; i++)
    if (atac->present[i] && open_peaks(&atac->counts, i) > 0)
      depth->data[i] =
          (float)((log(open_peaks(&atac->counts, i)) - moments[0]) / moments[1]);
}

/* ---- pair weights ---- */

/* q = log(rna depth / atac depth), scaled to 0..1 over cells that have both */
static void fill_pair_weight(rg_comm *comm, const rg_prepared_modality *rna,
                             const rg_prepared_modality *atac, rg_mat *weight)
{
  double extremes[2] = {INFINITY, INFINITY}; /* of q and -q */
  double *q = RG_NEW(double, weight->rows);
  for (int64_t i = 0; i < weight->rows; i++) {
    bool both = rna->present[i] && atac->present[i] && rna->depth[i] > 0 &&
                open_peaks(&atac->counts, i) > 0;
    q[i] = both ? log(rna->depth[i] / row_sum(&atac->counts, i)) : NAN;
    if (both) {
      extremes[0] = fmin(extremes[0], q[i]);
      extremes[1] = fmin(extremes[1], -q[i]);
    }
  }
  rg_min_f64(comm, extremes, 2);
  double low = extremes[0], span = -extremes[1] - low;
  for (int64_t i = 0; i < weight->rows; i++)
    weight->data[i] = isnan(q[i]) ? 0 : span > 0 ? (float)((q[i] - low) / span) : 1;
  rg_free(q);
}

rg_status rg_sailer_covariates(rg_comm *comm, const rg_dataset *dataset, bool raw_depth,
                               bool pair_weight, bool fit, rg_constants *constants,
                               rg_covariates *covariates)
{
  const rg_prepared_modality *atac = rg_dataset_modality(dataset, "atac");
  const rg_prepared_modality *rna = rg_dataset_modality(dataset, "rna");
  int64_t rows = rg_range_n(dataset->rows);
  bool fitted = rg_constants_length(constants, "depth") > 0;
  double *moments = rg_constants_get(constants, "depth", 2);
  if (fit && !fitted)
    fit_depth(comm, atac, raw_depth, moments);
  fill_depth(atac, moments, rg_covariates_add(covariates, "depth", rows, 1));
  if (pair_weight) {
    rg_mat *weight = rg_covariates_add(covariates, "pair_weight", rows, 1);
    if (rna)
      fill_pair_weight(comm, rna, atac, weight);
    for (int64_t i = 0; !rna && i < rows; i++)
      weight->data[i] = 1;
  }
  return RG_OK;
}

/* ---- network ---- */

rg_node *rg_sailer_condition(rg_graph *graph, const rg_facts *facts, rg_node *z)
{
  rg_node *depth = rg_input(graph, "depth", 1);
  if (facts->n_batches < 2)
    return rg_apply(graph, "concat", "conditioned", NULL, z, depth, NULL);
  rg_node *batch = rg_input(graph, "batch", facts->n_batches);
  return rg_apply(graph, "concat", "conditioned", NULL, z, depth, batch, NULL);
}

rg_node *rg_sailer_split_decoder(rg_graph *graph, rg_node *conditioned, rg_node *like,
                                 int chunk, int hidden)
{
  char width[64];
  snprintf(width, sizeof width, "width=%d", chunk);
  rg_node *h = rg_apply(graph, "split", "dec.fc1", width, conditioned, like, NULL);
  h = rg_apply(graph, "batchnorm", "dec.bn1", NULL, h, NULL);
  h = rg_apply(graph, "prelu", "dec.act1", "shared=true", h, NULL);
  snprintf(width, sizeof width, "width=%d init=xavier", hidden);
  h = rg_apply(graph, "linear", "dec.fc2", width, h, NULL);
  h = rg_apply(graph, "batchnorm", "dec.bn2", NULL, h, NULL);
  return rg_apply(graph, "prelu", "dec.act2", NULL, h, NULL);
}
