/* Colours of figures. */
#ifndef REGATTA_FIGURE_PALETTE_H
#define REGATTA_FIGURE_PALETTE_H

#include "regatta/figure.h"

enum { PALETTE_DISTINCT = 64 };

/* Colours for n groups at places on a map (pairs; NaN: not on it): those of the palette,
 * dealt so that groups that lie side by side there, and those that follow one another, look
 * different to everybody. In the order of the palette for more than PALETTE_DISTINCT. The
 * same for the same places. */
void palette_deal(int n, const double *place, uint32_t *colour);
/* Colour of x in [0, 1] on the viridis scale, as 0xRRGGBB. */
uint32_t figure_viridis(double x);
/* Colour of a share in [0, 1]: white to dark blue, falling in lightness. */
uint32_t figure_share(double x);

#endif
