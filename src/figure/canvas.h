/* A picture being drawn: PNG or SVG by the ending of its path. */
#ifndef REGATTA_FIGURE_CANVAS_H
#define REGATTA_FIGURE_CANVAS_H

#include "regatta/figure.h"

#include <cairo.h>

enum { CANVAS_SCALE = 2 }; /* pixels of a PNG per unit */

typedef struct canvas {
  cairo_t *cairo;
  cairo_surface_t *surface;
  char *path, *temporary;
  double width, height;
  bool svg;
} canvas;
/* A white canvas of width x height units (points); RG_EUSAGE when the path ends in
 * neither .png nor .svg. */
rg_status canvas_open(const char *path, double width, double height, canvas *c);
/* Write to the temporary name and rename. Frees, also on failure. */
rg_status canvas_close(canvas *c);

void canvas_colour(canvas *c, uint32_t colour);
/* Text at (x, y); `side` is what lies there: 'l'eft end, 'c'entre, 'r'ight end. */
void canvas_text(canvas *c, double x, double y, double size, char side,
                 const char *text);
double canvas_text_width(canvas *c, double size, const char *text);

/* A rectangle of the canvas onto which [x0, x1] x [y0, y1] is mapped. */
typedef struct frame {
  double left, top, width, height;
  double x0, x1, y0, y1;
} frame;
static inline double frame_x(const frame *f, double x)
{
  return f->left + (x - f->x0) / (f->x1 - f->x0) * f->width;
}
static inline double frame_y(const frame *f, double y)
{
  return f->top + (f->y1 - y) / (f->y1 - f->y0) * f->height;
}
void canvas_box(canvas *c, const frame *f);
/* Round numbers that cut [low, high] into four to eight parts; returns how many (at
 * most 16). */
int canvas_ticks(double low, double high, double tick[16]);

#endif
