/** Logarithms of double numbers by plain arithmetic, of which the compiler makes vectors.
 *  Relative error below 1e-11. */
#ifndef REGATTA_KERNELS_LOG_H
#define REGATTA_KERNELS_LOG_H

#include <stdint.h>
#include <string.h>

/* log(x) for positive normal x: x = f 2^e, f in [0.75, 1.5), log f = 2 artanh(s) */
static inline double log_positive(double x)
{
  int64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int64_t whole = (bits - INT64_C(0x3fe8000000000000)) >> 52;
  bits -= (int64_t)((uint64_t)whole << 52);
  double f;
  memcpy(&f, &bits, sizeof f);
  double s = (f - 1.0) / (f + 1.0), q = s * s;
  double p = 2.0 / 15.0;
  p = p * q + 2.0 / 13.0;
  p = p * q + 2.0 / 11.0;
  p = p * q + 2.0 / 9.0;
  p = p * q + 2.0 / 7.0;
  p = p * q + 2.0 / 5.0;
  p = p * q + 2.0 / 3.0;
  return (double)whole * 0.693147180559945309 + (s * q * p + 2.0 * s);
}

#endif
