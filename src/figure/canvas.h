/* A picture being drawn: kept as a record of strokes, then written as PNG, SVG or both by
 * the ending of its path. */
#ifndef REGATTA_FIGURE_CANVAS_H
#define REGATTA_FIGURE_CANVAS_H

#include "regatta/figure.h"

#include <cairo.h>

enum { CANVAS_SCALE = 2 }; /* pixels of a PNG per unit */

typedef struct canvas {
  cairo_t *cairo;
  cairo_surface_t *record;
  char *path; /* without its ending */
  double width, height;
  bool png, svg;
} canvas;
/* A white canvas of width x height units (points); RG_EUSAGE when the path does not end in
 * .png, .svg or .* (both). */
rg_status canvas_open(const char *path, double width, double height, canvas *c);
/* Write to a temporary name and rename, each file. Frees, also on failure. */
rg_status canvas_close(canvas *c);
/* A canvas that only measures text, to plan a layout before canvas_open. */
canvas canvas_probe(void);
void canvas_probe_close(canvas *c);

void canvas_colour(canvas *c, uint32_t colour);
/* Text at (x, y); `side` is what lies there: 'l'eft end, 'c'entre, 'r'ight end. Bytes that
 * are no text are replaced. */
void canvas_text(canvas *c, double x, double y, double size, char side,
                 const char *text);
/* Bold text with a white rim, to be read above points. */
void canvas_label(canvas *c, double x, double y, double size, const char *text);
double canvas_text_width(canvas *c, double size, const char *text);
double canvas_label_width(canvas *c, double size, const char *text);
/* The text, or as much of its beginning and its end as leave room for an ellipsis between
 * them in `width` units. Owned by the caller. */
char *canvas_fit(canvas *c, double size, double width, const char *text);
void canvas_line(canvas *c, double x0, double y0, double x1, double y1, double width,
                 uint32_t colour);
void canvas_rectangle(canvas *c, double left, double top, double width, double height,
                      uint32_t colour);
void canvas_dot(canvas *c, double x, double y, double radius, uint32_t colour);

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
/* Lines, numbers and the box of two axes; the x axis has whole numbers, the y axis
 * powers of ten of its own when log_y. */
void canvas_axes(canvas *c, const frame *f, double font, bool log_y);

#endif
