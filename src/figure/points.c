/* Cells as points of an image. */
#include "points.h"

#include <math.h>

static uint32_t blend(uint32_t below, uint32_t colour, double share)
{
  uint32_t out = 0xff000000;
  for (int shift = 0; shift <= 16; shift += 8) {
    double a = below >> shift & 255, b = colour >> shift & 255;
    out |= (uint32_t)(a + share * (b - a) + 0.5) << shift;
  }
  return out;
}

/* A disc with soft edges, in pixels. */
static void disc(uint32_t *pixel, int side, double x, double y, double radius,
                 double strength, uint32_t colour)
{
  int x0 = (int)floor(x - radius - 1), x1 = (int)ceil(x + radius + 1);
  int y0 = (int)floor(y - radius - 1), y1 = (int)ceil(y + radius + 1);
  for (int j = y0 > 0 ? y0 : 0; j <= y1 && j < side; j++)
    for (int i = x0 > 0 ? x0 : 0; i <= x1 && i < side; i++) {
      double dx = i + 0.5 - x, dy = j + 0.5 - y;
      double share = radius + 0.5 - sqrt(dx * dx + dy * dy);
      if (share > 0)
        pixel[j * side + i] =
            blend(pixel[j * side + i], colour, strength * (share > 1 ? 1 : share));
    }
}

frame points_frame(int64_t n, const float *xy, double left, double top, double side)
{
  frame f = {left, top, side, side, INFINITY, -INFINITY, INFINITY, -INFINITY};
  for (int64_t i = 0; i < n; i++) {
    float x = xy[2 * i], y = xy[2 * i + 1];
    if (!isfinite(x) || !isfinite(y))
      continue;
    f.x0 = fmin(f.x0, x);
    f.x1 = fmax(f.x1, x);
    f.y0 = fmin(f.y0, y);
    f.y1 = fmax(f.y1, y);
  }
  if (!(f.x1 >= f.x0))
    f.x0 = f.x1 = f.y0 = f.y1 = 0;
  double margin = 0.04 * fmax(fmax(f.x1 - f.x0, f.y1 - f.y0), 1e-6);
  f.x0 -= margin;
  f.x1 += margin;
  f.y0 -= margin;
  f.y1 += margin;
  return f;
}

/* Many cells are small and let what lies below show through. */
static void draw_into(uint32_t *pixel, int side, const frame *f, int64_t n,
                      const float *xy, const uint32_t *colour)
{
  double radius = sqrt(16000.0 / (double)(n + 1));
  radius = CANVAS_SCALE * (radius < 0.6 ? 0.6 : radius > 3 ? 3 : radius);
  double strength = n < 20000 ? 0.9 : n < 200000 ? 0.8 : 0.7;
  rg_key key = {.seed = 0, .purpose = RG_FOR_LAYOUT};
  for (int pass = 0; pass < 2; pass++)
    for (int64_t k = 0; k < n; k++) {
      int64_t i = rg_permuted(&key, n, k);
      float x = xy[2 * i], y = xy[2 * i + 1];
      bool missing = colour[i] & POINTS_MISSING;
      if (missing == (pass == 0) && isfinite(x) && isfinite(y))
        disc(pixel, side, (frame_x(f, x) - f->left) * CANVAS_SCALE,
             (frame_y(f, y) - f->top) * CANVAS_SCALE, radius, strength, colour[i]);
    }
}

void points_draw(canvas *c, const frame *f, int64_t n, const float *xy,
                 const uint32_t *colour)
{
  int side = (int)(f->width * CANVAS_SCALE);
  cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, side, side);
  cairo_surface_flush(image);
  uint32_t *pixel = (uint32_t *)(void *)cairo_image_surface_get_data(image);
  for (int64_t j = 0; pixel && j < (int64_t)side * side; j++)
    pixel[j] = 0xffffffff;
  if (pixel)
    draw_into(pixel, side, f, n, xy, colour);
  cairo_surface_mark_dirty(image);
  cairo_save(c->cairo);
  cairo_translate(c->cairo, f->left, f->top);
  cairo_scale(c->cairo, 1.0 / CANVAS_SCALE, 1.0 / CANVAS_SCALE);
  cairo_set_source_surface(c->cairo, image, 0, 0);
  cairo_paint(c->cairo);
  cairo_restore(c->cairo);
  cairo_surface_destroy(image);
}
