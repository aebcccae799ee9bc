/* Cells as points of an image: a cell costs a few dozen pixels, so a million of them are
 * drawn in a second, and an SVG stays small. */
#ifndef REGATTA_FIGURE_POINTS_H
#define REGATTA_FIGURE_POINTS_H

#include "canvas.h"

#define POINTS_MISSING 0xff000000U /* set in the colour of a cell without a value */

/* Draw n cells (xy: pairs; NaN: not drawn) into the square of a frame. They come in a keyed
 * random order, so that no group covers another; those without a value lie below. */
void points_draw(canvas *c, const frame *f, int64_t n, const float *xy,
                 const uint32_t *colour);
/* The range of x and y in a frame of `side` units at (left, top), with a margin. */
frame points_frame(int64_t n, const float *xy, double left, double top, double side);

#endif
