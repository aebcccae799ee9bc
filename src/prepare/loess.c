/* Local quadratic regression in one variable, as cloess and R's loess fit it by default:
 * weighted least squares with tricube weights over the nearest share `span` of the points,
 * carried out at the vertices of a k-d tree and blended between them by cubic Hermite
 * polynomials (Cleveland, Devlin 1988; Cleveland, Grosse 1991). */
#include "src/prepare/inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A cell of the tree holds at most this share of span x n points; the box is wider than
 * the points by this share of their range: both as in cloess. */
static const double cell_share = 0.2, margin = 0.005;

typedef struct point {
  double x, y;
} point;

static int by_x(const void *a, const void *b)
{
  double x = ((const point *)a)->x, y = ((const point *)b)->x;
  return (x > y) - (x < y);
}

/* Value and slope of the local fit at a vertex. */
typedef struct vertex {
  double at, value, slope;
} vertex;

typedef struct tree {
  int64_t n, leaf; /* points in all; points of a leaf */
  const point *points;
  int64_t n_vertices;
  vertex *vertices; /* of cuts, then sorted */
} tree;

/* ---- the tree -------------------------------------------------------------------- */

/* Last point of the left half of points [low, high], beside the middle; ties stay
 * together: the nearest gap between different values, looked for to the right first. */
static int64_t cut_point(const point *points, int64_t low, int64_t high)
{
  /* positions count from one here, as the halving of an odd number depends on it */
  int64_t middle = (low + 1 + high + 1) / 2 - 1;
  int64_t offset = 0;
  while (middle + offset < high && middle + offset >= low) {
    if (points[middle + offset].x != points[middle + offset + 1].x)
      return middle + offset;
    offset = -offset;
    if (offset >= 0)
      offset++;
  }
  return middle;
}

static void cut(tree *t, int64_t low, int64_t high, double left, double right)
{
  if (high - low + 1 <= t->leaf)
    return;
  int64_t middle = cut_point(t->points, low, high);
  double at = t->points[middle].x;
  if (at == left || at == right)
    return;
  t->vertices[t->n_vertices++].at = at;
  cut(t, low, middle, left, at);
  cut(t, middle + 1, high, at, right);
}

static int by_position(const void *a, const void *b)
{
  double x = ((const vertex *)a)->at, y = ((const vertex *)b)->at;
  return (x > y) - (x < y);
}

/* ---- the local fit --------------------------------------------------------------- */

/* The `near` points nearest to `at` are points[first, first + near). */
static int64_t nearest(const tree *t, int64_t near, double at)
{
  int64_t first = 0;
  while (first + near < t->n &&
         fabs(t->points[first].x - at) > fabs(t->points[first + near].x - at))
    first++;
  return first;
}

/* A neighbourhood of at least `near` points; more where ties leave fewer than four
 * different values, of which the farthest has no weight: cloess then has no answer. */
static const point *neighbourhood(const tree *t, int64_t *near, double at)
{
  for (;; *near = *near < t->n / 2 ? 2 * *near : t->n) {
    const point *points = t->points + nearest(t, *near, at);
    int different = 1;
    for (int64_t i = 1; i < *near && different < 4; i++)
      different += points[i].x != points[i - 1].x;
    if (different == 4 || *near == t->n)
      return points;
  }
}

/* Coefficients of weighted least squares on the columns 1, d, d^2 by modified
 * Gram-Schmidt; a column that depends on those before it is left out. */
static void least_squares(int64_t n, double *column[3], double *y,
                          double coefficient[3])
{
  double r[3][3] = {{0}}, projection[3] = {0};
  bool kept[3];
  for (int j = 0; j < 3; j++) {
    double before = 0, after = 0;
    for (int64_t i = 0; i < n; i++)
      before += column[j][i] * column[j][i];
    for (int pass = 0; pass < 2; pass++)
      for (int k = 0; k < j; k++) {
        double product = 0;
        for (int64_t i = 0; i < n && kept[k]; i++)
          product += column[k][i] * column[j][i];
        for (int64_t i = 0; i < n && kept[k]; i++)
          column[j][i] -= product * column[k][i];
        r[k][j] += product;
      }
    for (int64_t i = 0; i < n; i++)
      after += column[j][i] * column[j][i];
    kept[j] = after > 1e-24 * before && after > 0;
    r[j][j] = sqrt(after);
    for (int64_t i = 0; i < n && kept[j]; i++)
      column[j][i] /= r[j][j];
    for (int64_t i = 0; i < n && kept[j]; i++)
      projection[j] += column[j][i] * y[i];
    for (int64_t i = 0; i < n && kept[j]; i++)
      y[i] -= projection[j] * column[j][i];
  }
  for (int j = 2; j >= 0; j--) {
    coefficient[j] = projection[j];
    for (int k = j + 1; k < 3; k++)
      coefficient[j] -= r[j][k] * coefficient[k];
    coefficient[j] = kept[j] ? coefficient[j] / r[j][j] : 0;
  }
}

static void fit_vertex(const tree *t, int64_t near, vertex *v, double *scratch)
{
  const point *points = neighbourhood(t, &near, v->at);
  double radius = fmax(fabs(points[0].x - v->at), fabs(points[near - 1].x - v->at));
  bool different = points[0].x != points[near - 1].x;
  double *column[3] = {scratch, scratch + near, scratch + 2 * near};
  double *y = scratch + 3 * near;
  for (int64_t i = 0; i < near; i++) {
    double d = points[i].x - v->at;
    double u = different ? fabs(d) / radius : 0;
    double w = sqrt(pow(1 - u * u * u, 3));
    column[0][i] = w;
    column[1][i] = w * d;
    column[2][i] = w * d * d;
    y[i] = w * points[i].y;
  }
  double coefficient[3];
  least_squares(near, column, y, coefficient);
  v->value = coefficient[0];
  v->slope = coefficient[1];
}

/* ---- blending -------------------------------------------------------------------- */

static double blend(const vertex *left, const vertex *right, double x)
{
  double width = right->at - left->at, h = (x - left->at) / width, g = 1 - h;
  return g * g * (1 + 2 * h) * left->value + h * h * (3 - 2 * h) * right->value +
         (h * g * g * left->slope - h * h * g * right->slope) * width;
}

static double evaluate(const tree *t, double x)
{
  int64_t low = 0, high = t->n_vertices - 1;
  while (high - low > 1) {
    int64_t middle = (low + high) / 2;
    if (x <= t->vertices[middle].at)
      high = middle;
    else
      low = middle;
  }
  return blend(&t->vertices[low], &t->vertices[high], x);
}

void rg_loess(int64_t n, const double *x, const double *y, double span, double *fitted)
{
  if (n == 0)
    return;
  point *points = RG_NEW(point, n);
  for (int64_t i = 0; i < n; i++)
    points[i] = (point){x[i], y[i]};
  qsort(points, (size_t)n, sizeof *points, by_x);
  int64_t near = (int64_t)floor((double)n * span + 1e-5);
  near = near < 4 ? 4 : near;
  near = near > n ? n : near;
  tree t = {.n = n,
            .points = points,
            .leaf = (int64_t)floor((double)n * (span * cell_share))};
  t.leaf = t.leaf < 1 ? 1 : t.leaf;

  double low = points[0].x, high = points[n - 1].x;
  double wider = margin * fmax(high - low, 1e-10 * fmax(fabs(low), fabs(high)) + 1e-30);
  t.vertices = RG_NEW(vertex, n + 2);
  t.vertices[t.n_vertices++].at = low - wider;
  t.vertices[t.n_vertices++].at = high + wider;
  cut(&t, 0, n - 1, low - wider, high + wider);
  qsort(t.vertices, (size_t)t.n_vertices, sizeof *t.vertices, by_position);
  double *scratch = RG_NEW(double, 4 * n);
  for (int64_t v = 0; v < t.n_vertices; v++)
    fit_vertex(&t, near, &t.vertices[v], scratch);
  for (int64_t i = 0; i < n; i++)
    fitted[i] = evaluate(&t, x[i]);
  rg_free(scratch);
  rg_free(t.vertices);
  rg_free(points);
}
