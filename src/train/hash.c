/* A hash of the parameters that does not depend on who holds which rows: the sum over rows
 * of a hash of (name, row number, bytes). */
#include "internal.h"

#include <string.h>

uint64_t rg_parameter_hash(rg_session *session)
{
  uint64_t sum = 0;
  bool speaks = rg_grid_lane_group(session->grid) == 0;
  bool speaks_whole = speaks && rg_grid_feature_group(session->grid) == 0;
  for (int i = 0; i < rg_graph_params(session->graph); i++) {
    const rg_param *param = rg_graph_param(session->graph, i);
    if (param->blocks ? !speaks : !speaks_whole)
      continue;
    uint64_t name = rg_hash(param->name, strlen(param->name), 0);
    const float *x = rg_param_value(session->graph, param);
    for (int64_t row = 0; row < param->rows; row++)
      sum += rg_hash(x + row * param->cols, sizeof *x * (size_t)param->cols,
                     name + (uint64_t)(param->row_low + row));
  }
  int64_t total;
  memcpy(&total, &sum, sizeof total);
  rg_sum_i64(session->comm, &total, 1);
  memcpy(&sum, &total, sizeof sum);
  return sum;
}
