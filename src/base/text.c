/* Text of untrusted origin and of numbers, made printable. */
#include "base_internal.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of the control character at s, 0 when it is none. */
static int control_length(const unsigned char *s)
{
  if (s[0] < 0x20 || s[0] == 0x7f)
    return 1;
  return s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0 ? 2 : 0;
}

void rg_escape(const char *text, char *out, size_t room)
{
  static const char ellipsis[] = "...";
  const unsigned char *s = (const unsigned char *)text;
  size_t n = 0;
  while (*s) {
    int length = control_length(s);
    size_t need = length ? 4 * (size_t)length : 1;
    if (n + need + sizeof ellipsis > room) {
      memcpy(out + n, ellipsis, sizeof ellipsis);
      return;
    }
    if (!length)
      out[n++] = (char)*s++;
    for (; length > 0; length--)
      n += (size_t)snprintf(out + n, room - n, "\\x%02x", *s++);
  }
  out[n] = '\0';
}

void rg_number_text(double x, char out[32])
{
  for (int digits = 6; digits <= 17; digits++) {
    snprintf(out, 32, "%.*g", digits, x);
    if (strtod(out, NULL) == x)
      return;
  }
}
