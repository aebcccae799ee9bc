/* Cells that a column of obs keeps out of the steps of training. */
#include "work.h"

#include <string.h>

/* COLUMN, or COLUMN=VALUE,VALUE */
typedef struct rule {
  const char *text;
  char column[256];
  const char *values; /* after the equal sign; NULL: those that mean true */
} rule;

static rg_status read_rule(const char *text, rule *r)
{
  const char *equal = strchr(text, '=');
  int n = equal ? (int)(equal - text) : (int)strlen(text);
  if (n == 0 || n >= (int)sizeof r->column || (equal && !equal[1]))
    return rg_fail(RG_EUSAGE, "\"%s\": say COLUMN, or COLUMN=VALUE,VALUE", text);
  *r = (rule){.text = text, .values = equal ? equal + 1 : NULL};
  snprintf(r->column, sizeof r->column, "%.*s", n, text);
  return RG_OK;
}

static bool listed(const char *list, const char *value)
{
  size_t n = strlen(value);
  for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
    if (strcspn(at, ",") == n && strncmp(at, value, n) == 0)
      return true;
  return false;
}

static rg_status mark(rg_file *file, const rule *r, const rg_dataset *dataset,
                      bool **marked)
{
  rg_status status = RG_OK;
  rg_comm *comm = rg_file_comm(file);
  rg_column column = {0};
  const char *values = r->values ? r->values : "true,True,TRUE,1";
  RG_TRY(rg_read_column(file, r->column, &column));
  RG_TRY(rg_column_as_category(comm, &column));
  bool any = false, *of_file = RG_NEW(bool, column.n);
  for (int64_t i = 0; i < column.n; i++) {
    const char *value = column.code[i] < 0
                            ? ""
                            : rg_strings_at(&column.categories, column.code[i]);
    of_file[i] = listed(values, value);
    any = any || of_file[i];
  }
  *marked = RG_NEW(bool, rg_range_n(dataset->rows));
  rg_fetch(comm, of_file, rg_file_cells(file), sizeof **marked, dataset->source,
           rg_range_n(dataset->rows), *marked);
  rg_free(of_file);
  if (!rg_any(comm, any))
    status = rg_fail(RG_EUSAGE, "\"%s\" fits no cell of %s", r->text, rg_file_path(file));
out:
  rg_column_fini(&column);
  return status;
}

rg_status rg_work_hold_out(rg_file *file, const rg_plan *plan, rg_dataset *dataset)
{
  rg_status status = RG_OK;
  rule r;
  if (plan->data.hold_out) {
    RG_TRY(read_rule(plan->data.hold_out, &r));
    RG_TRY(mark(file, &r, dataset, &dataset->held_out));
  }
  if (plan->data.validation) {
    RG_TRY(read_rule(plan->data.validation, &r));
    RG_TRY(mark(file, &r, dataset, &dataset->validates));
  }
out:
  return status;
}
