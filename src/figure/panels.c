/* Small multiples of curves. */
#include "canvas.h"

#include <math.h>

#define PANEL_WIDE 320.0
#define PANEL_HIGH 190.0
#define TOP 40.0
#define LEFT 58.0    /* of a panel's box in its width */
#define RIGHT 12.0
#define ABOVE 24.0   /* room for its title */
#define BELOW 22.0   /* and for its numbers */
#define FONT 10.0
#define WIDE_RATIO 50.0 /* of values, from which the axis is logarithmic */

typedef struct range {
  double low, high;
} range;

static void widen(range *r, double value)
{
  if (!isfinite(value))
    return;
  r->low = fmin(r->low, value);
  r->high = fmax(r->high, value);
}

static range empty_range(void)
{
  return (range){.low = INFINITY, .high = -INFINITY};
}

static range x_range(int n, const rg_panel *panels)
{
  range r = empty_range();
  for (int p = 0; p < n; p++)
    for (int l = 0; l < panels[p].n; l++)
      for (int i = 0; i < panels[p].lines[l].n; i++)
        widen(&r, panels[p].lines[l].x[i]);
  if (!(r.high >= r.low))
    r.low = r.high = 0;
  double wide = r.high > r.low ? 0.02 * (r.high - r.low) : 0.5;
  return (range){.low = r.low - wide, .high = r.high + wide};
}

static bool is_wide(const rg_panel *panel, range *r)
{
  *r = empty_range();
  for (int l = 0; l < panel->n; l++)
    for (int i = 0; i < panel->lines[l].n; i++)
      widen(r, panel->lines[l].y[i]);
  return r->low > 0 && r->high >= WIDE_RATIO * r->low;
}

static frame frame_of(const rg_panel *panel, const range *x, bool log_y, range y,
                      double left, double top, double width)
{
  if (!(y.high >= y.low))
    y.low = y.high = 0;
  if (log_y)
    y = (range){.low = log10(y.low), .high = log10(y.high)};
  double high = y.high > y.low ? 0.06 * (y.high - y.low) : 0.5;
  (void)panel;
  return (frame){left + LEFT, top + ABOVE, width - LEFT - RIGHT,
                 PANEL_HIGH - ABOVE - BELOW, x->low, x->high, y.low - high, y.high + high};
}

static bool drawable(const rg_line *line, bool log_y, int i, double *x, double *y)
{
  if (i >= line->n)
    return false;
  *x = line->x[i];
  *y = log_y ? log10(line->y[i]) : line->y[i];
  return isfinite(*x) && isfinite(*y);
}

/* A line, broken where a value is missing; a dot where it is alone. */
static void draw_line(canvas *c, const frame *f, const rg_line *line, bool log_y,
                      uint32_t colour)
{
  bool down = false;
  double x, y, next_x, next_y;
  canvas_colour(c, colour);
  cairo_set_line_width(c->cairo, 1.6);
  cairo_set_line_join(c->cairo, CAIRO_LINE_JOIN_ROUND);
  for (int i = 0; i < line->n; i++) {
    bool here = drawable(line, log_y, i, &x, &y);
    if (here && down)
      cairo_line_to(c->cairo, frame_x(f, x), frame_y(f, y));
    else if (here && drawable(line, log_y, i + 1, &next_x, &next_y))
      cairo_move_to(c->cairo, frame_x(f, x), frame_y(f, y));
    else if (here) {
      cairo_stroke(c->cairo);
      canvas_dot(c, frame_x(f, x), frame_y(f, y), 2.5, colour);
    }
    down = here;
  }
  cairo_stroke(c->cairo);
}

static void draw_marks(canvas *c, const frame *f, int n, const double *marks)
{
  const double dashes[2] = {4, 3};
  cairo_set_dash(c->cairo, dashes, 2, 0);
  for (int k = 0; k < n; k++)
    canvas_line(c, frame_x(f, marks[k]), f->top, frame_x(f, marks[k]),
                f->top + f->height, 0.9, 0x808080);
  cairo_set_dash(c->cairo, NULL, 0, 0);
}

static void draw_panel(canvas *c, const rg_panel *panel, const range *x, int n_groups,
                       int n_marks, const double *marks, int across, int place)
{
  range y;
  double left = place % across * PANEL_WIDE;
  bool log_y = is_wide(panel, &y);
  frame f = frame_of(panel, x, log_y, y, left, TOP + (place / across) * PANEL_HIGH,
                     PANEL_WIDE);
  canvas_axes(c, &f, FONT, log_y);
  draw_marks(c, &f, n_marks, marks);
  for (int l = 0; l < panel->n; l++)
    draw_line(c, &f, &panel->lines[l], log_y,
              rg_palette(panel->lines[l].group, n_groups));
  char *title = rg_format("%s%s", panel->title, log_y ? " (log)" : "");
  char *fit = canvas_fit(c, FONT + 1.5, f.width, title);
  canvas_colour(c, 0);
  canvas_text(c, f.left, f.top - 7, FONT + 1.5, 'l', fit);
  rg_free(fit);
  rg_free(title);
}

/* Names of the groups from the right, above; as many as there is room for. */
static void draw_groups(canvas *c, const rg_strings *groups, double room)
{
  double right = c->width - RIGHT;
  for (int64_t g = groups->n - 1; g >= 0 && groups->n > 1; g--) {
    char *name = canvas_fit(c, FONT + 1, 140, rg_strings_at(groups, g));
    double width = canvas_text_width(c, FONT + 1, name);
    if (right - width - 34 > room) {
      canvas_colour(c, 0);
      canvas_text(c, right, TOP - 16, FONT + 1, 'r', name);
      canvas_line(c, right - width - 26, TOP - 20, right - width - 6, TOP - 20, 2.5,
                  rg_palette((int)g, (int)groups->n));
    }
    right -= width + 40;
    rg_free(name);
  }
}

rg_status rg_figure_panels(const char *path, const char *title, const char *x_name,
                           int across, int n, const rg_panel *panels,
                           const rg_strings *groups, int n_marks, const double *marks)
{
  canvas c;
  int rows = (n + across - 1) / across;
  double width = across * PANEL_WIDE;
  rg_status status = canvas_open(path, width, TOP + rows * PANEL_HIGH + 24, &c);
  if (status != RG_OK)
    return status;
  range x = x_range(n, panels);
  canvas_colour(&c, 0);
  char *fit = canvas_fit(&c, 15, width / 2, title);
  canvas_text(&c, LEFT, TOP - 16, 15, 'l', fit);
  draw_groups(&c, groups, LEFT + canvas_text_width(&c, 15, fit) + 20);
  rg_free(fit);
  for (int p = 0; p < n; p++)
    draw_panel(&c, &panels[p], &x, (int)groups->n, n_marks, marks, across, p);
  canvas_colour(&c, 0);
  canvas_text(&c, width / 2, TOP + rows * PANEL_HIGH + 12, FONT + 1.5, 'c', x_name);
  return canvas_close(&c);
}
