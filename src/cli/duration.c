/* Seconds as people read them. */
#include "duration.h"

#include <stdint.h>
#include <stdio.h>

const char *rg_duration(double seconds, char text[RG_DURATION])
{
  int64_t s = seconds < 1e12 ? (int64_t)(seconds + 0.5) : (int64_t)1e12;
  if (seconds < 9.995)
    snprintf(text, RG_DURATION, "%.2f s", seconds);
  else if (s < 60)
    snprintf(text, RG_DURATION, "%d s", (int)s);
  else if (s < 3600)
    snprintf(text, RG_DURATION, "%d:%02d", (int)(s / 60), (int)(s % 60));
  else if (s < 100 * 3600)
    snprintf(text, RG_DURATION, "%d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60),
             (int)(s % 60));
  else
    snprintf(text, RG_DURATION, "%lld d %d h", (long long)(s / 86400),
             (int)(s / 3600 % 24));
  return text;
}
