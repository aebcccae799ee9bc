/* Colours: a list in which colours that come together tell apart, also for readers
 * with a colour deficiency, and a scale for numbers. */
#include "palette.h"

#include <math.h>

/* The first eight are those of Okabe and Ito (2008), with grey for their black; then
 * colours of other lightness between them. */
static const uint32_t distinct[] = {
    0x0072b2, 0xe69f00, 0x009e73, 0xd55e00, 0xcc79a7, 0x56b4e9, 0xf0e442, 0x7f7f7f,
    0x332288, 0x88ccee, 0x117733, 0xddcc77, 0x882255, 0x44aa99, 0x999933, 0xaa4499,
    0x661100, 0x6699cc, 0xcc6677, 0xc2e699, 0x1b3a6b, 0xffb14e, 0x00c49a, 0x8c2d04,
    0xe7a1d0, 0x0a6f8f, 0xb8b000, 0x4d4d4d, 0x6f4fbf, 0xa9e5bb, 0x054a29, 0xf2d0a4,
    0x5c0a3b, 0x2fd6c3, 0x6b6b00, 0xd68fff, 0x3b0d00, 0x9db8e8, 0xff8f8f, 0xb0b0b0};
enum { DISTINCT = sizeof distinct / sizeof distinct[0] };

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
  if (n <= DISTINCT && i < DISTINCT)
    return distinct[i];
  const double golden = 0.61803398874989485; /* spreads any number of hues evenly */
  const double strength[3] = {0.85, 0.55, 0.95}, light[3] = {0.85, 0.65, 0.5};
  return from_hsv(fmod(i * golden, 1), strength[i % 3], light[i / 3 % 3]);
}

/* viridis (Smith and van der Walt 2015; CC0), every sixteenth colour. */
static const uint32_t viridis[] = {
    0x440154, 0x481a6c, 0x472f7d, 0x414487, 0x39568c, 0x31688e, 0x2a788e, 0x23888e,
    0x1f988b, 0x22a884, 0x35b779, 0x54c568, 0x7ad151, 0xa5db36, 0xd2e21b, 0xfde725};

uint32_t figure_viridis(double x)
{
  int last = sizeof viridis / sizeof viridis[0] - 1;
  double at = (x < 0 ? 0 : x > 1 ? 1 : x) * last;
  int low = at < last ? (int)at : last - 1;
  double share = at - low;
  uint32_t colour = 0;
  for (int shift = 0; shift <= 16; shift += 8) {
    double a = viridis[low] >> shift & 255, b = viridis[low + 1] >> shift & 255;
    colour |= (uint32_t)(a + share * (b - a) + 0.5) << shift;
  }
  return colour;
}
