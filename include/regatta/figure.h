/** figure: PNG and SVG pictures (cairo): cells, curves, heat maps, dots, bars. A path ends
 *  in .png, .svg or .* (both). Pictures are written to a temporary name, then renamed.
 *  Texts that are too long lose their middle to an ellipsis; nothing is cut. Rank 0
 *  draws. */
#ifndef REGATTA_FIGURE_H
#define REGATTA_FIGURE_H

#include "regatta/io.h"

/** Scatter of cells (xy: this rank's rows, two columns) coloured by a column. Category:
 *  distinct colours (40 that tell apart for colour-blind readers too, dealt so that
 *  neighbours on the map differ), names on the map at the medians of their cells where
 *  these lie together, a legend below. Number: viridis with a scale below. Points are an
 *  image, drawn in a keyed random order: the same picture on any number of ranks.
 *  Collective. RG_EUSAGE, RG_EFAIL. */
rg_status rg_figure_cells(rg_comm *comm, const char *path, const char *title,
                          const rg_mat *xy, const rg_column *column);

/** A curve: n points, NaN: a gap. Borrowed. */
typedef struct rg_line {
  int group; /* its colour: an index into the names of groups */
  int n;
  const double *x, *y;
} rg_line;
/** Axes of their own for one or more curves; the y axis is logarithmic where all values are
 *  positive and the largest is 50 times the least. Borrowed. */
typedef struct rg_panel {
  const char *title;
  int n;
  const rg_line *lines;
} rg_panel;
/** Panels, `across` (at least 1) to a row, over the same x axis, with dashed lines at
 *  `marks` and the names of the groups above. Not collective. */
rg_status rg_figure_panels(const char *path, const char *title, const char *x_name,
                           int across, int n, const rg_panel *panels,
                           const rg_strings *groups, int n_marks, const double *marks);

/** Shares of rows (white to dark blue; numbers in per cent where there is room), with names
 *  of rows and columns and a total beside each row. Borrowed. */
typedef struct rg_heat {
  const char *row_name, *column_name;
  const rg_strings *rows, *columns;
  const double *share;  /* rows x columns, 0 to 1 */
  const int64_t *total; /* per row */
} rg_heat;
/** Not collective. */
rg_status rg_figure_heat(const char *path, const char *title, const rg_heat *heat);

/** A line of dots for every row, one dot for every series: value is rows x series, NaN is
 *  left out; the first series is drawn larger. Not collective. */
rg_status rg_figure_dots(const char *path, const char *title, const rg_strings *rows,
                         const rg_strings *series, const double *value);
/** A bar for every row, with a line from low to high where they are not NULL. Not
 *  collective. */
rg_status rg_figure_bars(const char *path, const char *title, const char *x_name,
                         const rg_strings *rows, const double *value, const double *low,
                         const double *high);

/** Colour i of a palette of n distinct colours, as 0xRRGGBB. Not collective. */
uint32_t rg_palette(int i, int n);

#endif
