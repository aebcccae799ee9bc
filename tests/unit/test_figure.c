/* figure: pictures are complete files of the kind their name says; colours tell
 * apart. */
#include "src/figure/canvas.h"
#include "src/figure/colour.h"
#include "src/figure/labels.h"
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

static void assert_svg(const char *name, bool image)
{
  size_t n;
  char *text = take_file(name, &n);
  cr_assert_not_null(strstr(text, "<svg"));
  cr_assert_not_null(strstr(text, "</svg>"));
  cr_assert_eq(strstr(text, "image/png") != NULL, image); /* points are an image */
  rg_free(text);
}

Test(cells, as_svg)
{
  cr_assert_eq(draw_cells("x.svg", 200, 3), RG_OK);
  assert_svg("x.svg", true);
  cr_assert_eq(draw_cells("x.*", 200, 3), RG_OK);
  assert_svg("x.svg", true);
  assert_png("x.png");
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
  double x[5] = {0, 1, 2, 3, 4}, y[5] = {1, NAN, 100, 10, 0.5}, none[5] = {0};
  rg_line lines[3] = {{0, 5, x, y}, {1, 5, x, none}, {1, 0, x, y}};
  rg_panel panels[5] = {{"one", 1, lines}, {"two", 2, lines}, {"all", 3, lines},
                        {"", 0, NULL}, {"a name that is much too long for its panel, "
                                        "and then some more", 1, lines + 2}};
  rg_strings groups = {0};
  rg_strings_add(&groups, "first", -1);
  rg_strings_add(&groups, "second", -1);
  double mark = 2;
  char *path = rg_format("%s/%s", folder, "curve.*");
  for (int across = 1; across <= 3; across += 2) {
    cr_assert_eq(rg_figure_panels(path, "title", "epoch", across, 5, panels, &groups, 1,
                                  &mark),
                 RG_OK);
    assert_png("curve.png");
    assert_svg("curve.svg", false);
  }
  rg_free(path);
  cr_assert_eq(
      rg_figure_panels("/nowhere/at/all.svg", "", "", 1, 0, NULL, &groups, 0, NULL),
      RG_EFAIL);
  rg_strings_fini(&groups);
  cr_assert_eq(rg_memory_alive(), 0);
}

static rg_strings names_of(int n)
{
  rg_strings names = {0};
  for (int i = 0; i < n; i++) {
    char *name =
        rg_format("%s %d", i == 1 ? "\xff<b> a name of quite some length" : "n", i);
    rg_strings_add(&names, name, -1);
    rg_free(name);
  }
  return names;
}

Test(curves, heat_dots_and_bars)
{
  enum { ROWS = 40, COLUMNS = 45 };
  rg_strings rows = names_of(ROWS), columns = names_of(COLUMNS);
  double *share = RG_NEW(double, ROWS *COLUMNS), *most = RG_NEW(double, ROWS);
  int64_t *total = RG_NEW(int64_t, ROWS);
  for (int i = 0; i < ROWS; i++) {
    total[i] = 1000 * i;
    most[i] = i + 1;
    share[i * COLUMNS + i] = 1;
  }
  rg_heat heat = {"clusters", "labels", &rows, &columns, share, total};
  char *path = rg_format("%s/x.*", folder);
  cr_assert_eq(rg_figure_heat(path, "title", &heat), RG_OK);
  assert_png("x.png");
  assert_svg("x.svg", false);
  cr_assert_eq(rg_figure_dots(path, "title", &rows, &columns, share), RG_OK);
  assert_png("x.png");
  assert_svg("x.svg", false);
  cr_assert_eq(rg_figure_bars(path, "title", "s", &rows, share, share, most), RG_OK);
  assert_png("x.png");
  assert_svg("x.svg", false);
  rg_free(path);
  rg_free(share);
  rg_free(most);
  rg_free(total);
  rg_strings_fini(&rows);
  rg_strings_fini(&columns);
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

/* Pairs 1, 4, 7, 10, 16, 17, 21 and 34 of Sharma, Wu, Dalal 2005. */
Test(colour, difference_is_ciede2000)
{
  const double pair[][7] = {
      {50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425},
      {50, -1.3802, -84.2814, 50, 0, -82.7485, 1.0000},
      {50, 0, 0, 50, -1, 2, 2.3669},
      {50, 2.4900, -0.0010, 50, -2.4900, 0.0010, 7.1792},
      {50, 2.5, 0, 50, 0, -2.5, 4.3065},
      {50, 2.5, 0, 73, 25, -18, 27.1492},
      {50, 2.5, 0, 50, 3.1736, 0.5854, 1.0000},
      {2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082}};
  for (int k = 0; k < 8; k++)
    cr_assert_float_eq(colour_difference(pair[k], pair[k] + 3), pair[k][6], 1e-4, "%d", k);
  double lab[3];
  colour_lab(0xffffff, VISION_FULL, lab);
  cr_assert(fabs(lab[0] - 100) < 1e-3 && fabs(lab[1]) < 1e-2 && fabs(lab[2]) < 1e-2);
}

Test(colour, deficient_eyes_confuse_red_and_green)
{
  double red[3], green[3];
  colour_lab(0xbb5511, VISION_FULL, red);
  colour_lab(0x6a7a00, VISION_FULL, green);
  double full = colour_difference(red, green);
  colour_lab(0xbb5511, VISION_DEUTAN, red);
  colour_lab(0x6a7a00, VISION_DEUTAN, green);
  cr_assert_lt(colour_difference(red, green), full / 3);
}

/* The least difference of the first n of the palette; of those that follow one another. */
static void assert_apart(int n, vision eyes, double least, double following)
{
  for (int i = 0; i < n; i++) {
    double a[3], b[3];
    colour_lab(rg_palette(i, n), eyes, a);
    for (int j = 0; j < i; j++) {
      colour_lab(rg_palette(j, n), eyes, b);
      cr_assert_gt(colour_difference(a, b), j == i - 1 ? following : least, "%d and %d", i,
                   j);
    }
    colour_lab(0xffffff, eyes, b);
    cr_assert_gt(colour_difference(a, b), 8, "%d and white", i);
    colour_lab(0xd3d3d3, eyes, b);
    cr_assert_gt(colour_difference(a, b), 4.5, "%d and the grey of no value", i);
  }
}

Test(palette, colours_differ_for_all_eyes)
{
  const double least[VISIONS] = {11, 7, 7}, following[VISIONS] = {16, 9.5, 9.5};
  const double all[VISIONS] = {8, 4.8, 4.8};
  for (int eyes = 0; eyes < VISIONS; eyes++) {
    assert_apart(40, (vision)eyes, least[eyes], following[eyes]);
    assert_apart(64, (vision)eyes, all[eyes], all[eyes]);
  }
  for (int i = 0; i < 300; i++)
    for (int j = 0; j < i; j++)
      cr_assert_neq(rg_palette(i, 300), rg_palette(j, 300));
}

/* The mean distance of the colours of groups that are the nearest on the map. */
static double mean_to_nearest(int n, const double *place, const uint32_t *colour)
{
  double sum = 0;
  for (int i = 0; i < n; i++) {
    int nearest = i ? 0 : 1;
    for (int j = 0; j < n; j++)
      if (j != i &&
          hypot(place[2 * i] - place[2 * j], place[2 * i + 1] - place[2 * j + 1]) <
              hypot(place[2 * i] - place[2 * nearest],
                    place[2 * i + 1] - place[2 * nearest + 1]))
        nearest = j;
    sum += colour_distance(colour[i], colour[nearest], 0.62);
  }
  return sum / n;
}

Test(palette, neighbours_on_the_map_differ)
{
  enum { N = 40 };
  double place[2 * N];
  uint32_t colour[N], listed[N];
  for (int i = 0; i < 2 * N; i++)
    place[i] = rg_uniform(&test_key, (uint64_t)i, 0);
  palette_deal(N, place, colour);
  bool used[N] = {0};
  for (int i = 0; i < N; i++) {
    listed[i] = rg_palette(i, N);
    for (int k = 0; k < N; k++)
      used[k] = used[k] || rg_palette(k, N) == colour[i];
  }
  for (int k = 0; k < N; k++)
    cr_assert(used[k], "colour %d", k);
  cr_assert_gt(mean_to_nearest(N, place, colour), 20);
  cr_assert_gt(mean_to_nearest(N, place, colour), mean_to_nearest(N, place, listed));
  place[0] = NAN; /* a group without cells */
  palette_deal(N, place, colour);
}

Test(labels, none_covers_another)
{
  enum { N = 40 };
  label l[N];
  frame f = {0, 0, 600, 600, 0, 1, 0, 1};
  for (int i = 0; i < N; i++)
    l[i] = (label){.text = "a name", .x = 200 + 150 * rg_uniform(&test_key, (uint64_t)i, 0),
                   .y = 590 * rg_uniform(&test_key, (uint64_t)i, 1), .width = 70,
                   .height = 12};
  labels_place(&f, N, l, 90);
  for (int i = 0; i < N; i++) {
    cr_assert(l[i].placed, "%d", i);
    cr_assert(l[i].at_x >= 35 && l[i].at_x <= 565 && l[i].at_y >= 6 && l[i].at_y <= 594);
    for (int j = 0; j < i; j++)
      cr_assert(fabs(l[i].at_x - l[j].at_x) >= 70 || fabs(l[i].at_y - l[j].at_y) >= 12,
                "%d and %d", i, j);
  }
}

Test(text, fits_and_is_text)
{
  canvas probe = canvas_probe();
  char *fit = canvas_fit(&probe, 12, 1000, "short");
  cr_assert_str_eq(fit, "short");
  rg_free(fit);
  fit = canvas_fit(
      &probe, 12, 60,
      "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
      "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
  cr_assert_leq(canvas_text_width(&probe, 12, fit), 60);
  cr_assert_not_null(strstr(fit, "\xe2\x80\xa6"));
  for (const char *at = fit; *at; at += rg_utf8_length(at))
    cr_assert_gt(rg_utf8_length(at), 0);
  rg_free(fit);
  fit = canvas_fit(&probe, 12, 120, "a long name of many cells, subset 28");
  cr_assert(strncmp(fit, "a long", 6) == 0 && strcmp(fit + strlen(fit) - 2, "28") == 0);
  rg_free(fit);
  fit = rg_clean_text("a\nb\x01" "c\xff");
  cr_assert_str_eq(fit, "a b\xef\xbf\xbd" "c\xef\xbf\xbd");
  rg_free(fit);
  canvas_probe_close(&probe);
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
