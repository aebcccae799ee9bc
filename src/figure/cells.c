/* Scatter of cells. Discs are blended into an image by hand: a cell costs a few dozen
 * pixels, so a million of them are drawn in a second, and an SVG stays small. */
#include "canvas.h"
#include "palette.h"

#include <math.h>
#include <string.h>

#define SIDE 560.0 /* of the square of points, in units */
#define EDGE 24.0
#define TOP 46.0
#define FONT 12.0
#define MISSING 0xd3d3d3
enum { LEGEND_ROWS = 32, LONGEST_NAME = 40 };

/* All cells on the rank that draws. */
typedef struct cells {
  int64_t n;
  const float *xy;
  const rg_column *column; /* for its type, name and categories */
  int32_t *code;
  double *number;
  double low, high; /* of the numbers */
} cells;

/* ---- points ---------------------------------------------------------------------- */

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
                 uint32_t colour)
{
  int x0 = (int)floor(x - radius - 1), x1 = (int)ceil(x + radius + 1);
  int y0 = (int)floor(y - radius - 1), y1 = (int)ceil(y + radius + 1);
  for (int j = y0 > 0 ? y0 : 0; j <= y1 && j < side; j++)
    for (int i = x0 > 0 ? x0 : 0; i <= x1 && i < side; i++) {
      double share = radius + 0.5 - hypot(i + 0.5 - x, j + 0.5 - y);
      if (share > 0)
        pixel[j * side + i] = blend(pixel[j * side + i], colour, share > 1 ? 1 : share);
    }
}

static bool is_missing(const cells *all, int64_t i)
{
  return all->code ? all->code[i] < 0 : isnan(all->number[i]);
}

static uint32_t colour_of(const cells *all, int64_t i)
{
  if (is_missing(all, i))
    return MISSING;
  if (all->code)
    return rg_palette(all->code[i], (int)all->column->categories.n);
  double range = all->high - all->low;
  return figure_viridis(range > 0 ? (all->number[i] - all->low) / range : 0.5);
}

/* Least square that holds all cells, with a margin. */
static frame square_of(const cells *all)
{
  frame f = {EDGE, TOP, SIDE, SIDE, INFINITY, -INFINITY, INFINITY, -INFINITY};
  for (int64_t i = 0; i < all->n; i++) {
    float x = all->xy[2 * i], y = all->xy[2 * i + 1];
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

/* Cells in a keyed random order, so that no group covers another; missing ones
 * below. */
static void draw_points(canvas *c, const cells *all, const frame *f)
{
  int side = (int)(SIDE * CANVAS_SCALE);
  cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, side, side);
  cairo_surface_flush(image);
  uint32_t *pixel = (uint32_t *)(void *)cairo_image_surface_get_data(image);
  for (int64_t j = 0; pixel && j < (int64_t)side * side; j++)
    pixel[j] = 0xffffffff;
  double radius = sqrt(16000.0 / (double)(all->n + 1));
  radius = CANVAS_SCALE * (radius < 0.6 ? 0.6 : radius > 3 ? 3 : radius);
  rg_key key = {.seed = 0, .purpose = RG_FOR_LAYOUT};
  for (int pass = 0; pixel && pass < 2; pass++)
    for (int64_t k = 0; k < all->n; k++) {
      int64_t i = rg_permuted(&key, all->n, k);
      float x = all->xy[2 * i], y = all->xy[2 * i + 1];
      if (is_missing(all, i) == (pass == 0) && isfinite(x) && isfinite(y))
        disc(pixel, side, (frame_x(f, x) - f->left) * CANVAS_SCALE,
             (frame_y(f, y) - f->top) * CANVAS_SCALE, radius, colour_of(all, i));
    }
  cairo_surface_mark_dirty(image);
  cairo_save(c->cairo);
  cairo_translate(c->cairo, f->left, f->top);
  cairo_scale(c->cairo, 1.0 / CANVAS_SCALE, 1.0 / CANVAS_SCALE);
  cairo_set_source_surface(c->cairo, image, 0, 0);
  cairo_paint(c->cairo);
  cairo_restore(c->cairo);
  cairo_surface_destroy(image);
}

/* ---- legend ---------------------------------------------------------------------- */

static void short_name(const char *name, char out[LONGEST_NAME + 4])
{
  size_t n = strlen(name);
  if (n <= LONGEST_NAME) {
    memcpy(out, name, n + 1);
    return;
  }
  n = LONGEST_NAME;
  while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80) /* inside a UTF-8 letter */
    n--;
  memcpy(out, name, n);
  memcpy(out + n, "...", 4);
}

static int legend_columns(const cells *all)
{
  return (int)((all->column->categories.n + LEGEND_ROWS - 1) / LEGEND_ROWS);
}

/* Width of a column of the legend; `probe` is only measured with. */
static double legend_width(canvas *probe, const cells *all)
{
  double most = 40;
  char name[LONGEST_NAME + 4];
  for (int64_t j = 0; all->code && j < all->column->categories.n; j++) {
    short_name(rg_strings_at(&all->column->categories, j), name);
    most = fmax(most, canvas_text_width(probe, FONT, name));
  }
  return most + 30;
}

static void draw_names(canvas *c, const cells *all, double left, double width)
{
  char name[LONGEST_NAME + 4];
  int n = (int)all->column->categories.n;
  for (int j = 0; j < n; j++) {
    double x = left + j / LEGEND_ROWS * width;
    double y = TOP + 10 + j % LEGEND_ROWS * (SIDE / LEGEND_ROWS);
    canvas_colour(c, rg_palette(j, n));
    cairo_arc(c->cairo, x + 5, y, 4.5, 0, 2 * acos(-1));
    cairo_fill(c->cairo);
    short_name(rg_strings_at(&all->column->categories, j), name);
    canvas_colour(c, 0);
    canvas_text(c, x + 15, y + 0.35 * FONT, FONT, 'l', name);
  }
}

static void draw_scale(canvas *c, const cells *all, double left)
{
  frame f = {left, TOP + SIDE / 4, 14, SIDE / 2, 0, 1, all->low, all->high};
  if (!(all->high > all->low))
    f.y1 = f.y0 + 1;
  enum { STEPS = 128 };
  for (int j = 0; j < STEPS; j++) {
    canvas_colour(c, figure_viridis((j + 0.5) / STEPS));
    double top = f.top + f.height * (STEPS - 1 - j) / STEPS;
    cairo_rectangle(c->cairo, f.left, top, f.width, f.height / STEPS + 0.5);
    cairo_fill(c->cairo);
  }
  canvas_box(c, &f);
  double tick[16];
  int n = canvas_ticks(all->low, all->high, tick);
  for (int j = 0; j < n; j++) {
    char text[32];
    snprintf(text, sizeof text, "%.4g", tick[j]);
    canvas_text(c, f.left + f.width + 5, frame_y(&f, tick[j]) + 0.35 * FONT, FONT, 'l',
                text);
  }
}

/* ---- the figure ------------------------------------------------------------------ */

static rg_status draw(const char *path, const char *title, const cells *all)
{
  canvas probe, c;
  cairo_surface_t *blank = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
  probe = (canvas){.cairo = cairo_create(blank)};
  cairo_select_font_face(probe.cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         CAIRO_FONT_WEIGHT_NORMAL);
  double width = legend_width(&probe, all);
  cairo_destroy(probe.cairo);
  cairo_surface_destroy(blank);
  double right = all->code ? width * legend_columns(all) : 80;
  rg_status status = canvas_open(path, 2 * EDGE + SIDE + right, TOP + SIDE + EDGE, &c);
  if (status != RG_OK)
    return status;
  frame f = square_of(all);
  draw_points(&c, all, &f);
  canvas_box(&c, &f);
  canvas_colour(&c, 0);
  canvas_text(&c, EDGE + SIDE / 2, TOP - 14, 16, 'c', title);
  if (all->code)
    draw_names(&c, all, EDGE + SIDE + 14, width);
  else
    draw_scale(&c, all, EDGE + SIDE + 14);
  return canvas_close(&c);
}

static void find_range(cells *all)
{
  all->low = INFINITY;
  all->high = -INFINITY;
  for (int64_t i = 0; i < all->n; i++)
    if (isfinite(all->number[i])) {
      all->low = fmin(all->low, all->number[i]);
      all->high = fmax(all->high, all->number[i]);
    }
  if (!(all->high >= all->low))
    all->low = all->high = 0;
}

rg_status rg_figure_cells(rg_comm *comm, const char *path, const char *title,
                          const rg_mat *xy, const rg_column *column)
{
  RG_ASSERT(xy->cols == 2 && xy->rows == column->n);
  if (column->type == RG_COLUMN_STRING)
    return rg_fail(RG_EUSAGE,
                   "%s: column %s holds plain text; it can only be drawn as "
                   "categories or numbers",
                   path, column->name);
  cells all = {.column = column};
  int64_t bytes;
  float *gathered = rg_gather_all(comm, xy->data, 2 * xy->rows * (int64_t)sizeof(float),
                                  NULL, &bytes);
  all.xy = gathered;
  all.n = bytes / (2 * (int64_t)sizeof(float));
  if (column->type == RG_COLUMN_CATEGORY)
    all.code = rg_gather_all(comm, column->code, column->n * (int64_t)sizeof(int32_t),
                             NULL, &bytes);
  else
    all.number = rg_gather_all(comm, column->number,
                               column->n * (int64_t)sizeof(double), NULL, &bytes);
  if (all.number)
    find_range(&all);
  rg_status status = RG_OK;
  if (rg_rank(comm) == 0)
    status = draw(path, title, &all);
  rg_free(gathered);
  rg_free(all.code);
  rg_free(all.number);
  return rg_agree(comm, status);
}
