/** figure: PNG and SVG pictures (cairo): scatter of cells, curves. Rank 0 draws. */
#ifndef REGATTA_FIGURE_H
#define REGATTA_FIGURE_H

#include "regatta/io.h"

/** Scatter of cells (xy: this rank's rows, two columns) coloured by a column (category:
 *  distinct colours, safe for colour-blind readers up to 40 and legend beside; number:
 *  viridis with a bar), points rasterised, drawn in a keyed random order. `path` ends in
 *  .png or .svg. Written to a temporary name, then renamed. Collective. */
rg_status rg_figure_cells(rg_comm *comm, const char *path, const char *title,
                          const rg_mat *xy, const rg_column *column);
/** Curves with a legend: n series of (x, y) with lengths; axes named; log_y optional.
 *  Not collective. */
rg_status rg_figure_curves(const char *path, const char *title, const char *x_name,
                           const char *y_name, bool log_y, int n,
                           const char *const *names, const int *lengths,
                           const double *const *x, const double *const *y);
/** Colour i of a palette of n distinct colours, as 0xRRGGBB. Not collective. */
uint32_t rg_palette(int i, int n);

#endif
