/* A picture being drawn. */
#include "canvas.h"

#include <cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool ends_with(const char *text, const char *end)
{
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

rg_status canvas_open(const char *path, double width, double height, canvas *c)
{
  bool svg = ends_with(path, ".svg");
  if (!svg && !ends_with(path, ".png"))
    return rg_fail(RG_EUSAGE, "%s: a figure ends in .png or .svg", path);
  *c = (canvas){.path = rg_strdup(path),
                .temporary = rg_format("%s.partial", path),
                .width = width,
                .height = height,
                .svg = svg};
  c->surface =
      svg ? cairo_svg_surface_create(c->temporary, width, height)
          : cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)(width * CANVAS_SCALE),
                                       (int)(height * CANVAS_SCALE));
  c->cairo = cairo_create(c->surface);
  if (!svg)
    cairo_scale(c->cairo, CANVAS_SCALE, CANVAS_SCALE);
  cairo_set_source_rgb(c->cairo, 1, 1, 1);
  cairo_paint(c->cairo);
  cairo_select_font_face(c->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         CAIRO_FONT_WEIGHT_NORMAL);
  return RG_OK;
}

rg_status canvas_close(canvas *c)
{
  rg_status status = RG_OK;
  cairo_status_t drawn = cairo_status(c->cairo);
  cairo_destroy(c->cairo);
  if (drawn == CAIRO_STATUS_SUCCESS && !c->svg)
    drawn = cairo_surface_write_to_png(c->surface, c->temporary);
  cairo_surface_finish(c->surface);
  if (drawn == CAIRO_STATUS_SUCCESS)
    drawn = cairo_surface_status(c->surface);
  cairo_surface_destroy(c->surface);
  if (drawn != CAIRO_STATUS_SUCCESS)
    status = rg_fail(RG_EFAIL, "%s: cannot draw: %s", c->path,
                     cairo_status_to_string(drawn));
  else if (rename(c->temporary, c->path) != 0)
    status = rg_fail(RG_EFAIL, "%s: cannot rename: %s", c->path, strerror(errno));
  if (status != RG_OK)
    remove(c->temporary);
  rg_free(c->path);
  rg_free(c->temporary);
  *c = (canvas){0};
  return status;
}

void canvas_colour(canvas *c, uint32_t colour)
{
  cairo_set_source_rgb(c->cairo, (colour >> 16 & 255) / 255.0,
                       (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0);
}

double canvas_text_width(canvas *c, double size, const char *text)
{
  cairo_text_extents_t extents;
  cairo_set_font_size(c->cairo, size);
  cairo_text_extents(c->cairo, text, &extents);
  return extents.x_advance;
}

void canvas_text(canvas *c, double x, double y, double size, char side,
                 const char *text)
{
  double width = canvas_text_width(c, size, text);
  cairo_move_to(c->cairo, x - (side == 'c' ? width / 2 : side == 'r' ? width : 0), y);
  cairo_show_text(c->cairo, text);
}

void canvas_box(canvas *c, const frame *f)
{
  canvas_colour(c, 0x404040);
  cairo_set_line_width(c->cairo, 0.8);
  cairo_rectangle(c->cairo, f->left, f->top, f->width, f->height);
  cairo_stroke(c->cairo);
}

int canvas_ticks(double low, double high, double tick[16])
{
  if (!(high > low)) {
    tick[0] = low;
    return 1;
  }
  double step = pow(10, floor(log10((high - low) / 4)));
  step *= (high - low) / step > 20 ? 5 : (high - low) / step > 8 ? 2 : 1;
  int n = 0;
  for (double k = ceil(low / step - 1e-9); k * step <= high + 1e-9 * step && n < 16;
       k++)
    tick[n++] = k == 0 ? 0 : k * step;
  return n;
}
