#include "names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- look-up --------------------------------------------------------------------- */

static uint64_t hash_of(const char *text)
{
  return rg_hash(text, strlen(text), 0);
}

static void insert(rg_names *names, int64_t i)
{
  uint64_t at = hash_of(rg_strings_at(names->list, i));
  uint64_t mask = (uint64_t)names->capacity - 1;
  while (names->slot[at & mask] >= 0)
    at++;
  names->slot[at & mask] = i;
}

static void reserve(rg_names *names, int64_t n)
{
  int64_t capacity = 64;
  while (capacity < 2 * n)
    capacity *= 2;
  if (capacity <= names->capacity)
    return;
  int64_t *old = names->slot, old_n = names->capacity;
  names->capacity = capacity;
  names->slot = RG_NEW(int64_t, capacity);
  memset(names->slot, -1, (size_t)capacity * sizeof *names->slot);
  for (int64_t i = 0; i < old_n; i++)
    if (old[i] >= 0)
      insert(names, old[i]);
  rg_free(old);
}

int64_t rg_names_find(const rg_names *names, const char *text)
{
  uint64_t at = hash_of(text), mask = (uint64_t)names->capacity - 1;
  for (;; at++) {
    int64_t i = names->slot[at & mask];
    if (i < 0 || strcmp(rg_strings_at(names->list, i), text) == 0)
      return i;
  }
}

int64_t rg_names_put(rg_names *names, int64_t i)
{
  reserve(names, names->list->n + 1);
  int64_t found = rg_names_find(names, rg_strings_at(names->list, i));
  if (found >= 0)
    return found;
  insert(names, i);
  return i;
}

void rg_names_init(rg_names *names, const rg_strings *list)
{
  *names = (rg_names){.list = list};
  reserve(names, list->n + 1);
  for (int64_t i = 0; i < list->n; i++)
    rg_names_put(names, i);
}

void rg_names_fini(rg_names *names)
{
  rg_free(names->slot);
  *names = (rg_names){0};
}

/* ---- unique names ---------------------------------------------------------------- */

int64_t rg_names_make_unique(rg_strings *list)
{
  rg_names names;
  rg_names_init(&names, list);
  int64_t n = list->n, changed = 0;
  int64_t *first = RG_NEW(int64_t, n);
  for (int64_t i = 0; i < n; i++) {
    first[i] = rg_names_find(&names, rg_strings_at(list, i));
    changed += first[i] != i;
  }
  if (changed > 0) { /* new names are appended to a copy so that they too are found */
    rg_strings all = {0}, unique = {0};
    int64_t *number = RG_NEW(int64_t, n), *becomes = RG_NEW(int64_t, n);
    rg_strings_copy(list, &all);
    names.list = &all;
    for (int64_t i = 0; i < n; i++) {
      becomes[i] = i;
      while (first[i] != i && becomes[i] == i) {
        char *text =
            rg_format("%s-%lld", rg_strings_at(list, i), (long long)++number[first[i]]);
        if (rg_names_find(&names, text) < 0) {
          rg_strings_add(&all, text, (int64_t)strlen(text));
          becomes[i] = rg_names_put(&names, all.n - 1);
        }
        rg_free(text);
      }
    }
    for (int64_t i = 0; i < n; i++) {
      const char *text = rg_strings_at(&all, becomes[i]);
      rg_strings_add(&unique, text, (int64_t)strlen(text));
    }
    rg_strings_fini(list);
    *list = unique;
    rg_strings_fini(&all);
    rg_free(number);
    rg_free(becomes);
  }
  rg_free(first);
  rg_names_fini(&names);
  return changed;
}

int rg_natural_order(const char *a, const char *b)
{
  while (*a && *b) {
    if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
      size_t za = strspn(a, "0"), zb = strspn(b, "0");
      size_t na = strspn(a + za, "0123456789"), nb = strspn(b + zb, "0123456789");
      if (na != nb)
        return na < nb ? -1 : 1;
      int order = memcmp(a + za, b + zb, na);
      if (order != 0)
        return order;
      if (za != zb)
        return za < zb ? -1 : 1;
      a += za + na;
      b += zb + nb;
    } else {
      if (*a != *b)
        return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
      a++;
      b++;
    }
  }
  return (unsigned char)*a - (unsigned char)*b;
}

/* ---- matching over ranks --------------------------------------------------------- */

/* A name is stood for by two hashes; it is dealt to the rank that its hash names. */
typedef struct token {
  uint64_t a, b;
  int64_t place; /* in its list, over all ranks */
} token;

static int by_hash(const void *x, const void *y)
{
  const token *p = x, *q = y;
  if (p->a != q->a)
    return p->a < q->a ? -1 : 1;
  if (p->b != q->b)
    return p->b < q->b ? -1 : 1;
  return (p->place > q->place) - (p->place < q->place);
}

static bool same_name(const token *p, const token *q)
{
  return p->a == q->a && p->b == q->b;
}

/* Deal the names of a list; what came to this rank is returned. */
static token *deal(rg_comm *comm, const rg_strings *list, int64_t *n)
{
  token *mine = RG_NEW(token, list->n);
  int *to = RG_NEW(int, list->n);
  int64_t first = rg_prefix_i64(comm, list->n, NULL);
  for (int64_t i = 0; i < list->n; i++) {
    const char *text = rg_strings_at(list, i);
    size_t length = strlen(text);
    mine[i] = (token){rg_hash(text, length, 0), rg_hash(text, length, 1), first + i};
    to[i] = (int)(mine[i].a % (uint64_t)rg_size(comm));
  }
  token *here = rg_scatter(comm, mine, list->n, sizeof *mine, to, n);
  rg_free(mine);
  rg_free(to);
  return here;
}

/* The two lowest places of a repeated name, agreed; false when all are different. */
static bool find_twins(rg_comm *comm, const token *sorted, int64_t n, int64_t twins[2])
{
  twins[0] = twins[1] = INT64_MAX;
  for (int64_t i = 1; i < n; i++)
    if (same_name(&sorted[i - 1], &sorted[i]) && sorted[i].place < twins[1]) {
      twins[0] = sorted[i - 1].place;
      twins[1] = sorted[i].place;
    }
  int64_t second = twins[1];
  rg_min_i64(comm, &second, 1);
  if (second == INT64_MAX)
    return false;
  if (twins[1] != second)
    twins[0] = INT64_MAX;
  twins[1] = second;
  rg_min_i64(comm, &twins[0], 1);
  return true;
}

/* The rank that holds the second of the twins says so. */
static rg_status report_twins(rg_comm *comm, const char *where, const rg_strings *table,
                              const int64_t twins[2])
{
  int64_t first = rg_prefix_i64(comm, table->n, NULL);
  bool mine = twins[1] >= first && twins[1] < first + table->n;
  rg_status status = RG_OK;
  if (mine)
    status = rg_fail(RG_EINPUT,
                     "%s[%lld]: the name '%s' is also that of row %lld; make "
                     "names unique (obs_names_make_unique)",
                     where, (long long)twins[1], rg_strings_at(table, twins[1] - first),
                     (long long)twins[0]);
  return rg_agree(comm, status);
}

rg_status rg_names_check_unique(rg_comm *comm, const char *where,
                                const rg_strings *table)
{
  int64_t n, twins[2];
  token *here = deal(comm, table, &n);
  qsort(here, (size_t)n, sizeof *here, by_hash);
  bool repeated = find_twins(comm, here, n, twins);
  rg_free(here);
  return repeated ? report_twins(comm, where, table, twins) : RG_OK;
}

rg_status rg_names_match(rg_comm *comm, const char *where, const rg_strings *table,
                         const rg_strings *mine, int64_t *place)
{
  rg_status status = RG_OK;
  int64_t n, m, n_answers, total, twins[2];
  token *left = deal(comm, table, &n), *right = deal(comm, mine, &m), *answers = NULL;
  int *to = RG_NEW(int, m);
  qsort(left, (size_t)n, sizeof *left, by_hash);
  qsort(right, (size_t)m, sizeof *right, by_hash);
  if (find_twins(comm, left, n, twins))
    RG_TRY(report_twins(comm, where, table, twins));
  int64_t first = rg_prefix_i64(comm, mine->n, &total);
  int64_t *starts = rg_gather_all(comm, &first, sizeof first, NULL, &(int64_t){0});
  int64_t at = 0;
  for (int64_t i = 0; i < m; i++) { /* a becomes the asker's place, b the answer */
    while (at < n && (left[at].a < right[i].a ||
                      (left[at].a == right[i].a && left[at].b < right[i].b)))
      at++;
    bool found = at < n && same_name(&left[at], &right[i]);
    right[i].b = found ? (uint64_t)left[at].place : UINT64_MAX;
    int rank = rg_size(comm) - 1;
    while (starts[rank] > right[i].place)
      rank--;
    to[i] = rank;
  }
  rg_free(starts);
  answers = rg_scatter(comm, right, m, sizeof *right, to, &n_answers);
  for (int64_t i = 0; i < n_answers; i++)
    place[answers[i].place - first] = (int64_t)answers[i].b;
out:
  rg_free(left);
  rg_free(right);
  rg_free(answers);
  rg_free(to);
  return status;
}
