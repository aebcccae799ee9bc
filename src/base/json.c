/* JSON written piece by piece, on one line. */
#include "base_internal.h"

#include <math.h>
#include <string.h>

enum { DEEPEST = 64 };

struct rg_json {
  char *text;
  int64_t n;
  int depth;
  char closing[DEEPEST]; /* bracket that closes each open level */
  bool first;            /* nothing written yet at this level */
};

static void put(rg_json *json, const char *bytes, size_t n)
{
  json->text = rg_realloc(json->text, json->n + 1, json->n + (int64_t)n + 1, 1);
  memcpy(json->text + json->n, bytes, n);
  json->n += (int64_t)n;
}

static void put_quoted(rg_json *json, const char *text)
{
  const unsigned char *s = (const unsigned char *)text;
  put(json, "\"", 1);
  while (*s) {
    int n = rg_utf8_length((const char *)s);
    char escape[8];
    if (*s == '"' || *s == '\\') {
      put(json, (char[]){'\\', (char)*s}, 2);
    } else if (*s < 0x20 || *s == 0x7f) {
      put(json, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", *s));
    } else if (n == 0) {
      put(json, "\\ufffd", 6);
    } else {
      put(json, (const char *)s, (size_t)n);
    }
    s += n ? n : 1;
  }
  put(json, "\"", 1);
}

/* What comes before a value: a comma, and the key inside an object. */
static void put_start(rg_json *json, const char *key)
{
  bool in_object = json->depth > 0 && json->closing[json->depth - 1] == '}';
  RG_ASSERT(in_object == (key != NULL));
  if (!json->first)
    put(json, ",", 1);
  json->first = false;
  if (key) {
    put_quoted(json, key);
    put(json, ":", 1);
  }
}

rg_json *rg_json_new(void)
{
  rg_json *json = RG_NEW(rg_json, 1);
  json->text = RG_NEW(char, 1);
  json->first = true;
  return json;
}

void rg_json_free(rg_json *json)
{
  if (json)
    rg_free(json->text);
  rg_free(json);
}

void rg_json_open(rg_json *json, const char *key, char bracket)
{
  RG_ASSERT((bracket == '{' || bracket == '[') && json->depth < DEEPEST);
  put_start(json, key);
  put(json, &bracket, 1);
  json->closing[json->depth++] = bracket == '{' ? '}' : ']';
  json->first = true;
}

void rg_json_close(rg_json *json)
{
  RG_ASSERT(json->depth > 0);
  put(json, &json->closing[--json->depth], 1);
  json->first = false;
}

void rg_json_text(rg_json *json, const char *key, const char *value)
{
  put_start(json, key);
  if (value)
    put_quoted(json, value);
  else
    put(json, "null", 4);
}

void rg_json_number(rg_json *json, const char *key, double value)
{
  char text[32] = "null";
  if (isfinite(value))
    rg_number_text(value, text);
  put_start(json, key);
  put(json, text, strlen(text));
}

void rg_json_integer(rg_json *json, const char *key, int64_t value)
{
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)value);
  put_start(json, key);
  put(json, text, strlen(text));
}

void rg_json_bool(rg_json *json, const char *key, bool value)
{
  put_start(json, key);
  put(json, value ? "true" : "false", value ? 4 : 5);
}

const char *rg_json_string(const rg_json *json)
{
  return json->text;
}
