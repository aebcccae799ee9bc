/* Scatter of cells: points, the names of groups where they are, a legend below. */
#include "labels.h"
#include "legend.h"
#include "palette.h"
#include "points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 560.0 /* of the square of points, in units */
#define EDGE 16.0
#define TOP 40.0
#define FONT 12.0
#define LABEL 12.5
#define LABEL_WIDEST 140.0
#define REACH 90.0 /* of a name from what it names */
#define TOGETHER 0.9 /* spread of a group that has a name on the map, of that of all */
#define MISSING 0xd3d3d3
enum { SQUARES = 40 }; /* of a side of the map, in which cells are counted */

/* All cells on the rank that draws. */
typedef struct cells {
  int64_t n;
  const float *xy;
  const rg_column *column; /* for its type, name and categories */
  int32_t *code;
  double *number;
  double low, high; /* of the numbers */
  double least[2], most[2]; /* of the coordinates of cells in groups */
  int groups;
  double *place;    /* of each group on the map: pairs, NaN where it has no cells */
  double *spread;   /* mean distance of its cells from there */
  double all_spread;
  int64_t *size;
  uint32_t *colour; /* of each group */
} cells;

/* ---- groups ---------------------------------------------------------------------- */

static bool is_drawn(const cells *all, int64_t i)
{
  return isfinite(all->xy[2 * i]) && isfinite(all->xy[2 * i + 1]);
}

/* Numbers of the cells of each group that are drawn, group after group; start[groups + 1]
 * and the numbers are owned. */
static int64_t *group_cells(cells *all, int64_t **start)
{
  int64_t *first = RG_NEW(int64_t, all->groups + 2), *cell = RG_NEW(int64_t, all->n);
  for (int64_t i = 0; i < all->n; i++)
    if (all->code[i] >= 0 && is_drawn(all, i))
      first[all->code[i] + 2]++;
  for (int g = 0; g < all->groups; g++) {
    all->size[g] = first[g + 2];
    first[g + 2] += first[g + 1];
  }
  for (int64_t i = 0; i < all->n; i++)
    if (all->code[i] >= 0 && is_drawn(all, i))
      cell[first[all->code[i] + 1]++] = i;
  *start = first;
  return cell;
}

static int square_of(const cells *all, int64_t i, int axis)
{
  double width = all->most[axis] - all->least[axis];
  double share = width > 0 ? ((double)all->xy[2 * i + axis] - all->least[axis]) / width : 0;
  int square = (int)(share * SQUARES);
  return square < SQUARES ? square : SQUARES - 1;
}

/* Where most cells of a group are: the middle of the fullest 3 x 3 squares of a grid over
 * the map. A median would lie between the islands of a group that has several. */
static void find_densest(const cells *all, const int64_t *cell, int64_t n, double at[2])
{
  int64_t count[SQUARES + 2][SQUARES + 2] = {{0}}, most = 0;
  for (int64_t k = 0; k < n; k++)
    count[1 + square_of(all, cell[k], 0)][1 + square_of(all, cell[k], 1)]++;
  int best[2] = {0, 0};
  for (int x = 1; x <= SQUARES; x++)
    for (int y = 1; y <= SQUARES; y++) {
      int64_t sum = 0;
      for (int dx = -1; dx <= 1; dx++)
        for (int dy = -1; dy <= 1; dy++)
          sum += count[x + dx][y + dy];
      if (sum > most)
        most = sum, best[0] = x - 1, best[1] = y - 1;
    }
  for (int axis = 0; axis < 2; axis++)
    at[axis] = all->least[axis] +
               (best[axis] + 0.5) * (all->most[axis] - all->least[axis]) / SQUARES;
}

/* The cell nearest to where most of n > 0 cells are, and their mean distance from there. */
static double find_place(const cells *all, const int64_t *cell, int64_t n, double place[2])
{
  double middle[2], least = INFINITY, sum = 0;
  find_densest(all, cell, n, middle);
  for (int64_t k = 0; k < n; k++) {
    const float *at = all->xy + 2 * cell[k];
    double away = hypot((double)at[0] - middle[0], (double)at[1] - middle[1]);
    sum += away;
    if (away < least) {
      least = away;
      place[0] = (double)at[0];
      place[1] = (double)at[1];
    }
  }
  return sum / (double)n;
}

static void find_extent(cells *all, const int64_t *cell, int64_t n)
{
  for (int axis = 0; axis < 2; axis++) {
    all->least[axis] = INFINITY;
    all->most[axis] = -INFINITY;
    for (int64_t k = 0; k < n; k++) {
      double at = (double)all->xy[2 * cell[k] + axis];
      all->least[axis] = fmin(all->least[axis], at);
      all->most[axis] = fmax(all->most[axis], at);
    }
  }
}

static void find_places(cells *all)
{
  int64_t *start, *cell = group_cells(all, &start), total = start[all->groups];
  double middle[2];
  find_extent(all, cell, total);
  all->all_spread = total > 0 ? find_place(all, cell, total, middle) : 0;
  for (int g = 0; g < all->groups; g++) {
    all->place[2 * g] = all->place[2 * g + 1] = NAN;
    if (all->size[g] > 0)
      all->spread[g] =
          find_place(all, cell + start[g], all->size[g], all->place + 2 * g);
  }
  rg_free(cell);
  rg_free(start);
}

typedef struct sized {
  int64_t size;
  int group;
} sized;

static int larger_first(const void *a, const void *b)
{
  const sized *x = a, *y = b;
  return x->size != y->size ? (x->size < y->size) - (x->size > y->size)
                            : (x->group > y->group) - (x->group < y->group);
}

/* Groups from the largest to the smallest. Owned. */
static sized *by_size(const cells *all)
{
  sized *order = RG_NEW(sized, all->groups);
  for (int g = 0; g < all->groups; g++)
    order[g] = (sized){all->size[g], g};
  qsort(order, (size_t)all->groups, sizeof *order, larger_first);
  return order;
}

static void draw_labels(canvas *c, const cells *all, const frame *f)
{
  int n = 0, most = all->groups < LEGEND_MOST ? all->groups : LEGEND_MOST;
  sized *order = by_size(all);
  label labels[LEGEND_MOST];
  char *text[LEGEND_MOST];
  for (int k = 0; k < most && order[k].size > 0; k++) {
    int g = order[k].group;
    if (all->spread[g] > TOGETHER * all->all_spread)
      continue; /* all over the map: a name would be anywhere */
    text[n] = canvas_fit(c, LABEL, LABEL_WIDEST,
                         rg_strings_at(&all->column->categories, g));
    labels[n] = (label){.text = text[n],
                        .x = frame_x(f, all->place[2 * g]),
                        .y = frame_y(f, all->place[2 * g + 1]),
                        .width = canvas_label_width(c, LABEL, text[n]),
                        .height = LABEL + 1};
    n++;
  }
  labels_place(f, n, labels, REACH);
  labels_draw(c, n, labels, LABEL);
  for (int k = 0; k < n; k++)
    rg_free(text[k]);
  rg_free(order);
}

/* ---- numbers --------------------------------------------------------------------- */

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

static void draw_scale(canvas *c, const cells *all, double top)
{
  frame f = {EDGE + SIDE / 4, top, SIDE / 2, 12, all->low, all->high, 0, 1};
  if (!(all->high > all->low))
    f.x1 = f.x0 + 1;
  enum { STEPS = 128 };
  for (int j = 0; j < STEPS; j++)
    canvas_rectangle(c, f.left + f.width * j / STEPS, f.top, f.width / STEPS + 0.5,
                     f.height, figure_viridis((j + 0.5) / STEPS));
  canvas_box(c, &f);
  double tick[16];
  int n = canvas_ticks(all->low, all->high, tick);
  for (int j = 0; j < n; j++) {
    char text[32];
    snprintf(text, sizeof text, "%.4g", tick[j]);
    canvas_text(c, frame_x(&f, tick[j]), top + f.height + 1.2 * FONT, FONT, 'c', text);
  }
}

/* ---- the figure ------------------------------------------------------------------ */

static uint32_t colour_of(const cells *all, int64_t i)
{
  if (all->code ? all->code[i] < 0 : isnan(all->number[i]))
    return POINTS_MISSING | MISSING;
  if (all->code)
    return all->colour[all->code[i]];
  double range = all->high - all->low;
  return figure_viridis(range > 0 ? (all->number[i] - all->low) / range : 0.5);
}

static void draw_points(canvas *c, const cells *all, const frame *f)
{
  uint32_t *colour = RG_NEW(uint32_t, all->n);
  for (int64_t i = 0; i < all->n; i++)
    colour[i] = colour_of(all, i);
  points_draw(c, f, all->n, all->xy, colour);
  rg_free(colour);
}

static rg_status draw(const char *path, const char *title, const cells *all)
{
  canvas c, probe = canvas_probe();
  legend l = {.height = 3 * FONT};
  if (all->code)
    l = legend_plan(&probe, &all->column->categories, SIDE);
  canvas_probe_close(&probe);
  rg_status status =
      canvas_open(path, 2 * EDGE + SIDE, TOP + SIDE + 12 + l.height + EDGE, &c);
  if (status != RG_OK)
    return status;
  frame f = points_frame(all->n, all->xy, EDGE, TOP, SIDE);
  draw_points(&c, all, &f);
  canvas_box(&c, &f);
  char *fit = canvas_fit(&c, 15, SIDE, title);
  canvas_colour(&c, 0);
  canvas_text(&c, EDGE + SIDE / 2, TOP - 14, 15, 'c', fit);
  rg_free(fit);
  if (all->code) {
    draw_labels(&c, all, &f);
    legend_draw(&c, &l, &all->column->categories, all->colour, EDGE, TOP + SIDE + 12);
  } else {
    draw_scale(&c, all, TOP + SIDE + 12);
  }
  return canvas_close(&c);
}

static void set_up(cells *all)
{
  if (!all->code) {
    find_range(all);
    return;
  }
  all->groups = (int)all->column->categories.n;
  all->place = RG_NEW(double, 2 * all->groups);
  all->spread = RG_NEW(double, all->groups);
  all->size = RG_NEW(int64_t, all->groups);
  all->colour = RG_NEW(uint32_t, all->groups);
  find_places(all);
  palette_deal(all->groups, all->place, all->colour);
}

/* What all ranks have, in rank order, on rank 0; empty on the others. Owned. */
static void *to_first(rg_comm *comm, const void *bytes, int64_t n, int64_t *total)
{
  int size = rg_size(comm);
  int64_t *send = RG_NEW(int64_t, size + 1), *receive = RG_NEW(int64_t, size + 1);
  for (int r = 1; r <= size; r++)
    send[r] = n;
  void *all = rg_exchange(comm, bytes, send, receive);
  *total = receive[size];
  rg_free(send);
  rg_free(receive);
  return all;
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
  int64_t bytes, ignored;
  float *gathered =
      to_first(comm, xy->data, 2 * xy->rows * (int64_t)sizeof(float), &bytes);
  all.xy = gathered;
  all.n = bytes / (2 * (int64_t)sizeof(float));
  if (column->type == RG_COLUMN_CATEGORY)
    all.code =
        to_first(comm, column->code, column->n * (int64_t)sizeof(int32_t), &ignored);
  else
    all.number =
        to_first(comm, column->number, column->n * (int64_t)sizeof(double), &ignored);
  rg_status status = RG_OK;
  if (rg_rank(comm) == 0) {
    set_up(&all);
    status = draw(path, title, &all);
  }
  rg_free(gathered);
  rg_free(all.code);
  rg_free(all.number);
  rg_free(all.place);
  rg_free(all.size);
  rg_free(all.spread);
  rg_free(all.colour);
  return rg_agree(comm, status);
}
