/* A picture being drawn. */
#include "canvas.h"

#include <cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FAMILY "sans-serif"
#define RIM 3.0 /* of a label, in units */

/* ---- files ----------------------------------------------------------------------- */

static void set_font(cairo_t *cairo, cairo_font_weight_t weight, double size)
{
  cairo_select_font_face(cairo, FAMILY, CAIRO_FONT_SLANT_NORMAL, weight);
  cairo_set_font_size(cairo, size);
}

rg_status canvas_open(const char *path, double width, double height, canvas *c)
{
  const char *ending = strrchr(path, '.');
  bool both = ending && strcmp(ending, ".*") == 0;
  bool png = both || (ending && strcmp(ending, ".png") == 0);
  bool svg = both || (ending && strcmp(ending, ".svg") == 0);
  if (!png && !svg)
    return rg_fail(RG_EUSAGE, "%s: a figure ends in .png or .svg", path);
  cairo_rectangle_t extent = {0, 0, width, height};
  *c = (canvas){
      .record = cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, &extent),
      .path = rg_format("%.*s", (int)(ending - path), path),
      .width = width,
      .height = height,
      .png = png,
      .svg = svg};
  c->cairo = cairo_create(c->record);
  cairo_set_source_rgb(c->cairo, 1, 1, 1);
  cairo_paint(c->cairo);
  return RG_OK;
}

/* The record on a surface, which is freed. */
static cairo_status_t replay(const canvas *c, cairo_surface_t *surface, double scale,
                             const char *png)
{
  cairo_t *cairo = cairo_create(surface);
  cairo_scale(cairo, scale, scale);
  cairo_set_source_surface(cairo, c->record, 0, 0);
  cairo_paint(cairo);
  cairo_status_t drawn = cairo_status(cairo);
  cairo_destroy(cairo);
  if (drawn == CAIRO_STATUS_SUCCESS && png)
    drawn = cairo_surface_write_to_png(surface, png);
  cairo_surface_finish(surface);
  if (drawn == CAIRO_STATUS_SUCCESS)
    drawn = cairo_surface_status(surface);
  cairo_surface_destroy(surface);
  return drawn;
}

static rg_status write_as(const canvas *c, const char *ending)
{
  char *path = rg_format("%s%s", c->path, ending);
  char *temporary = rg_format("%s.partial", path);
  bool svg = strcmp(ending, ".svg") == 0;
  cairo_status_t drawn =
      svg ? replay(c, cairo_svg_surface_create(temporary, c->width, c->height), 1, NULL)
          : replay(c,
                   cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                              (int)(c->width * CANVAS_SCALE),
                                              (int)(c->height * CANVAS_SCALE)),
                   CANVAS_SCALE, temporary);
  rg_status status = RG_OK;
  if (drawn != CAIRO_STATUS_SUCCESS)
    status =
        rg_fail(RG_EFAIL, "%s: cannot draw: %s", path, cairo_status_to_string(drawn));
  else if (rename(temporary, path) != 0)
    status = rg_fail(RG_EFAIL, "%s: cannot rename: %s", path, strerror(errno));
  if (status != RG_OK)
    remove(temporary);
  rg_free(temporary);
  rg_free(path);
  return status;
}

rg_status canvas_close(canvas *c)
{
  rg_status status = RG_OK;
  if (cairo_status(c->cairo) != CAIRO_STATUS_SUCCESS)
    status = rg_fail(RG_EFAIL, "%s: cannot draw: %s", c->path,
                     cairo_status_to_string(cairo_status(c->cairo)));
  cairo_destroy(c->cairo);
  if (status == RG_OK && c->png)
    status = write_as(c, ".png");
  if (status == RG_OK && c->svg)
    status = write_as(c, ".svg");
  cairo_surface_destroy(c->record);
  rg_free(c->path);
  *c = (canvas){0};
  return status;
}

canvas canvas_probe(void)
{
  cairo_surface_t *blank = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
  return (canvas){.record = blank, .cairo = cairo_create(blank)};
}

void canvas_probe_close(canvas *c)
{
  cairo_destroy(c->cairo);
  cairo_surface_destroy(c->record);
}

/* ---- strokes --------------------------------------------------------------------- */

void canvas_colour(canvas *c, uint32_t colour)
{
  cairo_set_source_rgb(c->cairo, (colour >> 16 & 255) / 255.0,
                       (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0);
}

void canvas_line(canvas *c, double x0, double y0, double x1, double y1, double width,
                 uint32_t colour)
{
  canvas_colour(c, colour);
  cairo_set_line_width(c->cairo, width);
  cairo_move_to(c->cairo, x0, y0);
  cairo_line_to(c->cairo, x1, y1);
  cairo_stroke(c->cairo);
}

void canvas_rectangle(canvas *c, double left, double top, double width, double height,
                      uint32_t colour)
{
  canvas_colour(c, colour);
  cairo_rectangle(c->cairo, left, top, width, height);
  cairo_fill(c->cairo);
}

void canvas_dot(canvas *c, double x, double y, double radius, uint32_t colour)
{
  canvas_colour(c, colour);
  cairo_new_path(c->cairo);
  cairo_arc(c->cairo, x, y, radius, 0, 2 * acos(-1));
  cairo_fill(c->cairo);
}

/* ---- text ------------------------------------------------------------------------ */

static double width_of(canvas *c, cairo_font_weight_t weight, double size,
                       const char *text)
{
  cairo_text_extents_t extents;
  char *clean = rg_clean_text(text);
  set_font(c->cairo, weight, size);
  cairo_text_extents(c->cairo, clean, &extents);
  rg_free(clean);
  return extents.x_advance;
}

double canvas_text_width(canvas *c, double size, const char *text)
{
  return width_of(c, CAIRO_FONT_WEIGHT_NORMAL, size, text);
}

double canvas_label_width(canvas *c, double size, const char *text)
{
  return width_of(c, CAIRO_FONT_WEIGHT_BOLD, size, text) + RIM;
}

void canvas_text(canvas *c, double x, double y, double size, char side,
                 const char *text)
{
  double width = canvas_text_width(c, size, text);
  char *clean = rg_clean_text(text);
  cairo_move_to(c->cairo, x - (side == 'c' ? width / 2 : side == 'r' ? width : 0), y);
  cairo_show_text(c->cairo, clean);
  rg_free(clean);
}

void canvas_label(canvas *c, double x, double y, double size, const char *text)
{
  double width = width_of(c, CAIRO_FONT_WEIGHT_BOLD, size, text);
  char *clean = rg_clean_text(text);
  cairo_move_to(c->cairo, x - width / 2, y);
  cairo_text_path(c->cairo, clean);
  cairo_set_source_rgba(c->cairo, 1, 1, 1, 0.9);
  cairo_set_line_width(c->cairo, RIM);
  cairo_set_line_join(c->cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke_preserve(c->cairo);
  canvas_colour(c, 0x101010);
  cairo_fill(c->cairo);
  rg_free(clean);
}

/* The text without its middle: `kept` bytes of it, three fifths of them from its beginning;
 * letters stay whole. */
static void leave_out(const char *text, size_t kept, char *out)
{
  static const char ellipsis[] = "\xe2\x80\xa6";
  size_t head = (3 * kept + 4) / 5, tail = strlen(text) - (kept - head);
  while (head > 0 && ((unsigned char)text[head] & 0xc0) == 0x80)
    head--;
  while (((unsigned char)text[tail] & 0xc0) == 0x80)
    tail++;
  memcpy(out, text, head);
  memcpy(out + head, ellipsis, sizeof ellipsis);
  memcpy(out + head + sizeof ellipsis - 1, text + tail, strlen(text + tail) + 1);
}

char *canvas_fit(canvas *c, double size, double width, const char *text)
{
  char *clean = rg_clean_text(text);
  if (canvas_text_width(c, size, clean) <= width)
    return clean;
  size_t low = 0, high = strlen(clean) - 1;
  char *out = rg_alloc((int64_t)high + 8, 1);
  while (low < high) {
    size_t kept = (low + high + 1) / 2;
    leave_out(clean, kept, out);
    if (canvas_text_width(c, size, out) <= width)
      low = kept;
    else
      high = kept - 1;
  }
  leave_out(clean, low, out);
  rg_free(clean);
  return out;
}

/* ---- axes ------------------------------------------------------------------------ */

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

/* Logarithms of powers of ten in [low, high], or of 1, 2 and 5 times them when these are
 * few; at most 16. */
static int log_ticks(double low, double high, double tick[16])
{
  int n = 0;
  bool few = high - low < 3;
  for (double k = floor(low); k <= high; k++) {
    const double within[3] = {0, log10(2), log10(5)};
    for (int j = 0; j < (few ? 3 : 1) && n < 16; j++)
      if (k + within[j] >= low && k + within[j] <= high)
        tick[n++] = k + within[j];
  }
  return n;
}

void canvas_axes(canvas *c, const frame *f, double font, bool log_y)
{
  double tick[16];
  char text[32];
  double bottom = f->top + f->height, right = f->left + f->width;
  int n = canvas_ticks(f->x0, f->x1, tick);
  for (int j = 0; j < n; j++) {
    if (tick[j] != round(tick[j]))
      continue;
    double x = frame_x(f, tick[j]);
    canvas_line(c, x, f->top, x, bottom, 0.6, 0xe6e6e6);
    snprintf(text, sizeof text, "%.6g", tick[j]);
    canvas_colour(c, 0);
    canvas_text(c, x, bottom + 1.3 * font, font, 'c', text);
  }
  n = log_y ? log_ticks(f->y0, f->y1, tick) : canvas_ticks(f->y0, f->y1, tick);
  for (int j = 0; j < n; j++) {
    double y = frame_y(f, tick[j]);
    canvas_line(c, f->left, y, right, y, 0.6, 0xe6e6e6);
    snprintf(text, sizeof text, "%.4g", log_y ? pow(10, tick[j]) : tick[j]);
    canvas_colour(c, 0);
    canvas_text(c, f->left - 6, y + 0.35 * font, font, 'r', text);
  }
  canvas_box(c, f);
}
