/* An HTML page being written. Whatever comes from a file goes through page_text. */
#ifndef REGATTA_REPORT_PAGE_H
#define REGATTA_REPORT_PAGE_H

#include "regatta/base.h"

typedef struct page {
  char *text;
  int64_t n, room;
} page;
void page_fini(page *p);
/* HTML as it is. */
void page_put(page *p, const char *html);
/* Text, escaped; line ends are kept, bytes that are no text replaced. */
void page_text(page *p, const char *text);
/* printf, escaped as a whole. */
void page_say(page *p, const char *format, ...) RG_PRINTF(2, 3);
/* <tag>text</tag>; attributes may stand behind the tag ("td class=n"). */
void page_element(page *p, const char *tag, const char *text);
void page_elementf(page *p, const char *tag, const char *format, ...) RG_PRINTF(3, 4);
/* <section id=...><h2>title</h2>, closed with page_put("</section>\n"). */
void page_section(page *p, const char *id, const char *title);
/* A line that says what is not there and which command makes it. */
void page_missing(page *p, const char *what, const char *command);
/* A picture with a caption below. Borrowed. */
typedef struct page_image {
  const char *path;   /* a .png or .svg */
  const char *narrow; /* for windows narrower than 600 pixels, or NULL */
  const char *alt, *caption;
  bool broad; /* in a narrow window it keeps 600 pixels, and is dragged sideways */
} page_image;
/* The picture, embedded. RG_EFAIL when a file cannot be read. */
rg_status page_picture(page *p, const page_image *image);
/* <table> below a caption, with its head; `names` ends with NULL; the first column is of
 * text, and those with a name that begins with '<', the others are of numbers. Closed with
 * page_table_end. */
void page_table(page *p, const char *caption, const char *const *names);
void page_table_end(page *p);
/* <details> with a summary, closed with page_put("</details>\n"). */
void page_details(page *p, const char *summary);

extern const char page_style[]; /* CSS */

#endif
