/* Agreement of two labellings, from their contingency table. */
#include "regatta/eval.h"

#include <math.h>

/* n_a x n_b counts over all ranks; rows with a negative label are left out. Owned. */
static int64_t *contingency(rg_comm *comm, const int32_t *a, int n_a, const int32_t *b,
                            int n_b, int64_t rows)
{
  int64_t *n = RG_NEW(int64_t, (int64_t)n_a * n_b);
  for (int64_t i = 0; i < rows; i++)
    if (a[i] >= 0 && b[i] >= 0)
      n[(int64_t)a[i] * n_b + b[i]]++;
  rg_sum_i64(comm, n, (int64_t)n_a * n_b);
  return n;
}

typedef struct table {
  int n_a, n_b;
  int64_t *n, *row, *col, total;
} table;

static table table_of(rg_comm *comm, const int32_t *a, int n_a, const int32_t *b, int n_b,
                      int64_t rows)
{
  table t = {n_a, n_b, contingency(comm, a, n_a, b, n_b, rows), RG_NEW(int64_t, n_a),
             RG_NEW(int64_t, n_b), 0};
  for (int i = 0; i < n_a; i++)
    for (int j = 0; j < n_b; j++) {
      int64_t n = t.n[(int64_t)i * n_b + j];
      t.row[i] += n;
      t.col[j] += n;
      t.total += n;
    }
  return t;
}

static void table_fini(table *t)
{
  rg_free(t->n);
  rg_free(t->row);
  rg_free(t->col);
}

static double pairs(int64_t n)
{
  return (double)n * ((double)n - 1) / 2;
}

double rg_ari(rg_comm *comm, const int32_t *a, int n_a, const int32_t *b, int n_b,
              int64_t rows)
{
  table t = table_of(comm, a, n_a, b, n_b, rows);
  double together = 0, in_a = 0, in_b = 0;
  for (int64_t k = 0; k < (int64_t)n_a * n_b; k++)
    together += pairs(t.n[k]);
  for (int i = 0; i < n_a; i++)
    in_a += pairs(t.row[i]);
  for (int j = 0; j < n_b; j++)
    in_b += pairs(t.col[j]);
  double expected = t.total > 1 ? in_a * in_b / pairs(t.total) : 0;
  double most = (in_a + in_b) / 2;
  table_fini(&t);
  return most > expected ? (together - expected) / (most - expected) : 1;
}

static double entropy(const int64_t *n, int k, int64_t total)
{
  double h = 0;
  for (int i = 0; i < k; i++)
    if (n[i] > 0) {
      double p = (double)n[i] / (double)total;
      h -= p * log(p);
    }
  return h;
}

static double information(const table *t)
{
  double mi = 0, total = (double)t->total;
  for (int i = 0; i < t->n_a; i++)
    for (int j = 0; j < t->n_b; j++) {
      double n = (double)t->n[(int64_t)i * t->n_b + j];
      if (n > 0)
        mi += n / total * log(total * n / ((double)t->row[i] * (double)t->col[j]));
    }
  return mi;
}

double rg_nmi(rg_comm *comm, const int32_t *a, int n_a, const int32_t *b, int n_b,
              int64_t rows, bool geometric)
{
  table t = table_of(comm, a, n_a, b, n_b, rows);
  double h_a = entropy(t.row, n_a, t.total), h_b = entropy(t.col, n_b, t.total);
  double mi = information(&t), by = geometric ? sqrt(h_a * h_b) : (h_a + h_b) / 2;
  table_fini(&t);
  if (h_a <= 0 && h_b <= 0)
    return 1; /* two partitions of one part each agree */
  return by > 0 ? fmax(mi, 0) / by : 0;
}

/* Expected information of two random partitions with these sizes (Vinh et al. 2010). */
static double expected_information(const table *t)
{
  double n = (double)t->total, sum = 0, top = lgamma(n + 1);
  for (int i = 0; i < t->n_a; i++)
    for (int j = 0; j < t->n_b; j++) {
      double a = (double)t->row[i], b = (double)t->col[j];
      for (double k = fmax(1, a + b - n); k <= fmin(a, b); k++) {
        double chance = lgamma(a + 1) + lgamma(b + 1) + lgamma(n - a + 1) +
                        lgamma(n - b + 1) - top - lgamma(k + 1) - lgamma(a - k + 1) -
                        lgamma(b - k + 1) - lgamma(n - a - b + k + 1);
        sum += k / n * log(n * k / (a * b)) * exp(chance);
      }
    }
  return sum;
}

double rg_ami(rg_comm *comm, const int32_t *a, int n_a, const int32_t *b, int n_b,
              int64_t rows)
{
  table t = table_of(comm, a, n_a, b, n_b, rows);
  double h = (entropy(t.row, n_a, t.total) + entropy(t.col, n_b, t.total)) / 2;
  double mi = information(&t), expected = expected_information(&t);
  table_fini(&t);
  return fabs(h - expected) > 1e-15 ? (mi - expected) / (h - expected) : 1;
}
