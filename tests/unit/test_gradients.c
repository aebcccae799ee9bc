/* Finite differences of every operation and loss: the loops run over the registries, so
 * what is added later is covered. */
#include "regatta/nn.h"

#include <string.h>

#include <criterion/criterion.h>

static void check_all(const rg_op_type *const *types)
{
  for (; *types; types++) {
    char text[256];
    double error = rg_gradcheck(*types, text, sizeof text);
    cr_expect(error <= (*types)->tolerance, "%s: %s (allowed %g: %s)", (*types)->name, text,
              (*types)->tolerance, (*types)->tolerance_why);
  }
}

Test(gradients, operations)
{
  check_all(rg_op_types);
}

Test(gradients, losses)
{
  check_all(rg_loss_types);
}

/* ---- must fail: a gradient that is one per cent off ------------------------------ */

static const rg_op_type *original(void)
{
  for (const rg_op_type *const *types = rg_loss_types; *types; types++)
    if (strcmp((*types)->name, "probe") == 0)
      return *types;
  return NULL;
}

static void wrong_backward(rg_run *run, rg_op *op)
{
  double scale = op->scale;
  op->scale = scale * 0.99;
  original()->backward(run, op);
  op->scale = scale;
}

static rg_op_type wrong;

static bool wrong_probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 3);
  rg_loss(graph, "probe", "loss", NULL, x, NULL)->type = &wrong;
  return true;
}

Test(must_fail, gradients)
{
  wrong = *original();
  wrong.backward = wrong_backward;
  wrong.probe = wrong_probe;
  char text[256];
  cr_assert_leq(rg_gradcheck(&wrong, text, sizeof text), wrong.tolerance);
}
