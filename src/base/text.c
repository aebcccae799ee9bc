/* Text of untrusted origin and of numbers, made printable. */
#include "base_internal.h"

#include <stdlib.h>
#include <string.h>

int rg_utf8_length(const char *text)
{
  const unsigned char *s = (const unsigned char *)text;
  int n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
  if (s[0] > 0xf4)
    return 0;
  for (int i = 1; i < n; i++)
    if ((s[i] & 0xc0) != 0x80)
      return 0;
  bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
  bool beyond = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
  return overlong || beyond ? 0 : n;
}

bool rg_ends_with(const char *text, const char *end)
{
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

/* Bytes at s that a terminal must not see as they are: a control character, or a byte
 * that is not text; 0 when there are none. */
static int hidden_length(const unsigned char *s)
{
  if (s[0] < 0x20 || s[0] == 0x7f || rg_utf8_length((const char *)s) == 0)
    return 1;
  return s[0] == 0xc2 && s[1] < 0xa0 ? 2 : 0;
}

void rg_escape(const char *text, char *out, size_t room)
{
  static const char ellipsis[] = "...";
  const unsigned char *s = (const unsigned char *)text;
  size_t n = 0;
  while (*s) {
    int length = hidden_length(s);
    int whole = length ? 0 : rg_utf8_length((const char *)s);
    size_t need = 4 * (size_t)length + (size_t)whole;
    if (n + need + sizeof ellipsis > room) {
      memcpy(out + n, ellipsis, sizeof ellipsis);
      return;
    }
    for (; whole > 0; whole--)
      out[n++] = (char)*s++;
    for (; length > 0; length--)
      n += (size_t)snprintf(out + n, room - n, "\\x%02x", *s++);
  }
  out[n] = '\0';
}

char *rg_clean_text(const char *text)
{
  static const char replacement[] = "\xef\xbf\xbd";
  char *out = rg_alloc(3 * (int64_t)strlen(text) + 1, 1), *to = out;
  while (*text) {
    int hidden = hidden_length((const unsigned char *)text);
    int n = hidden ? 3 : rg_utf8_length(text);
    bool blank = *text == '\n' || *text == '\t';
    memcpy(to, !hidden ? text : blank ? " " : replacement, (size_t)(blank ? 1 : n));
    to += blank ? 1 : n;
    text += hidden ? hidden : n;
  }
  return out;
}

const char *rg_with_commas(int64_t x, char text[32])
{
  char digits[24];
  int n = snprintf(digits, sizeof digits, "%lld", (long long)x);
  int at = 0;
  for (int i = 0; i < n; i++) {
    if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-')
      text[at++] = ',';
    text[at++] = digits[i];
  }
  text[at] = '\0';
  return text;
}

void rg_number_text(double x, char out[32])
{
  for (int digits = 6; digits <= 17; digits++) {
    snprintf(out, 32, "%.*g", digits, x);
    if (strtod(out, NULL) == x)
      return;
  }
}
