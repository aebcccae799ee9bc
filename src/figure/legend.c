/* Names and colours of groups. */
#include "legend.h"

#include <math.h>

#define DOT 4.5
#define INDENT 15.0 /* from the left of the dot to the name */
#define SPACE 12.0  /* between columns */
enum { COLUMNS_MOST = 6, LINES_MOST = 20 }; /* lines of one column before names are cut */

legend legend_plan(canvas *probe, const rg_strings *names, double width)
{
  legend l = {.n = (int)names->n};
  l.shown = l.n > LEGEND_MOST ? LEGEND_MOST : l.n;
  double longest = 20;
  for (int i = 0; i < l.shown; i++)
    longest = fmax(longest, canvas_text_width(probe, LEGEND_FONT,
                                              rg_strings_at(names, i)));
  int fit = (int)(width / (longest + INDENT + SPACE));
  l.columns = fit < 1 ? 1 : fit > COLUMNS_MOST ? COLUMNS_MOST : fit;
  if (l.columns == 1 && l.shown > LINES_MOST)
    l.columns = 2;
  if (l.columns > l.shown && l.shown > 0)
    l.columns = l.shown;
  l.lines = (l.shown + l.columns - 1) / l.columns;
  l.column = width / l.columns;
  l.height = (l.lines + (l.n > l.shown)) * LEGEND_LINE;
  return l;
}

void legend_draw(canvas *c, const legend *l, const rg_strings *names,
                 const uint32_t *colour, double left, double top)
{
  for (int i = 0; i < l->shown; i++) {
    double x = left + i / l->lines * l->column;
    double y = top + (i % l->lines + 0.5) * LEGEND_LINE;
    char *name = canvas_fit(c, LEGEND_FONT, l->column - INDENT - SPACE,
                            rg_strings_at(names, i));
    canvas_dot(c, x + DOT, y, DOT, colour[i]);
    canvas_colour(c, 0);
    canvas_text(c, x + INDENT, y + 0.36 * LEGEND_FONT, LEGEND_FONT, 'l', name);
    rg_free(name);
  }
  if (l->n == l->shown)
    return;
  char *more = rg_format("and %d more", l->n - l->shown);
  canvas_colour(c, 0x404040);
  canvas_text(c, left + INDENT, top + (l->lines + 0.85) * LEGEND_LINE, LEGEND_FONT, 'l',
              more);
  rg_free(more);
}
