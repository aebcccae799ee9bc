/* Colours: a list in which all tell apart, also for readers with a colour deficiency, and
 * scales for numbers. */
#include "palette.h"

#include "colour.h"

#include <math.h>

/* The first 40 are the farthest apart, under colour_distance, of 3,400 colours of L* 20 to
 * 85 (by exchange), those of middle lightness first; the others are each the farthest from
 * those before. The least CIEDE2000 is in test_figure.c. */
static const uint32_t distinct[PALETTE_DISTINCT] = {
    0x0088cc, 0xccbb55, 0xcc3366, 0xbb5511, 0x009999, 0x3355ff, 0x006644, 0xee8800,
    0x88bb88, 0xcc77ff, 0x991177, 0x884400, 0x44eebb, 0xddaacc, 0x0000ff, 0x118833,
    0x666699, 0x77ccff, 0xee66aa, 0xccdd00, 0x553344, 0xaa8866, 0x77ddee, 0x557788,
    0x990033, 0xbbaaaa, 0xff4444, 0x2244aa, 0x776666, 0x999988, 0x9999bb, 0x8844cc,
    0x553322, 0xbbdd88, 0x668877, 0x115577, 0x772200, 0x660033, 0x440088, 0x333355,
    0x88aadd, 0xffbbaa, 0xcc55bb, 0x555555, 0x99aa66, 0x00cccc, 0x9966ff, 0x669944,
    0x666633, 0x998800, 0x995555, 0x557777, 0x998888, 0x442266, 0xaa6655, 0xeeaa00,
    0xbb2222, 0x0011bb, 0x7711cc, 0xbb7799, 0xbb5588, 0xffcc66, 0x554444, 0xff8877};

static uint32_t byte_of(double x)
{
  return (uint32_t)(255 * (x < 0 ? 0 : x > 1 ? 1 : x) + 0.5);
}

static uint32_t from_hsv(double h, double s, double v)
{
  double rgb[3];
  for (int c = 0; c < 3; c++) {
    double k = fmod(5 - 2 * c + 6 * h, 6);
    double low = k < 4 - k ? k : 4 - k;
    rgb[c] = v - v * s * (low < 0 ? 0 : low > 1 ? 1 : low);
  }
  return byte_of(rgb[0]) << 16 | byte_of(rgb[1]) << 8 | byte_of(rgb[2]);
}

uint32_t rg_palette(int i, int n)
{
  RG_ASSERT(i >= 0);
  if (n <= PALETTE_DISTINCT && i < PALETTE_DISTINCT)
    return distinct[i];
  const double golden = 0.61803398874989485; /* spreads any number of hues evenly */
  const double strength[3] = {0.85, 0.55, 0.95}, light[3] = {0.85, 0.65, 0.5};
  return from_hsv(fmod(i * golden, 1), strength[i % 3], light[i / 3 % 3]);
}

/* ---- dealing colours to a map ---------------------------------------------------- */

#define FULL_VISION 0.62 /* full vision is asked for 1.6 times the difference */
#define SCALE 8.0        /* a difference that is e times less of a trouble */

/* How much it matters that groups i and j look different. */
static double nearness(const double *place, double spread, int i, int j)
{
  double in_list = i - j == 1 || j - i == 1 ? 0.3 : 0.02;
  double away = hypot(place[2 * i] - place[2 * j], place[2 * i + 1] - place[2 * j + 1]);
  return isfinite(away) ? in_list + exp(-16 * away * away / (spread * spread)) : in_list;
}

static double spread_of(int n, const double *place)
{
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (int i = 0; i < n; i++)
    for (int axis = 0; axis < 2; axis++)
      if (isfinite(place[2 * i + axis])) {
        low[axis] = fmin(low[axis], place[2 * i + axis]);
        high[axis] = fmax(high[axis], place[2 * i + axis]);
      }
  double spread = fmax(high[0] - low[0], high[1] - low[1]);
  return spread > 0 ? spread : 1;
}

typedef struct deal {
  int n;
  int of[PALETTE_DISTINCT]; /* colour of each group */
  double near[PALETTE_DISTINCT][PALETTE_DISTINCT];
  double trouble[PALETTE_DISTINCT][PALETTE_DISTINCT]; /* of colours that look alike */
} deal;

/* Trouble of group i were it to have a colour, but for that with group j. */
static double trouble_of(const deal *d, int i, int colour, int j)
{
  double sum = 0;
  for (int k = 0; k < d->n; k++)
    if (k != i && k != j)
      sum += d->near[i][k] * d->trouble[colour][d->of[k]];
  return sum;
}

/* Exchange the colours of two groups where that makes less trouble. */
static bool exchange(deal *d, int i, int j)
{
  double now = trouble_of(d, i, d->of[i], j) + trouble_of(d, j, d->of[j], i);
  double then = trouble_of(d, i, d->of[j], j) + trouble_of(d, j, d->of[i], i);
  if (then >= now - 1e-9)
    return false;
  int kept = d->of[i];
  d->of[i] = d->of[j];
  d->of[j] = kept;
  return true;
}

void palette_deal(int n, const double *place, uint32_t *colour)
{
  deal d = {.n = n};
  for (int i = 0; i < n; i++)
    colour[i] = rg_palette(i, n);
  if (n < 3 || n > PALETTE_DISTINCT)
    return;
  double spread = spread_of(n, place);
  for (int i = 0; i < n; i++) {
    d.of[i] = i;
    for (int j = 0; j < n; j++) {
      d.near[i][j] = nearness(place, spread, i, j);
      d.trouble[i][j] =
          exp(-colour_distance(distinct[i], distinct[j], FULL_VISION) / SCALE);
    }
  }
  bool changed = true;
  for (int sweep = 0; changed && sweep < 50; sweep++) {
    changed = false;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < i; j++)
        changed = exchange(&d, i, j) || changed;
  }
  for (int i = 0; i < n; i++)
    colour[i] = distinct[d.of[i]];
}

/* ---- scales ---------------------------------------------------------------------- */

/* viridis (Smith and van der Walt 2015; CC0), every sixteenth colour. */
static const uint32_t viridis[] = {
    0x440154, 0x481a6c, 0x472f7d, 0x414487, 0x39568c, 0x31688e, 0x2a788e, 0x23888e,
    0x1f988b, 0x22a884, 0x35b779, 0x54c568, 0x7ad151, 0xa5db36, 0xd2e21b, 0xfde725};
/* Blues (Brewer), from white. */
static const uint32_t blues[] = {0xffffff, 0xdeebf7, 0xc6dbef, 0x9ecae1, 0x6baed6,
                                 0x4292c6, 0x2171b5, 0x08519c, 0x08306b};

static uint32_t on_scale(const uint32_t *scale, int n, double x)
{
  int last = n - 1;
  double at = (x < 0 ? 0 : x > 1 ? 1 : x) * last;
  int low = at < last ? (int)at : last - 1;
  double share = at - low;
  uint32_t colour = 0;
  for (int shift = 0; shift <= 16; shift += 8) {
    double a = scale[low] >> shift & 255, b = scale[low + 1] >> shift & 255;
    colour |= (uint32_t)(a + share * (b - a) + 0.5) << shift;
  }
  return colour;
}

uint32_t figure_viridis(double x)
{
  return on_scale(viridis, sizeof viridis / sizeof viridis[0], x);
}

uint32_t figure_share(double x)
{
  return on_scale(blues, sizeof blues / sizeof blues[0], x);
}
