/* Names on a map: where they go so that none covers another. */
#ifndef REGATTA_FIGURE_LABELS_H
#define REGATTA_FIGURE_LABELS_H

#include "canvas.h"

/* A name to be placed; all in units of the canvas. */
typedef struct label {
  const char *text;     /* borrowed */
  double x, y;          /* what it names */
  double width, height;
  double at_x, at_y;    /* centre of the name, once placed */
  bool placed;
} label;
/* Place labels inside the frame in their order: each at its point, or at the nearest free
 * place of a spiral around it; one that finds none within `reach` stays unplaced. */
void labels_place(const frame *f, int n, label *labels, double reach);
/* Draw those that were placed, with a line to what they name where they are off it. */
void labels_draw(canvas *c, int n, const label *labels, double size);

#endif
