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
static const char *part_of(const char *prefix, const char *part, size_t room, char *text)
{
  const char *colon = strchr(prefix, ':');
  int n = colon ? (int)(colon - prefix) : (int)strlen(prefix);
  if (colon)
    snprintf(text, room, "%.*s.%s:%s.%s", n, prefix, part, colon + 1, part);
  else
    snprintf(text, room, "%s.%s", prefix, part);
  return text;
}

static const char *part_name(const char *prefix, const char *part, char text[LONGEST])
{
  return part_of(prefix, part, LONGEST, text);
}

rg_node *rg_mlp_beside(rg_graph *graph, const char *prefix, rg_node *x, rg_node *with)
{
  char name[LONGEST];
  if (!with)
    return x;
  return rg_apply(graph, "concat", part_name(prefix, "in", name), NULL, x, with, NULL);
}

/* A product in every block, of whose units some are dropped, and the sum over blocks. */
static rg_node *sparse_linear(rg_graph *graph, const char *prefix, const char *init,
                              int64_t width, rg_node *x, double drop)
{
  char name[2 * LONGEST], text[LONGEST];
  snprintf(text, sizeof text, "width=%lld bias=false joined=true init=%s",
           (long long)width, init);
  rg_node *y = rg_apply(graph, "sparse_linear",
                        part_of(prefix, "product", sizeof name, name), text, x, NULL);
  snprintf(text, sizeof text, "rate=%.17g", drop);
  if (drop > 0)
    y = rg_apply(graph, "dropout", part_of(prefix, "drop", sizeof name, name), text, y,
                 NULL);
  snprintf(text, sizeof text, "fan_in=%lld", (long long)x->blocks->offset[x->blocks->n]);
  return rg_apply(graph, "sum_blocks", prefix, text, y, NULL);
}

rg_node *rg_mlp_linear(rg_graph *graph, const char *prefix, const char *init, int64_t width,
                       rg_node *x, rg_node *with)
{
  char text[LONGEST];
  const char *drawn = init ? init : "torch";
  if (!x->sparse) {
    snprintf(text, sizeof text, "width=%lld init=%s", (long long)width, drawn);
    return rg_apply(graph, "linear", prefix, text, rg_mlp_beside(graph, prefix, x, with),
                    NULL);
  }
  RG_ASSERT(!with);
  return sparse_linear(graph, prefix, drawn, width, x, 0);
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
  part_name(prefix, part, name);
  rg_node *h = x->sparse && mlp->drop_blocks > 0
                   ? sparse_linear(graph, name, mlp->init ? mlp->init : "torch",
                                   mlp->width[k], x, mlp->drop_blocks)
                   : rg_mlp_linear(graph, name, mlp->init, mlp->width[k], x, mlp->with);
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
