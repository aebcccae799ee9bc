/* Curves with axes and a legend. */
#include "canvas.h"

#include <math.h>

#define WIDTH 720.0
#define HEIGHT 440.0
#define LEFT 74.0
#define RIGHT 20.0
#define TOP 40.0
#define BOTTOM 52.0
#define FONT 12.0

/* What is to be drawn, as rg_figure_curves got it. */
typedef struct curves {
  bool log_y;
  int n;
  const char *const *names;
  const int *lengths;
  const double *const *x, *const *y;
} curves;

static bool drawable(const curves *all, int series, int i, double *x, double *y)
{
  *x = all->x[series][i];
  *y = all->y[series][i];
  if (all->log_y)
    *y = *y > 0 ? log10(*y) : NAN;
  return isfinite(*x) && isfinite(*y);
}

static frame frame_of(const curves *all)
{
  frame f = {LEFT,
             TOP,
             WIDTH - LEFT - RIGHT,
             HEIGHT - TOP - BOTTOM,
             INFINITY,
             -INFINITY,
             INFINITY,
             -INFINITY};
  double x, y;
  for (int s = 0; s < all->n; s++)
    for (int i = 0; i < all->lengths[s]; i++)
      if (drawable(all, s, i, &x, &y)) {
        f.x0 = fmin(f.x0, x);
        f.x1 = fmax(f.x1, x);
        f.y0 = fmin(f.y0, y);
        f.y1 = fmax(f.y1, y);
      }
  if (!(f.x1 >= f.x0))
    f.x0 = f.y0 = f.x1 = f.y1 = 0;
  double wide = f.x1 > f.x0 ? 0.02 * (f.x1 - f.x0) : 0.5;
  double high = f.y1 > f.y0 ? 0.06 * (f.y1 - f.y0) : 0.5;
  f.x0 -= wide;
  f.x1 += wide;
  f.y0 -= high;
  f.y1 += high;
  return f;
}

static void rule(canvas *c, double x0, double y0, double x1, double y1, uint32_t colour)
{
  canvas_colour(c, colour);
  cairo_set_line_width(c->cairo, 0.6);
  cairo_move_to(c->cairo, x0, y0);
  cairo_line_to(c->cairo, x1, y1);
  cairo_stroke(c->cairo);
}

static void draw_axes(canvas *c, const frame *f, bool log_y)
{
  double tick[16];
  char text[32];
  double bottom = f->top + f->height, right = f->left + f->width;
  int n = canvas_ticks(f->x0, f->x1, tick);
  for (int j = 0; j < n; j++) {
    double x = frame_x(f, tick[j]);
    rule(c, x, f->top, x, bottom, 0xe6e6e6);
    snprintf(text, sizeof text, "%.6g", tick[j]);
    canvas_colour(c, 0);
    canvas_text(c, x, bottom + 16, FONT, 'c', text);
  }
  n = canvas_ticks(f->y0, f->y1, tick);
  for (int j = 0; j < n; j++) {
    double y = frame_y(f, tick[j]);
    rule(c, f->left, y, right, y, 0xe6e6e6);
    snprintf(text, sizeof text, "%.4g", log_y ? pow(10, tick[j]) : tick[j]);
    canvas_colour(c, 0);
    canvas_text(c, f->left - 6, y + 0.35 * FONT, FONT, 'r', text);
  }
  canvas_box(c, f);
}

/* A line, broken where a value is missing; a dot where it is alone. */
static void draw_series(canvas *c, const frame *f, const curves *all, int s)
{
  bool down = false;
  double x, y, next_x, next_y;
  canvas_colour(c, rg_palette(s, all->n));
  cairo_set_line_width(c->cairo, 1.8);
  cairo_set_line_join(c->cairo, CAIRO_LINE_JOIN_ROUND);
  for (int i = 0; i < all->lengths[s]; i++) {
    if (!drawable(all, s, i, &x, &y)) {
      down = false;
      continue;
    }
    bool goes_on = i + 1 < all->lengths[s] && drawable(all, s, i + 1, &next_x, &next_y);
    if (down)
      cairo_line_to(c->cairo, frame_x(f, x), frame_y(f, y));
    else if (goes_on)
      cairo_move_to(c->cairo, frame_x(f, x), frame_y(f, y));
    else {
      cairo_stroke(c->cairo);
      cairo_arc(c->cairo, frame_x(f, x), frame_y(f, y), 2.5, 0, 2 * acos(-1));
      cairo_fill(c->cairo);
    }
    down = true;
  }
  cairo_stroke(c->cairo);
}

static void draw_legend(canvas *c, const frame *f, const curves *all)
{
  double width = 0, height = all->n * 17 + 8;
  for (int s = 0; s < all->n; s++)
    width = fmax(width, canvas_text_width(c, FONT, all->names[s]));
  width += 40;
  double left = f->left + f->width - width - 8, top = f->top + 8;
  cairo_set_source_rgba(c->cairo, 1, 1, 1, 0.85);
  cairo_rectangle(c->cairo, left, top, width, height);
  cairo_fill(c->cairo);
  for (int s = 0; s < all->n; s++) {
    double y = top + 15 + 17 * s;
    canvas_colour(c, rg_palette(s, all->n));
    cairo_set_line_width(c->cairo, 2.5);
    cairo_move_to(c->cairo, left + 6, y - 4);
    cairo_line_to(c->cairo, left + 26, y - 4);
    cairo_stroke(c->cairo);
    canvas_colour(c, 0);
    canvas_text(c, left + 32, y, FONT, 'l', all->names[s]);
  }
}

rg_status rg_figure_curves(const char *path, const char *title, const char *x_name,
                           const char *y_name, bool log_y, int n,
                           const char *const *names, const int *lengths,
                           const double *const *x, const double *const *y)
{
  curves all = {log_y, n, names, lengths, x, y};
  canvas c;
  rg_status status = canvas_open(path, WIDTH, HEIGHT, &c);
  if (status != RG_OK)
    return status;
  frame f = frame_of(&all);
  draw_axes(&c, &f, log_y);
  for (int s = 0; s < n; s++)
    draw_series(&c, &f, &all, s);
  if (n > 1 || (n == 1 && names[0][0]))
    draw_legend(&c, &f, &all);
  canvas_colour(&c, 0);
  canvas_text(&c, f.left + f.width / 2, TOP - 14, 15, 'c', title);
  canvas_text(&c, f.left + f.width / 2, HEIGHT - 12, FONT + 1, 'c', x_name);
  cairo_save(c.cairo);
  cairo_translate(c.cairo, 18, f.top + f.height / 2);
  cairo_rotate(c.cairo, -acos(-1) / 2);
  canvas_text(&c, 0, 0, FONT + 1, 'c', y_name);
  cairo_restore(c.cairo);
  return canvas_close(&c);
}
