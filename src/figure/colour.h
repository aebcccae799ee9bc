/* How different colours look, also to readers who lack a kind of cones. */
#ifndef REGATTA_FIGURE_COLOUR_H
#define REGATTA_FIGURE_COLOUR_H

#include <stdint.h>

/* Whose eyes. */
typedef enum vision { VISION_FULL, VISION_DEUTAN, VISION_PROTAN, VISIONS } vision;

/* L*, a*, b* (D65) of a colour 0xRRGGBB as it is seen: Machado, Oliveira, Fernandes 2009,
 * with all cones of a kind missing. */
void colour_lab(uint32_t colour, vision eyes, double lab[3]);
/* Difference CIEDE2000 of two colours in L*a*b* (Sharma, Wu, Dalal 2005). One is just
 * seen side by side; about ten tell apart at a glance. */
double colour_difference(const double a[3], const double b[3]);
/* The least difference over all eyes; what full vision sees counts `full` times. */
double colour_distance(uint32_t a, uint32_t b, double full);

#endif
