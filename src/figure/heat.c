/* Heat map of shares. */
#include "canvas.h"
#include "palette.h"

#include <math.h>

#define FONT 11.0
#define EDGE 14.0
#define TOP 40.0
#define NAME_WIDEST 190.0
#define TOTAL_WIDE 64.0
#define SLANT (-55.0 * 3.14159265358979 / 180) /* of the names of columns */
#define NUMBERS_FROM 26.0 /* width of a box in which a number has room */
#define LEAST 0.002       /* that is not white */
#define SHOWN_FROM 0.05   /* shares from which there is a number */

typedef struct plan {
  double left, top, wide, high; /* of the boxes, and of one */
  double width, height;         /* of the picture */
  double names;                 /* room of the names of columns along their slant */
} plan;

static double widest(canvas *probe, const rg_strings *names)
{
  double most = 10;
  for (int64_t i = 0; i < names->n; i++)
    most = fmax(most, canvas_text_width(probe, FONT, rg_strings_at(names, i)));
  return fmin(most, NAME_WIDEST) + 2;
}

static plan plan_of(const rg_heat *h)
{
  canvas probe = canvas_probe();
  plan p = {.names = widest(&probe, h->columns)};
  p.left = EDGE + 18 + widest(&probe, h->rows) + 8;
  canvas_probe_close(&probe);
  p.top = TOP + 18 - p.names * sin(SLANT) + 8;
  double many = (double)h->columns->n;
  p.wide = fmax(15, fmin(44, 640 / fmax(many, 1)));
  p.high = h->rows->n > 24 ? 16 : 20;
  p.width = p.left + many * p.wide + TOTAL_WIDE + EDGE;
  double end = p.left + many * p.wide + p.names * cos(SLANT) + EDGE; /* of the last name */
  p.width = fmax(fmax(p.width, end), 460);
  p.height = p.top + (double)h->rows->n * p.high + EDGE + 34;
  return p;
}

static void draw_columns(canvas *c, const rg_heat *h, const plan *p)
{
  for (int64_t j = 0; j < h->columns->n; j++) {
    char *name = canvas_fit(c, FONT, NAME_WIDEST, rg_strings_at(h->columns, j));
    cairo_save(c->cairo);
    cairo_translate(c->cairo, p->left + ((double)j + 0.62) * p->wide, p->top - 5);
    cairo_rotate(c->cairo, SLANT);
    canvas_colour(c, 0);
    canvas_text(c, 0, 0, FONT, 'l', name);
    cairo_restore(c->cairo);
    rg_free(name);
  }
}

static void draw_share(canvas *c, const plan *p, double x, double y, double share)
{
  if (share < LEAST)
    return;
  canvas_rectangle(c, x, y, p->wide, p->high, figure_share(share));
  if (p->wide < NUMBERS_FROM || share < SHOWN_FROM)
    return;
  char text[16];
  snprintf(text, sizeof text, "%.0f", 100 * share);
  canvas_colour(c, share > 0.55 ? 0xffffff : 0);
  canvas_text(c, x + p->wide / 2, y + p->high / 2 + 0.36 * FONT, FONT, 'c', text);
}

static void draw_row(canvas *c, const rg_heat *h, const plan *p, int64_t i)
{
  double y = p->top + (double)i * p->high, base = y + p->high / 2 + 0.36 * FONT;
  char *name = canvas_fit(c, FONT, NAME_WIDEST, rg_strings_at(h->rows, i));
  char total[32];
  canvas_colour(c, 0);
  canvas_text(c, p->left - 6, base, FONT, 'r', name);
  rg_free(name);
  for (int64_t j = 0; j < h->columns->n; j++)
    draw_share(c, p, p->left + (double)j * p->wide, y, h->share[i * h->columns->n + j]);
  canvas_colour(c, 0x404040);
  canvas_text(c, p->left + (double)h->columns->n * p->wide + TOTAL_WIDE - 4, base,
              FONT - 1, 'r', rg_with_commas(h->total[i], total));
}

static void draw_grid(canvas *c, const rg_heat *h, const plan *p)
{
  double wide = (double)h->columns->n * p->wide, high = (double)h->rows->n * p->high;
  for (int64_t i = 0; i <= h->rows->n; i++)
    canvas_line(c, p->left, p->top + (double)i * p->high, p->left + wide,
                p->top + (double)i * p->high, 0.5, 0xd8d8d8);
  for (int64_t j = 0; j <= h->columns->n; j++)
    canvas_line(c, p->left + (double)j * p->wide, p->top, p->left + (double)j * p->wide,
                p->top + high, 0.5, 0xd8d8d8);
}

static void draw_names(canvas *c, const rg_heat *h, const plan *p)
{
  canvas_colour(c, 0);
  canvas_text(c, p->left, TOP + 12, FONT + 1, 'l', h->column_name);
  cairo_save(c->cairo);
  cairo_translate(c->cairo, EDGE + 8, p->top + (double)h->rows->n * p->high / 2);
  cairo_rotate(c->cairo, -acos(-1) / 2);
  canvas_text(c, 0, 0, FONT + 1, 'c', h->row_name);
  cairo_restore(c->cairo);
  canvas_colour(c, 0x404040);
  canvas_text(c, p->left + (double)h->columns->n * p->wide + TOTAL_WIDE - 4,
              p->top + (double)h->rows->n * p->high + 14, FONT - 1, 'r', "cells");
}

/* White to dark: nothing to all of a row. */
static void draw_scale(canvas *c, const rg_heat *h, const plan *p)
{
  enum { STEPS = 64 };
  double top = p->top + (double)h->rows->n * p->high + 22, wide = 128;
  for (int k = 0; k < STEPS; k++)
    canvas_rectangle(c, p->left + 20 + k * wide / STEPS, top, wide / STEPS + 0.5, 10,
                     figure_share((k + 0.5) / STEPS));
  canvas_colour(c, 0x404040);
  canvas_text(c, p->left + 14, top + 9, FONT - 1, 'r', "0");
  canvas_text(c, p->left + 26 + wide, top + 9, FONT - 1, 'l', "100 % of the row");
}

rg_status rg_figure_heat(const char *path, const char *title, const rg_heat *heat)
{
  canvas c;
  plan p = plan_of(heat);
  rg_status status = canvas_open(path, p.width, p.height, &c);
  if (status != RG_OK)
    return status;
  char *fit = canvas_fit(&c, 15, p.width - 2 * EDGE, title);
  canvas_colour(&c, 0);
  canvas_text(&c, EDGE, TOP - 16, 15, 'l', fit);
  rg_free(fit);
  draw_columns(&c, heat, &p);
  for (int64_t i = 0; i < heat->rows->n; i++)
    draw_row(&c, heat, &p, i);
  draw_grid(&c, heat, &p);
  draw_names(&c, heat, &p);
  draw_scale(&c, heat, &p);
  return canvas_close(&c);
}
