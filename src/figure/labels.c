/* Names on a map. */
#include "labels.h"

#include <math.h>

#define GAP 1.5 /* between names */

static bool inside(const frame *f, const label *l)
{
  return l->at_x - l->width / 2 >= f->left && l->at_y - l->height / 2 >= f->top &&
         l->at_x + l->width / 2 <= f->left + f->width &&
         l->at_y + l->height / 2 <= f->top + f->height;
}

static bool overlap(const label *a, const label *b)
{
  return fabs(a->at_x - b->at_x) < (a->width + b->width) / 2 + GAP &&
         fabs(a->at_y - b->at_y) < (a->height + b->height) / 2 + GAP;
}

static bool is_free(const frame *f, const label *labels, int i)
{
  if (!inside(f, &labels[i]))
    return false;
  for (int j = 0; j < i; j++)
    if (labels[j].placed && overlap(&labels[i], &labels[j]))
      return false;
  return true;
}

void labels_place(const frame *f, int n, label *labels, double reach)
{
  const double golden = 2.39996322972865332; /* turns that cover a disc evenly */
  for (int i = 0; i < n; i++) {
    label *l = &labels[i];
    l->placed = false;
    for (int k = 0; !l->placed; k++) {
      double away = 2 * sqrt(k);
      if (away > reach)
        break;
      l->at_x = l->x + 1.6 * away * cos(k * golden); /* names are wide */
      l->at_y = l->y + away * sin(k * golden);
      l->placed = is_free(f, labels, i);
    }
  }
}

/* A thin line from the named point to the edge of the name. */
static void lead(canvas *c, const label *l)
{
  double dx = l->at_x - l->x, dy = l->at_y - l->y;
  double share = 1 - fmin(l->width / 2 / fmax(fabs(dx), 1e-9),
                          l->height / 2 / fmax(fabs(dy), 1e-9));
  if (share * hypot(dx, dy) < 3)
    return;
  double x = l->x + share * dx, y = l->y + share * dy;
  canvas_line(c, l->x, l->y, x, y, 2.4, 0xffffff);
  canvas_line(c, l->x, l->y, x, y, 0.9, 0x303030);
  canvas_dot(c, l->x, l->y, 1.6, 0x303030);
}

void labels_draw(canvas *c, int n, const label *labels, double size)
{
  for (int i = 0; i < n; i++)
    if (labels[i].placed)
      lead(c, &labels[i]);
  for (int i = 0; i < n; i++)
    if (labels[i].placed)
      canvas_label(c, labels[i].at_x, labels[i].at_y + 0.36 * size, size,
                   labels[i].text);
}
