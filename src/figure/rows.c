/* Named rows of dots or bars. */
#include "canvas.h"

#include <math.h>

#define FONT 11.0
#define EDGE 14.0
#define TOP 62.0
#define LINE 19.0
#define BOX 360.0 /* narrow enough for the width of a telephone */
#define NAME_WIDEST 240.0
#define BELOW 40.0
#define BAR 0x0072b2

/* Room for the names, and the frame beside them. */
static frame frame_of(const rg_strings *rows, double low, double high)
{
  canvas probe = canvas_probe();
  double names = 30;
  for (int64_t i = 0; i < rows->n; i++)
    names = fmax(names, canvas_text_width(&probe, FONT, rg_strings_at(rows, i)));
  canvas_probe_close(&probe);
  names = fmin(names, NAME_WIDEST);
  return (frame){EDGE + names + 10, TOP, BOX, (double)rows->n * LINE + 8, low, high, 0, 1};
}

static double line_y(const frame *f, int64_t i)
{
  return f->top + 4 + ((double)i + 0.5) * LINE;
}

static void draw_ground(canvas *c, const frame *f, const rg_strings *rows,
                        const char *x_name)
{
  double tick[16], bottom = f->top + f->height;
  int n = canvas_ticks(f->x0, f->x1, tick);
  for (int j = 0; j < n; j++) {
    char text[32];
    double x = frame_x(f, tick[j]);
    canvas_line(c, x, f->top, x, bottom, 0.6, tick[j] == 0 ? 0x909090 : 0xe6e6e6);
    snprintf(text, sizeof text, "%.4g", tick[j]);
    canvas_colour(c, 0);
    canvas_text(c, x, bottom + 14, FONT, 'c', text);
  }
  canvas_text(c, f->left + f->width / 2, bottom + 30, FONT, 'c', x_name);
  for (int64_t i = 0; i < rows->n; i++) {
    char *name = canvas_fit(c, FONT, NAME_WIDEST, rg_strings_at(rows, i));
    canvas_line(c, f->left, line_y(f, i), f->left + f->width, line_y(f, i), 0.5,
                0xeeeeee);
    canvas_colour(c, 0);
    canvas_text(c, f->left - 8, line_y(f, i) + 0.36 * FONT, FONT, 'r', name);
    rg_free(name);
  }
  canvas_box(c, f);
}

static rg_status open_rows(const char *path, const char *title, const frame *f,
                           canvas *c)
{
  double width = f->left + f->width + EDGE + 22;
  rg_status status = canvas_open(path, width, f->top + f->height + BELOW, c);
  if (status != RG_OK)
    return status;
  char *fit = canvas_fit(c, 15, width - 2 * EDGE, title);
  canvas_colour(c, 0);
  canvas_text(c, EDGE, 24, 15, 'l', fit);
  rg_free(fit);
  return RG_OK;
}

/* A shape for each series beside its colour: disc, diamond, square, triangle, cross. */
static void draw_mark(canvas *c, double x, double y, int series, double size,
                      uint32_t colour)
{
  static const struct {
    int n;
    double x[5], y[5];
  } shape[] = {{4, {0, 1.2, 0, -1.2}, {-1.2, 0, 1.2, 0}},
               {4, {-0.9, 0.9, 0.9, -0.9}, {-0.9, -0.9, 0.9, 0.9}},
               {3, {0, 1.15, -1.15}, {-1.1, 0.9, 0.9}},
               {3, {0, 1.15, -1.15}, {1.1, -0.9, -0.9}}};
  enum { SHAPES = sizeof shape / sizeof shape[0] };
  if (series % (SHAPES + 1) == 0) {
    canvas_dot(c, x, y, size, colour);
    return;
  }
  int k = series % (SHAPES + 1) - 1;
  canvas_colour(c, colour);
  cairo_new_path(c->cairo);
  for (int p = 0; p < shape[k].n; p++)
    cairo_line_to(c->cairo, x + size * shape[k].x[p], y + size * shape[k].y[p]);
  cairo_close_path(c->cairo);
  cairo_fill(c->cairo);
}

static double mark_size(int series)
{
  return series == 0 ? 6 : 4.2;
}

static void draw_series(canvas *c, const frame *f, const rg_strings *series)
{
  double x = EDGE + 6;
  for (int64_t s = 0; s < series->n; s++) {
    char *name = canvas_fit(c, FONT, 150, rg_strings_at(series, s));
    draw_mark(c, x, 45, (int)s, mark_size((int)s), rg_palette((int)s, (int)series->n));
    canvas_colour(c, 0);
    canvas_text(c, x + 11, 45 + 0.36 * FONT, FONT, 'l', name);
    x += canvas_text_width(c, FONT, name) + 30;
    rg_free(name);
    if (x > f->left + f->width - 60)
      return;
  }
}

rg_status rg_figure_dots(const char *path, const char *title, const rg_strings *rows,
                         const rg_strings *series, const double *value)
{
  canvas c;
  double low = 0, high = 1;
  for (int64_t k = 0; k < rows->n * series->n; k++)
    if (isfinite(value[k])) {
      low = fmin(low, value[k]);
      high = fmax(high, value[k]);
    }
  double margin = 0.03 * (high - low);
  frame f = frame_of(rows, low - margin, high + margin);
  rg_status status = open_rows(path, title, &f, &c);
  if (status != RG_OK)
    return status;
  draw_series(&c, &f, series);
  draw_ground(&c, &f, rows, "");
  for (int64_t i = 0; i < rows->n; i++)
    for (int64_t s = series->n - 1; s >= 0; s--) {
      double x = value[i * series->n + s];
      if (isfinite(x))
        draw_mark(&c, frame_x(&f, x), line_y(&f, i), (int)s, mark_size((int)s),
                  rg_palette((int)s, (int)series->n));
    }
  return canvas_close(&c);
}

rg_status rg_figure_bars(const char *path, const char *title, const char *x_name,
                         const rg_strings *rows, const double *value, const double *low,
                         const double *high)
{
  canvas c;
  double most = 0;
  for (int64_t i = 0; i < rows->n; i++)
    most = fmax(most, high ? fmax(high[i], value[i]) : value[i]);
  frame f = frame_of(rows, 0, most > 0 ? 1.04 * most : 1);
  f.top = 40;
  rg_status status = open_rows(path, title, &f, &c);
  if (status != RG_OK)
    return status;
  draw_ground(&c, &f, rows, x_name);
  for (int64_t i = 0; i < rows->n; i++) {
    double y = line_y(&f, i);
    canvas_rectangle(&c, f.left, y - 6, frame_x(&f, value[i]) - f.left, 12, BAR);
    if (low && high && high[i] > low[i]) {
      canvas_line(&c, frame_x(&f, low[i]), y, frame_x(&f, high[i]), y, 1.6, 0xe69f00);
      canvas_line(&c, frame_x(&f, low[i]), y - 4, frame_x(&f, low[i]), y + 4, 1.6,
                  0xe69f00);
      canvas_line(&c, frame_x(&f, high[i]), y - 4, frame_x(&f, high[i]), y + 4, 1.6,
                  0xe69f00);
    }
  }
  return canvas_close(&c);
}
