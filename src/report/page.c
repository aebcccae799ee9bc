/* An HTML page being written. */
#include "page.h"

#include <errno.h>
#include <string.h>

static void put_bytes(page *p, const char *bytes, int64_t n)
{
  if (p->n + n + 1 > p->room) {
    int64_t room = 2 * (p->n + n + 1);
    p->text = rg_realloc(p->text, p->room, room, 1);
    p->room = room;
  }
  memcpy(p->text + p->n, bytes, (size_t)n);
  p->n += n;
  p->text[p->n] = '\0';
}

void page_fini(page *p)
{
  rg_free(p->text);
  *p = (page){0};
}

void page_put(page *p, const char *html)
{
  put_bytes(p, html, (int64_t)strlen(html));
}

/* ---- text ------------------------------------------------------------------------ */

static const char *escape_of(char c)
{
  switch (c) {
  case '&': return "&amp;";
  case '<': return "&lt;";
  case '>': return "&gt;";
  case '"': return "&quot;";
  case '\'': return "&#39;";
  default: return NULL;
  }
}

static void put_line(page *p, const char *line)
{
  char *clean = rg_clean_text(line);
  for (const char *at = clean; *at; at++) {
    const char *escape = escape_of(*at);
    if (escape)
      page_put(p, escape);
    else
      put_bytes(p, at, 1);
  }
  rg_free(clean);
}

void page_text(page *p, const char *text)
{
  while (*text) {
    size_t n = strcspn(text, "\n");
    char *line = rg_format("%.*s", (int)n, text);
    put_line(p, line);
    rg_free(line);
    text += n;
    if (*text == '\n') {
      put_bytes(p, "\n", 1);
      text++;
    }
  }
}

void page_say(page *p, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  char *text = rg_vformat(format, arguments);
  va_end(arguments);
  page_text(p, text);
  rg_free(text);
}

/* ---- elements -------------------------------------------------------------------- */

void page_element(page *p, const char *tag, const char *text)
{
  put_bytes(p, "<", 1);
  page_put(p, tag);
  put_bytes(p, ">", 1);
  page_text(p, text);
  page_put(p, "</");
  put_bytes(p, tag, (int64_t)strcspn(tag, " "));
  put_bytes(p, ">", 1);
}

void page_elementf(page *p, const char *tag, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  char *text = rg_vformat(format, arguments);
  va_end(arguments);
  page_element(p, tag, text);
  rg_free(text);
}

void page_section(page *p, const char *id, const char *title)
{
  page_put(p, "<section id=\"");
  page_text(p, id);
  page_put(p, "\">\n");
  page_element(p, "h2", title);
  page_put(p, "\n");
}

void page_missing(page *p, const char *what, const char *command)
{
  page_put(p, "<p class=\"missing\">");
  page_text(p, what);
  if (command) {
    page_put(p, " To make it: ");
    page_element(p, "code", command);
  }
  page_put(p, "</p>\n");
}

void page_table(page *p, const char *caption, const char *const *names)
{
  page_element(p, "p class=\"caption\"", caption);
  page_put(p, "\n<div class=\"wide\"><table aria-label=\"");
  page_text(p, caption);
  page_put(p, "\">\n<thead><tr>");
  for (int k = 0; names[k]; k++) {
    bool text = k == 0 || names[k][0] == '<';
    page_element(p, text ? "th scope=\"col\"" : "th scope=\"col\" class=\"n\"",
                 names[k] + (names[k][0] == '<'));
  }
  page_put(p, "</tr></thead>\n<tbody>\n");
}

void page_table_end(page *p)
{
  page_put(p, "</tbody></table></div>\n");
}

void page_details(page *p, const char *summary)
{
  page_put(p, "<details>");
  page_element(p, "summary", summary);
  page_put(p, "\n");
}

/* ---- pictures -------------------------------------------------------------------- */

static rg_status read_file(const char *path, unsigned char **bytes, int64_t *n)
{
  FILE *file = fopen(path, "rb");
  *bytes = NULL;
  *n = 0;
  if (!file)
    return rg_fail(RG_EFAIL, "%s: cannot be read: %s", path, strerror(errno));
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  *bytes = rg_alloc(size > 0 ? size : 0, 1);
  *n = (int64_t)fread(*bytes, 1, size > 0 ? (size_t)size : 0, file);
  fclose(file);
  return *n == size ? RG_OK : rg_fail(RG_EFAIL, "%s: cannot be read", path);
}

static void put_base64(page *p, const unsigned char *bytes, int64_t n)
{
  static const char digit[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int64_t i = 0; i < n; i += 3) {
    uint32_t three = (uint32_t)bytes[i] << 16 | (i + 1 < n ? bytes[i + 1] << 8 : 0) |
                     (i + 2 < n ? bytes[i + 2] : 0);
    char four[4] = {digit[three >> 18], digit[three >> 12 & 63], digit[three >> 6 & 63],
                    digit[three & 63]};
    if (i + 1 >= n)
      four[2] = '=';
    if (i + 2 >= n)
      four[3] = '=';
    put_bytes(p, four, 4);
  }
}

/* The file as an address that holds it. */
static rg_status put_data(page *p, const char *path)
{
  unsigned char *bytes;
  int64_t n;
  const char *ending = strrchr(path, '.');
  bool svg = ending && strcmp(ending, ".svg") == 0;
  rg_status status = read_file(path, &bytes, &n);
  if (status == RG_OK) {
    page_put(p, svg ? "data:image/svg+xml;base64," : "data:image/png;base64,");
    put_base64(p, bytes, n);
  }
  rg_free(bytes);
  return status;
}

rg_status page_picture(page *p, const page_image *image)
{
  rg_status status = RG_OK;
  page_put(p, image->broad ? "<figure class=\"broad\">" : "<figure>");
  page_put(p, "<div class=\"wide\"><picture>");
  if (image->narrow) {
    page_put(p, "<source media=\"(max-width:600px)\" srcset=\"");
    RG_TRY(put_data(p, image->narrow));
    page_put(p, "\">");
  }
  page_put(p, "<img src=\"");
  RG_TRY(put_data(p, image->path));
  page_put(p, "\" alt=\"");
  page_text(p, image->alt);
  page_put(p, "\"></picture></div><figcaption>");
  page_text(p, image->caption);
  page_put(p, image->broad ? "<span class=\"drag\"> Drag it sideways to see all.</span>"
                           : "");
  page_put(p, "</figcaption></figure>\n");
out:
  return status;
}
