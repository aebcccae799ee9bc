/* Colours of figures. */
#ifndef REGATTA_FIGURE_PALETTE_H
#define REGATTA_FIGURE_PALETTE_H

#include "regatta/figure.h"

/* Colour of x in [0, 1] on the viridis scale, as 0xRRGGBB. */
uint32_t figure_viridis(double x);

#endif
