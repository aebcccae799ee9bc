/* What several operations do alike. */
#include "op_internal.h"

#include <string.h>

typedef struct bias_leaf {
  const rg_run *run;
  const rg_node *y;
} bias_leaf;

static void bias_of_lane(void *self, int64_t lane, float *db)
{
  const bias_leaf *leaf = self;
  const rg_node *y = leaf->y;
  for (int part = 0; part < y->parts; part++) {
    const float *dy = lane_d(leaf->run, y, part, lane);
    for (int j = 0; j < y->width; j++) {
      double sum = 0;
      for (int64_t i = 0; i < leaf->run->share->lane_cells; i++)
        sum += (double)dy[i * y->width + j];
      db[part * y->width + j] = (float)sum;
    }
  }
}

void rg_bias_gradient(rg_run *run, const rg_op *op, int k)
{
  bias_leaf leaf = {run, op->out};
  rg_gradient_over_lanes(run, op, k, bias_of_lane, &leaf);
}

rg_init rg_init_named(const char *name)
{
  return strcmp(name, "xavier") == 0    ? RG_INIT_XAVIER
         : strcmp(name, "kaiming") == 0 ? RG_INIT_KAIMING
         : strcmp(name, "zero") == 0    ? RG_INIT_ZERO
                                        : RG_INIT_TORCH;
}
