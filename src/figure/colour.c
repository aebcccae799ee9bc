/* Differences of colours. */
#include "colour.h"

#include <math.h>

static double linear_of(uint32_t byte)
{
  double c = byte / 255.0;
  return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double bend(double t)
{
  return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

void colour_lab(uint32_t colour, vision eyes, double lab[3])
{
  static const double seen[VISIONS][3][3] = {
      {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
      {{0.367322, 0.860646, -0.227968},
       {0.280085, 0.672501, 0.047413},
       {-0.011820, 0.042940, 0.968881}},
      {{0.152286, 1.052583, -0.204868},
       {0.114503, 0.786281, 0.099216},
       {-0.003882, -0.048116, 1.051998}}};
  static const double to_xyz[3][3] = {{0.4124564, 0.3575761, 0.1804375},
                                      {0.2126729, 0.7151522, 0.0721750},
                                      {0.0193339, 0.1191920, 0.9503041}};
  double rgb[3], view[3], f[3];
  for (int k = 0; k < 3; k++)
    rgb[k] = linear_of(colour >> (16 - 8 * k) & 255);
  for (int k = 0; k < 3; k++) {
    const double *row = seen[eyes][k];
    view[k] = fmin(1, fmax(0, row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]));
  }
  for (int k = 0; k < 3; k++) {
    const double *row = to_xyz[k];
    double white = row[0] + row[1] + row[2];
    f[k] = bend((row[0] * view[0] + row[1] * view[1] + row[2] * view[2]) / white);
  }
  lab[0] = 116 * f[1] - 16;
  lab[1] = 500 * (f[0] - f[1]);
  lab[2] = 200 * (f[1] - f[2]);
}

static double degrees(double y, double x)
{
  double angle = atan2(y, x) * 180 / acos(-1);
  return angle < 0 ? angle + 360 : angle;
}

static double cosine(double angle)
{
  return cos(angle * acos(-1) / 180);
}

/* Share of chroma to the seventh power, as two of the terms have it. */
static double chroma_share(double chroma)
{
  double power = pow(chroma, 7);
  return sqrt(power / (power + pow(25, 7)));
}

double colour_difference(const double a[3], const double b[3])
{
  double stretch =
      1 + 0.5 * (1 - chroma_share((hypot(a[1], a[2]) + hypot(b[1], b[2])) / 2));
  double a1 = stretch * a[1], a2 = stretch * b[1];
  double c1 = hypot(a1, a[2]), c2 = hypot(a2, b[2]);
  double h1 = degrees(a[2], a1), h2 = degrees(b[2], a2), turn = h2 - h1;
  turn = c1 * c2 == 0 ? 0 : turn > 180 ? turn - 360 : turn < -180 ? turn + 360 : turn;
  double hue = h1 + h2;
  if (c1 * c2 > 0)
    hue = (fabs(h1 - h2) <= 180 ? hue : hue < 360 ? hue + 360 : hue - 360) / 2;
  double light = (a[0] + b[0]) / 2, chroma = (c1 + c2) / 2;
  double t = 1 - 0.17 * cosine(hue - 30) + 0.24 * cosine(2 * hue) +
             0.32 * cosine(3 * hue + 6) - 0.20 * cosine(4 * hue - 63);
  double off = (light - 50) * (light - 50);
  double s_light = 1 + 0.015 * off / sqrt(20 + off), s_chroma = 1 + 0.045 * chroma;
  double s_hue = 1 + 0.015 * chroma * t;
  double angle = 30 * exp(-pow((hue - 275) / 25, 2));
  double rotation = -2 * chroma_share(chroma) * cosine(90 - 2 * angle);
  double dl = (b[0] - a[0]) / s_light, dc = (c2 - c1) / s_chroma;
  double dh = 2 * sqrt(c1 * c2) * cosine(90 - turn / 2) / s_hue;
  return sqrt(dl * dl + dc * dc + dh * dh + rotation * dc * dh);
}

double colour_distance(uint32_t a, uint32_t b, double full)
{
  double least = INFINITY;
  for (int eyes = 0; eyes < VISIONS; eyes++) {
    double p[3], q[3];
    colour_lab(a, (vision)eyes, p);
    colour_lab(b, (vision)eyes, q);
    double here = colour_difference(p, q);
    least = fmin(least, eyes == VISION_FULL ? full * here : here);
  }
  return least;
}
