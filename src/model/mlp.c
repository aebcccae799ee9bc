/* Stacks of layers, named by their prefix. */
#include "mlp.h"

#include <string.h>

#define LONGEST 128

rg_mlp rg_mlp_of(int depth, int64_t width)
{
  RG_ASSERT(depth >= 0 && depth <= RG_MLP_LAYERS);
  rg_mlp mlp = {.depth = depth};
  for (int k = 0; k < depth; k++)
    mlp.width[k] = width;
  return mlp;
}

/* NAME.part, or NAME.part:PARAMS.part */
static const char *part_name(const char *prefix, const char *part, char *text)
{
  const char *colon = strchr(prefix, ':');
  int n = colon ? (int)(colon - prefix) : (int)strlen(prefix);
  if (colon)
    snprintf(text, LONGEST, "%.*s.%s:%s.%s", n, prefix, part, colon + 1, part);
  else
    snprintf(text, LONGEST, "%s.%s", prefix, part);
  return text;
}

rg_node *rg_mlp_beside(rg_graph *graph, const char *prefix, rg_node *x, rg_node *with)
{
  char name[LONGEST];
  if (!with)
    return x;
  return rg_apply(graph, "concat", part_name(prefix, "in", name), NULL, x, with, NULL);
}

rg_node *rg_mlp_linear(rg_graph *graph, const char *prefix, const char *init, int64_t width,
                       rg_node *x, rg_node *with)
{
  char name[LONGEST], text[LONGEST];
  const char *drawn = init ? init : "torch";
  if (!x->sparse) {
    snprintf(text, sizeof text, "width=%lld init=%s", (long long)width, drawn);
    return rg_apply(graph, "linear", prefix, text, rg_mlp_beside(graph, prefix, x, with),
                    NULL);
  }
  RG_ASSERT(!with);
  snprintf(text, sizeof text, "width=%lld bias=false joined=true init=%s",
           (long long)width, drawn);
  rg_node *y = rg_apply(graph, "sparse_linear", part_name(prefix, "product", name), text, x,
                        NULL);
  snprintf(text, sizeof text, "fan_in=%lld", (long long)x->blocks->offset[x->blocks->n]);
  return rg_apply(graph, "sum_blocks", prefix, text, y, NULL);
}

static rg_node *normalised(rg_graph *graph, const char *name, const rg_mlp *mlp, rg_node *h)
{
  rg_node *measured = strcmp(mlp->norm, "batchnorm") == 0 ? mlp->measured : NULL;
  return rg_apply(graph, mlp->norm, name, mlp->norm_options, h, measured, NULL);
}

static rg_node *activated(rg_graph *graph, const char *name, const rg_mlp *mlp, rg_node *h)
{
  if (strcmp(mlp->activation, "prelu") == 0)
    return rg_apply(graph, "prelu", name, NULL, h, NULL);
  return rg_apply(graph, "activation", name, mlp->activation, h, NULL);
}

static rg_node *layer(rg_graph *graph, const char *prefix, const rg_mlp *mlp, int k,
                      rg_node *x)
{
  char part[32], name[LONGEST];
  snprintf(part, sizeof part, "fc%d", k + 1);
  rg_node *h = rg_mlp_linear(graph, part_name(prefix, part, name), mlp->init,
                             mlp->width[k], x, mlp->with);
  for (int pass = 0; pass < 2; pass++) {
    bool norm = (pass == 1) == mlp->norm_last;
    snprintf(part, sizeof part, "%s%d", norm ? "norm" : "act", k + 1);
    part_name(prefix, part, name);
    if (norm && mlp->norm)
      h = normalised(graph, name, mlp, h);
    if (!norm && mlp->activation)
      h = activated(graph, name, mlp, h);
  }
  if (mlp->dropout <= 0)
    return h;
  char rate[32];
  snprintf(part, sizeof part, "drop%d", k + 1);
  snprintf(rate, sizeof rate, "rate=%.17g", mlp->dropout);
  return rg_apply(graph, "dropout", part_name(prefix, part, name), rate, h, NULL);
}

rg_node *rg_mlp_apply(rg_graph *graph, const char *prefix, const rg_mlp *mlp, rg_node *x)
{
  for (int k = 0; k < mlp->depth; k++)
    x = layer(graph, prefix, mlp, k, x);
  return x;
}
