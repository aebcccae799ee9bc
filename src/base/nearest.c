/* The name somebody probably meant. */
#include "regatta/base.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 64 };

static int least(int a, int b)
{
  return a < b ? a : b;
}

/* Letters to insert, delete, replace or swap with the next one to make b of a, ignoring
 * case (the restricted distance of Damerau, Communications of the ACM 7, 1964). */
static int edit_distance(const char *a, const char *b)
{
  int n = (int)strlen(a), m = (int)strlen(b);
  if (n > LONGEST || m > LONGEST)
    return n > m ? n : m;
  int row[3][LONGEST + 1]; /* i - 2, i - 1, i modulo 3 */
  for (int j = 0; j <= m; j++)
    row[0][j] = j;
  for (int i = 1; i <= n; i++) {
    int *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
    now[0] = i;
    for (int j = 1; j <= m; j++) {
      int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
      int d = least(before[j - 1] + (x != y), least(before[j], now[j - 1]) + 1);
      if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
          y == tolower((unsigned char)a[i - 2]))
        d = least(d, earlier[j - 2] + 1);
      now[j] = d;
    }
  }
  return row[n % 3][m];
}

const char *rg_nearest(const char *text, const char *const *names, int n)
{
  const char *best = NULL;
  int best_distance = 2 + (int)strlen(text) / 3; /* farther is another word */
  for (int i = 0; i < n; i++) {
    int distance = edit_distance(text, names[i]);
    if (distance < best_distance) {
      best_distance = distance;
      best = names[i];
    }
  }
  return best;
}
