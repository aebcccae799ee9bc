/* figure: pictures are complete files of the kind their name says; colours tell
 * apart. */
#include "src/figure/canvas.h"
#include "src/figure/palette.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/regatta_figure_XXXXXX";

static void make_folder(void)
{
  cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
  rmdir(folder);
}

TestSuite(cells, .init = make_folder, .fini = remove_folder);
TestSuite(curves, .init = make_folder, .fini = remove_folder);

static const rg_key test_key = {.seed = 1, .purpose = RG_FOR_TEST};

/* The file of a name in the folder: read, then removed. Owned. */
static char *take_file(const char *name, size_t *n)
{
  char *path = rg_format("%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file, "%s", path);
  char *bytes = rg_alloc(1 << 24, 1);
  *n = fread(bytes, 1, (1 << 24) - 1, file);
  fclose(file);
  remove(path);
  rg_free(path);
  return bytes;
}

static rg_column column_of(int n, int categories)
{
  rg_column column = {.name = rg_strdup("kind"),
                      .n = n,
                      .type = categories ? RG_COLUMN_CATEGORY : RG_COLUMN_NUMBER};
  column.code = RG_NEW(int32_t, n);
  column.number = RG_NEW(double, n);
  for (int i = 0; i < n; i++) {
    column.code[i] = categories && i > 0 ? i % categories : -1;
    column.number[i] = i > 0 ? i : NAN;
  }
  for (int c = 0; c < categories; c++) {
    char name[80];
    int length =
        snprintf(name, sizeof name, "%s kind \xc3\xa9%d",
                 c == 1 ? "a very long name that goes on and on and on" : "a", c);
    rg_strings_add(&column.categories, name, length);
  }
  return column;
}

static rg_status draw_cells(const char *name, int n, int categories)
{
  rg_mat xy = rg_mat_new(n, 2);
  for (int i = 0; i < n; i++)
    rg_normals(&test_key, (uint64_t)i, 2, rg_mat_row(&xy, i));
  if (n > 3)
    rg_mat_row(&xy, 3)[0] = NAN;
  rg_column column = column_of(n, categories);
  char *path = rg_format("%s/%s", folder, name);
  rg_status status = rg_figure_cells(rg_comm_self(), path, "title", &xy, &column);
  rg_free(path);
  rg_column_fini(&column);
  rg_mat_fini(&xy);
  return status;
}

/* Width and height in the header of a PNG. */
static void png_size(const char *bytes, int *width, int *height)
{
  const unsigned char *u = (const unsigned char *)bytes;
  *width = u[16] << 24 | u[17] << 16 | u[18] << 8 | u[19];
  *height = u[20] << 24 | u[21] << 16 | u[22] << 8 | u[23];
}

static void assert_png(const char *name)
{
  size_t n;
  int width, height;
  char *bytes = take_file(name, &n);
  cr_assert(n > 500 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0);
  cr_assert(memcmp(bytes + n - 8, "IEND", 4) == 0);
  png_size(bytes, &width, &height);
  cr_assert(width > 600 && height > 600);
  rg_free(bytes);
}

Test(cells, as_png)
{
  const int categories[] = {0, 1, 7, 60};
  for (int k = 0; k < 4; k++) {
    cr_assert_eq(draw_cells("x.png", 500, categories[k]), RG_OK);
    assert_png("x.png");
  }
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(cells, none_and_one)
{
  cr_assert_eq(draw_cells("x.png", 0, 2), RG_OK);
  assert_png("x.png");
  cr_assert_eq(draw_cells("x.png", 1, 0), RG_OK);
  assert_png("x.png");
}

Test(cells, as_svg)
{
  size_t n;
  cr_assert_eq(draw_cells("x.svg", 200, 3), RG_OK);
  char *text = take_file("x.svg", &n);
  cr_assert_not_null(strstr(text, "<svg"));
  cr_assert_not_null(strstr(text, "</svg>"));
  cr_assert_not_null(strstr(text, "image/png")); /* points are an image */
  rg_free(text);
}

Test(cells, what_cannot_be_drawn)
{
  cr_assert_eq(draw_cells("x.jpeg", 10, 2), RG_EUSAGE);
  cr_assert_eq(draw_cells("missing/x.png", 10, 2), RG_EFAIL);
  cr_assert_eq(draw_cells("missing/x.svg", 10, 2), RG_EFAIL);
  rg_column text = {.name = "names", .type = RG_COLUMN_STRING};
  rg_mat xy = rg_mat_new(0, 2);
  cr_assert_eq(rg_figure_cells(rg_comm_self(), "x.png", "", &xy, &text), RG_EUSAGE);
  rg_mat_fini(&xy);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(curves, with_gaps_and_logarithm)
{
  const char *names[3] = {"one", "two", "none"};
  double x[5] = {0, 1, 2, 3, 4}, y[5] = {1, NAN, 100, 10, 0};
  const double *xs[3] = {x, x, x}, *ys[3] = {y, x, x};
  int lengths[3] = {5, 5, 0};
  for (int log_y = 0; log_y < 2; log_y++) {
    char *path = rg_format("%s/%s", folder, "curve.png");
    cr_assert_eq(rg_figure_curves(path, "title", "epoch", "loss", log_y, 3, names,
                                  lengths, xs, ys),
                 RG_OK);
    rg_free(path);
    assert_png("curve.png");
  }
  cr_assert_eq(rg_figure_curves("/nowhere/at/all.svg", "", "", "", false, 0, NULL, NULL,
                                NULL, NULL),
               RG_EFAIL);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(ticks, are_round_and_inside)
{
  const double ranges[][2] = {{0, 1}, {-3, 17}, {1e-9, 3e-9}, {99990, 100010}, {-1, 0}};
  for (int k = 0; k < 5; k++) {
    double tick[16], low = ranges[k][0], high = ranges[k][1];
    int n = canvas_ticks(low, high, tick);
    cr_assert(n >= 3 && n <= 11, "%d", n);
    for (int j = 0; j < n; j++)
      cr_assert(tick[j] >= low - 1e-9 * (high - low) &&
                tick[j] <= high + 1e-9 * (high - low));
  }
  double tick[16];
  cr_assert_eq(canvas_ticks(2, 2, tick), 1);
}

static double channel(uint32_t colour, int shift)
{
  return (colour >> shift & 255) / 255.0;
}

/* What a reader without green cones sees (Vienot, Brettel, Mollon 1999), roughly: red
 * and green fall together. */
static double difference(uint32_t a, uint32_t b, bool deficient)
{
  double red = channel(a, 16) - channel(b, 16), green = channel(a, 8) - channel(b, 8);
  double blue = channel(a, 0) - channel(b, 0);
  if (deficient)
    red = green = 0.3 * red + 0.7 * green;
  return sqrt(red * red + green * green + blue * blue);
}

Test(palette, colours_differ)
{
  for (int i = 0; i < 40; i++)
    for (int j = 0; j < i; j++)
      cr_assert_gt(difference(rg_palette(i, 40), rg_palette(j, 40), false), 0.07,
                   "%d and %d", i, j);
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < i; j++)
      cr_assert_gt(difference(rg_palette(i, 8), rg_palette(j, 8), true), 0.07,
                   "%d and %d", i, j);
  for (int i = 0; i < 300; i++)
    for (int j = 0; j < i; j++)
      cr_assert_neq(rg_palette(i, 300), rg_palette(j, 300));
}

Test(palette, viridis_grows_light)
{
  double before = -1;
  for (int j = 0; j <= 50; j++) {
    uint32_t colour = figure_viridis(j / 50.0);
    double light = 0.21 * channel(colour, 16) + 0.72 * channel(colour, 8) +
                   0.07 * channel(colour, 0);
    cr_assert_gt(light, before);
    before = light;
  }
  cr_assert_eq(figure_viridis(-1), figure_viridis(0));
  cr_assert_eq(figure_viridis(2), 0xfde725);
}

Test(must_fail, one_colour)
{
  cr_assert_eq(rg_palette(0, 2), rg_palette(1, 2));
}
