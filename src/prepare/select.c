/* Which features are kept, and in which order: filters by the number of cells, highly
 * variable genes, most accessible peaks; peaks by chromosome and start. */
#include "src/prepare/inner.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

rg_kind rg_kind_of(const char *name, bool has_chromosomes, bool are_counts)
{
  if (strcmp(name, "rna") == 0)
    return RG_KIND_COUNTS;
  if (strcmp(name, "adt") == 0)
    return RG_KIND_PROTEIN;
  if (strcmp(name, "atac") == 0 || has_chromosomes)
    return RG_KIND_PEAKS;
  return are_counts ? RG_KIND_COUNTS : RG_KIND_PROTEIN;
}

/* ---- filters --------------------------------------------------------------------- */

/* Drop the columns without keep[c], from the counts and the list. */
static void drop(rg_draft *d, const bool *keep)
{
  int32_t *new_of_old = RG_NEW(int32_t, d->n_features);
  int64_t n = 0;
  for (int64_t f = 0; f < d->n_features; f++) {
    new_of_old[f] = keep[f] ? (int32_t)n : -1;
    if (keep[f]) {
      d->feature[n] = d->feature[f];
      if (d->highly_variable)
        d->highly_variable[n] = d->highly_variable[f];
      n++;
    }
  }
  rg_csr_keep_columns(&d->counts, new_of_old, n);
  d->n_features = n;
  rg_free(new_of_old);
}

static const char *noun(const rg_draft *d)
{
  return d->kind == RG_KIND_PEAKS     ? "peaks"
         : d->kind == RG_KIND_PROTEIN ? "proteins"
                                      : "genes";
}

static void say(const rg_draft *d, int64_t before, const char *why)
{
  rg_info("prepare: %s: %lld of %lld %s kept (%s)", d->source->name,
          (long long)d->n_features, (long long)before, noun(d), why);
}

static void filter_by_cells(rg_comm *comm, const rg_prepare_options *options,
                            rg_draft *d)
{
  int64_t before = d->n_features, cells = 0;
  for (int64_t i = 0; i < d->counts.rows; i++)
    cells += d->present[i];
  rg_sum_i64(comm, &cells, 1);
  int64_t most = cells;
  if (d->kind == RG_KIND_PEAKS)
    most = (int64_t)(options->max_cells_share * (double)cells);
  rg_group_sums sums = rg_sum_groups(comm, &d->counts, NULL, 1, NULL);
  bool *keep = RG_NEW(bool, before);
  for (int64_t f = 0; f < before; f++)
    keep[f] = sums.count[f] >= options->min_cells_per_feature && sums.count[f] <= most;
  drop(d, keep);
  long long least = (long long)options->min_cells_per_feature;
  char *why = most < cells ? rg_format("in %lld to %lld cells", least, (long long)most)
                           : rg_format("in at least %lld cells", least);
  say(d, before, why);
  rg_free(why);
  rg_free(keep);
  rg_group_sums_fini(&sums);
}

static rg_status choose_genes(rg_comm *comm, int64_t top, const rg_column *batch,
                              rg_draft *d)
{
  rg_status status = RG_OK;
  int64_t before = d->n_features;
  bool by_batch = batch && batch->n == d->counts.rows && batch->categories.n > 0;
  int32_t *group = RG_NEW(int32_t, d->counts.rows);
  bool *highly = RG_NEW(bool, before);
  for (int64_t i = 0; i < d->counts.rows; i++)
    group[i] = !d->present[i] ? -1 : by_batch ? batch->code[i] : 0;
  int batches = by_batch ? (int)batch->categories.n : 1;
  RG_TRY(rg_highly_variable(comm, &d->counts, group, batches, (int)top, highly, NULL,
                            NULL));
  drop(d, highly);
  d->highly_variable = RG_NEW(bool, d->n_features);
  for (int64_t f = 0; f < d->n_features; f++)
    d->highly_variable[f] = true;
  say(d, before,
      by_batch ? "highly variable, seurat_v3 per batch" : "highly variable, seurat_v3");
out:
  rg_free(group);
  rg_free(highly);
  return status;
}

typedef struct counted {
  int64_t count, feature;
} counted;

static int by_count(const void *left, const void *right)
{
  const counted *a = left, *b = right;
  if (a->count != b->count)
    return a->count > b->count ? -1 : 1;
  return (a->feature > b->feature) - (a->feature < b->feature);
}

static void choose_peaks(rg_comm *comm, int64_t top, rg_draft *d)
{
  int64_t before = d->n_features;
  rg_group_sums sums = rg_sum_groups(comm, &d->counts, NULL, 1, NULL);
  counted *order = RG_NEW(counted, before);
  bool *keep = RG_NEW(bool, before);
  for (int64_t f = 0; f < before; f++)
    order[f] = (counted){sums.count[f], f};
  qsort(order, (size_t)before, sizeof *order, by_count);
  for (int64_t i = 0; i < top; i++)
    keep[order[i].feature] = true;
  drop(d, keep);
  say(d, before, "open in most cells");
  rg_free(order);
  rg_free(keep);
  rg_group_sums_fini(&sums);
}

/* ---- order of peaks -------------------------------------------------------------- */

/* Natural order: runs of digits compare as numbers. */
static int compare_natural(const char *a, const char *b)
{
  while (*a && *b) {
    if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
      char *a_end, *b_end;
      long long x = strtoll(a, &a_end, 10), y = strtoll(b, &b_end, 10);
      if (x != y)
        return x < y ? -1 : 1;
      a = a_end;
      b = b_end;
    } else if (*a != *b) {
      return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
    } else {
      a++;
      b++;
    }
  }
  return (*a != 0) - (*b != 0);
}

static int by_natural_order(const void *a, const void *b)
{
  return compare_natural(*(const char *const *)a, *(const char *const *)b);
}

static int32_t chromosome_of(const rg_modality *source, int32_t feature)
{
  return source->chromosome && feature >= 0 ? source->chromosome[feature] : -1;
}

/* place[c]: where chromosome c of the source stands; unknown ones come after all. */
static int32_t *place_chromosomes(const rg_modality *source)
{
  int64_t n = source->chromosomes.n;
  const char **names = RG_NEW(const char *, n);
  int32_t *place = RG_NEW(int32_t, n);
  for (int64_t c = 0; c < n; c++)
    names[c] = rg_strings_at(&source->chromosomes, c);
  qsort(names, (size_t)n, sizeof *names, by_natural_order);
  for (int64_t i = 0; i < n; i++)
    place[rg_strings_find(&source->chromosomes, names[i])] = (int32_t)i;
  rg_free(names);
  return place;
}

typedef struct peak {
  int64_t chromosome, start, column;
  bool highly;
} peak;

static int by_position(const void *left, const void *right)
{
  const peak *a = left, *b = right;
  if (a->chromosome != b->chromosome)
    return a->chromosome < b->chromosome ? -1 : 1;
  if (a->start != b->start)
    return a->start < b->start ? -1 : 1;
  return (a->column > b->column) - (a->column < b->column);
}

static void order_peaks(rg_draft *d)
{
  const rg_modality *source = d->source;
  int32_t *place = place_chromosomes(source);
  int32_t *new_of_old = RG_NEW(int32_t, d->n_features);
  int32_t *feature = RG_NEW(int32_t, d->n_features);
  peak *order = RG_NEW(peak, d->n_features);
  for (int64_t f = 0; f < d->n_features; f++) {
    int32_t c = chromosome_of(source, d->feature[f]);
    order[f] =
        (peak){.chromosome = c >= 0 ? place[c] : source->chromosomes.n,
               .start = c >= 0 && source->start ? source->start[d->feature[f]] : f,
               .column = f};
  }
  qsort(order, (size_t)d->n_features, sizeof *order, by_position);
  for (int64_t i = 0; i < d->n_features; i++) {
    new_of_old[order[i].column] = (int32_t)i;
    feature[i] = d->feature[order[i].column];
  }
  rg_csr_arrange_columns(&d->counts, new_of_old, d->n_features);
  rg_free(d->feature);
  d->feature = feature;
  rg_free(place);
  rg_free(new_of_old);
  rg_free(order);
}

void rg_number_chromosomes(const rg_draft *d, rg_prepared_modality *out)
{
  out->chromosome = RG_NEW(int32_t, d->n_features);
  int32_t last = -2, number = -1; /* features of a chromosome stand together */
  for (int64_t f = 0; f < d->n_features; f++) {
    int32_t c = chromosome_of(d->source, d->feature[f]);
    if (c != last) {
      const char *name = c >= 0 ? rg_strings_at(&d->source->chromosomes, c) : "unknown";
      rg_strings_add(&out->chromosomes, name, -1);
      number++;
    }
    last = c;
    out->chromosome[f] = number;
  }
}

rg_status rg_select_features(rg_comm *comm, const rg_prepare_options *options,
                             const rg_column *batch, rg_draft *d)
{
  rg_status status = RG_OK;
  if (d->kind != RG_KIND_PROTEIN)
    filter_by_cells(comm, options, d);
  if (d->kind == RG_KIND_COUNTS && options->top_genes > 0 &&
      options->top_genes < d->n_features)
    RG_TRY(choose_genes(comm, options->top_genes, batch, d));
  if (d->kind == RG_KIND_PEAKS && options->top_peaks > 0 &&
      options->top_peaks < d->n_features)
    choose_peaks(comm, options->top_peaks, d);
  if (d->kind == RG_KIND_PEAKS)
    order_peaks(d);
  if (d->n_features == 0)
    status = rg_fail(RG_EINPUT,
                     "modality %s: no feature is left; relax the filters of "
                     "section prepare",
                     d->source->name);
out:
  return status;
}

/* ---- features of another data set ------------------------------------------------ */

typedef struct named {
  const char *name;
  int32_t number;
} named;

static int by_name(const void *a, const void *b)
{
  return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

rg_status rg_match_features(rg_comm *comm, const char *path,
                            const rg_prepared_modality *like, rg_draft *d)
{
  int64_t n = d->n_features, wanted = like->features.n, found = 0;
  named *table = RG_NEW(named, n);
  int32_t *new_of_old = RG_NEW(int32_t, n), *feature = RG_NEW(int32_t, wanted);
  for (int64_t f = 0; f < n; f++) {
    table[f] = (named){rg_strings_at(&d->source->features, f), (int32_t)f};
    new_of_old[f] = -1;
  }
  qsort(table, (size_t)n, sizeof *table, by_name);
  for (int64_t f = 0; f < wanted; f++) {
    named key = {rg_strings_at(&like->features, f), 0};
    const named *hit = bsearch(&key, table, (size_t)n, sizeof *table, by_name);
    feature[f] = hit ? hit->number : -1;
    if (hit) {
      new_of_old[hit->number] = (int32_t)f;
      found++;
    }
  }
  rg_csr_arrange_columns(&d->counts, new_of_old, wanted);
  rg_free(d->feature);
  d->feature = feature;
  d->n_features = wanted;
  rg_free(table);
  rg_free(new_of_old);
  if (found < wanted)
    rg_info("prepare: %s: %lld of the %lld features of the model are in the file, the "
            "others count as zero",
            like->name, (long long)found, (long long)wanted);
  rg_status status = RG_OK;
  if (2 * found < wanted)
    status = rg_fail(RG_EINPUT,
                     "%s: modality %s has only %lld of the %lld features that "
                     "were trained on, the first of them \"%s\"; are the names of the "
                     "same kind?",
                     path, like->name, (long long)found, (long long)wanted,
                     rg_strings_at(&like->features, 0));
  return rg_agree(comm, status);
}
