/* Names and colours of groups, below a picture. */
#ifndef REGATTA_FIGURE_LEGEND_H
#define REGATTA_FIGURE_LEGEND_H

#include "canvas.h"

enum { LEGEND_MOST = 120 }; /* names; of more the last line says how many are left out */
#define LEGEND_FONT 12.0
#define LEGEND_LINE 17.0

/* How n names stand in `width` units. */
typedef struct legend {
  int n, shown, columns, lines;
  double column;   /* width of one */
  double height;
} legend;
/* As many columns as the longest name leaves room for, two when they are many; names
 * that are too long even so lose their middle. */
legend legend_plan(canvas *probe, const rg_strings *names, double width);
void legend_draw(canvas *c, const legend *l, const rg_strings *names,
                 const uint32_t *colour, double left, double top);

#endif
