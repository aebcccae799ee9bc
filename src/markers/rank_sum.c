/* The rank sum of a sorted column. Ranks are counted twice, so that averages of ties are
 * whole numbers and the sums exact. */
#include "contrast.h"

#include <math.h>

/* What a tie of t values takes from the variance of ranks. */
static double tie(int64_t t)
{
  double x = (double)t;
  return x * x * x - x;
}

static double z_of(const rg_contrast *c, int g, int64_t twice, double ties)
{
  double n = (double)c->cells[g], m = (double)rg_contrast_against(c, g), all = n + m;
  double loose = c->tie_correct && all > 1 ? 1 - ties / tie(c->cells[g] +
                                                           rg_contrast_against(c, g))
                                           : 1;
  double deviation = sqrt(loose * n * m * (all + 1) / 12);
  return deviation > 0 ? ((double)twice / 2 - n * (all + 1) / 2) / deviation : 0;
}

static int64_t end_of_tie(const rg_entry *column, int64_t i, int64_t n)
{
  float value = column[i].value;
  while (i < n && column[i].value == value)
    i++;
  return i;
}

/* All cells are ranked together. */
static void against_rest(const rg_contrast *c, const rg_entry *column, int64_t n,
                         const rg_moments *own, int64_t *twice, double *score)
{
  int64_t below = c->total - n;
  double ties = tie(below);
  for (int g = 0; g < c->n_groups; g++)
    twice[g] = (own[g].n - own[g].nonzero) * (below + 1);
  for (int64_t i = 0, end; i < n; i = end) {
    end = end_of_tie(column, i, n);
    int64_t rank = 2 * below + (end - i) + 1;
    for (int64_t e = i; e < end; e++)
      twice[column[e].group] += rank;
    ties += tie(end - i);
    below += end - i;
  }
  for (int g = 0; g < c->n_groups; g++)
    score[g] = z_of(c, g, twice[g], ties);
}

/* Each group is ranked together with the reference alone: of a tie only the groups in it
 * are looked at. `ties` of a group is what it adds to those of the reference. */
static void against_one(const rg_contrast *c, const rg_entry *column, int64_t n,
                        const rg_moments *own, int64_t *twice, double *ties)
{
  int64_t *seen = twice + c->n_groups, *here = seen + c->n_groups;
  const int32_t ref = c->reference;
  int64_t other = own[ref].n - own[ref].nonzero;
  double ties_of_ref = tie(other);
  for (int g = 0; g < c->n_groups; g++) {
    seen[g] = own[g].n - own[g].nonzero;
    twice[g] = seen[g] * (seen[g] + other + 1);
    ties[g] = tie(seen[g] + other) - tie(other);
    here[g] = 0;
  }
  for (int64_t i = 0, end; i < n; i = end) {
    end = end_of_tie(column, i, n);
    for (int64_t e = i; e < end; e++)
      here[column[e].group]++;
    int64_t in_ref = here[ref];
    here[ref] = 0;
    for (int64_t e = i; e < end; e++) {
      int g = column[e].group;
      if (here[g] == 0)
        continue;
      twice[g] += here[g] * (2 * (seen[g] + seen[ref]) + here[g] + in_ref + 1);
      ties[g] += tie(here[g] + in_ref) - tie(in_ref);
      seen[g] += here[g];
      here[g] = 0;
    }
    ties_of_ref += tie(in_ref);
    seen[ref] += in_ref;
  }
  for (int g = 0; g < c->n_groups; g++)
    ties[g] = g == ref ? 0 : z_of(c, g, twice[g], ties[g] + ties_of_ref);
}

void rg_rank_sums(const rg_contrast *c, const rg_entry *column, int64_t n,
                  const rg_moments *own, int64_t *scratch, double *score)
{
  if (c->reference < 0)
    against_rest(c, column, n, own, scratch, score);
  else
    against_one(c, column, n, own, scratch, score);
}
