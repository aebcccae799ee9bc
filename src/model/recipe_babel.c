/* BABEL: an encoder and a decoder for each modality around one latent, so that every
 * encoder is read out by every decoder. */
#include "babel_parts.h"

#include <string.h>

#define FIELD(name) offsetof(rg_babel_settings, name)

static const rg_field fields[] = {
    {"compat", RG_CHOICE, FIELD(compat), "correct", 0, 0, "correct|code_exact", NULL,
     "the form that carries over to cells left out of training, or the released program "
     "with its quirks (then set train.batch=512)"},
    {"likelihood", RG_CHOICE, FIELD(likelihood), "log", 0, 0, "log|nb", NULL,
     "of counts: normal in standard scores of log(1 + 1e4 x / library), or negative "
     "binomial (correct)"},
    {"latent", RG_INT, FIELD(latent), "16", 1, 512, NULL, "axes", "size of the latent"},
    {"hidden", RG_INT, FIELD(hidden), "0", 0, 4096, NULL, "units",
     "units next to genes and proteins; 0: 128, released 64"},
    {"split", RG_INT, FIELD(split), "32", 1, 1024, NULL, "units",
     "units per chromosome next to the peaks"},
    {"chunk", RG_INT, FIELD(chunk), "16", 1, 1024, NULL, "units",
     "units per chromosome next to the latent"},
    {"peaks", RG_DOUBLE, FIELD(peaks), "1.33", 0, 1e6, NULL, NULL,
     "weight of the losses of peaks against those of counts"},
    {"cross", RG_DOUBLE, FIELD(cross), "1", 0, 1e6, NULL, NULL,
     "weight of the losses of one modality from another"},
    {"match", RG_DOUBLE, FIELD(match), "3", 0, 1e6, NULL, NULL,
     "weight of the distance of the latent of peaks to the others of a cell (correct)"},
    {"drop", RG_DOUBLE, FIELD(drop), "0.8", 0, 0.99, NULL, NULL,
     "share of the chromosomes that the encoder of peaks does not see in a step (correct)"},
    {"power", RG_DOUBLE, FIELD(power), "2", 0, 10, NULL, NULL,
     "of the idf that weighs open peaks (correct)"},
    {"epochs", RG_INT, FIELD(epochs), "0", 0, 1000000, NULL, "epochs",
     "at most; 0: 16, and more on small data until 400 steps, released 500"},
    {"patience", RG_INT, FIELD(patience), "25", 0, 1000000, NULL, "epochs",
     "without a better validation, after which the best parameters are final; 0: all "
     "epochs"},
    {"plateau", RG_INT, FIELD(plateau), "10", 0, 1000000, NULL, "epochs",
     "without a better validation, after which the rate falls to a tenth (code_exact)"},
    {"rate", RG_DOUBLE, FIELD(rate), "0", 0, 1, NULL, NULL,
     "learning rate; 0: 5e-3 falling to zero as a cosine, released 1e-2"},
    {"weight_decay", RG_DOUBLE, FIELD(weight_decay), "1.5e-3", 0, 10, NULL, NULL,
     "L2 added to the gradient of the encoder of peaks (correct)"},
    {"clip", RG_DOUBLE, FIELD(clip), "5", 0, 1e6, NULL, NULL,
     "longest gradient (code_exact); 0: any"},
    {0}};

enum { EPOCHS = 16, LEAST_STEPS = 400, EXACT_EPOCHS = 500 };

static rg_phase *make_phase(const rg_babel *b)
{
  const rg_babel_settings *s = b->s;
  rg_phase *phase = rg_model_phase(
      b->model, "main", s->epochs > 0 ? s->epochs : b->exact ? EXACT_EPOCHS : EPOCHS,
      s->rate > 0 ? s->rate : b->exact ? 1e-2 : 5e-3);
  phase->patience = s->patience;
  phase->schedule = b->exact ? RG_RATE_PLATEAU : RG_RATE_COSINE;
  phase->factor = 0.1;
  phase->plateau_patience = s->plateau;
  phase->least_steps = b->exact || s->epochs > 0 ? 0 : LEAST_STEPS;
  rg_phase_step(phase, "all", ~(uint64_t)0)->clip = b->exact ? s->clip : 0;
  return phase;
}

static double weight_of(const rg_babel *b, const rg_babel_part *to)
{
  return to->peaks ? b->s->peaks : 1;
}

/* Every decoder on every encoder. */
static void add_terms(const rg_babel *b, const rg_babel_part *parts, int n)
{
  rg_step *step = &make_phase(b)->step[0];
  for (int from = 0; from < n; from++)
    for (int to = 0; to < n; to++) {
      const rg_babel_part *p = &parts[from], *q = &parts[to];
      char name[80];
      snprintf(name, sizeof name, "both:%s,%s", p->name, q->name);
      rg_node *mask = from == to ? p->has : rg_input(b->graph, name, 1);
      rg_op *loss = rg_babel_decode(b, q, p->name, p->z, mask);
      double weight = weight_of(b, q) * (from == to ? 1 : b->s->cross);
      rg_step_term(step, loss, weight, RG_RAMP_NONE, 0);
      rg_model_watch(b->model, loss, weight);
      if (from == to)
        continue;
      snprintf(name, sizeof name, "read.%s", p->name);
      bool sized = !q->peaks && (q->real || !b->exact);
      rg_model_translation(b->model, p->name, q->name,
                           sized ? rg_babel_decode(b, q, name, p->z, NULL) : loss);
    }
}

/* The latent of peaks is drawn to the others, which say more and stay where they are. */
static void add_matches(const rg_babel *b, const rg_babel_part *parts, int n)
{
  rg_step *step = &b->model->phase[0].step[0];
  for (int k = 0; k < n * n && b->s->match > 0; k++) {
    const rg_babel_part *p = &parts[k / n], *q = &parts[k % n];
    if (!p->peaks || q->peaks)
      continue;
    char name[80];
    snprintf(name, sizeof name, "%s.%s.still", p->name, q->name);
    rg_node *still = rg_apply(b->graph, "detach", name, NULL, q->z, NULL);
    snprintf(name, sizeof name, "both:%s,%s", p->name, q->name);
    rg_node *both = rg_graph_find_node(b->graph, name);
    snprintf(name, sizeof name, "%s.%s.match", p->name, q->name);
    rg_op *loss =
        rg_loss(b->graph, "match_rows", name, "reduction=mean", p->z, still, both, NULL);
    rg_step_term(step, loss, b->s->match, RG_RAMP_NONE, 0);
  }
}

/* Mean latent of what a cell has. */
static rg_node *joint(const rg_babel *b, const rg_babel_part *p, int n)
{
  if (n == 2)
    return rg_apply(b->graph, "fuse", "z", NULL, p[0].z, p[1].z, p[0].has, p[1].has, NULL);
  return rg_apply(b->graph, "fuse", "z", NULL, p[0].z, p[1].z, p[2].z, p[0].has, p[1].has,
                  p[2].has, NULL);
}

static void add_outputs(const rg_babel *b, const rg_babel_part *parts, int n)
{
  rg_node *z = joint(b, parts, n);
  rg_model_embedding(b->model, "", z, false);
  for (int m = 0; m < n; m++) {
    const rg_babel_part *p = &parts[m];
    char bias[64];
    rg_model_embedding_of(b->model, p->name, p->z, false, p->has);
    rg_model_likelihood(b->model, p->name, rg_babel_decode(b, p, "read", z, NULL));
    snprintf(bias, sizeof bias, "dec.%s.%s.bias", p->name, p->peaks ? "out" : "mean");
    if (!b->exact && p->peaks)
      rg_model_start(b->model, bias, p->name);
    else if (!b->exact && !p->scores)
      rg_model_start_shares(b->model, bias, p->name);
  }
}

static rg_status compose(rg_graph *graph, const rg_facts *facts, const void *settings,
                         rg_model *model)
{
  enum { MOST = 3 };
  rg_babel_settings chosen = *(const rg_babel_settings *)settings, *s = &chosen;
  rg_babel b = {.graph = graph, .facts = facts, .s = s, .model = model,
                .exact = strcmp(s->compat, "code_exact") == 0};
  s->hidden = s->hidden > 0 ? s->hidden : b.exact ? 64 : 128;
  rg_babel_part part[MOST];
  if (facts->n_modalities > MOST)
    return rg_fail(RG_EUSAGE, "babel takes at most %d modalities; the data have %d", MOST,
                   facts->n_modalities);
  model->optimiser = RG_ADAM;
  model->weight_decay = b.exact ? 0 : s->weight_decay;
  if (!b.exact) /* the encoder of peaks alone is held back */
    rg_graph_decay(graph, 0);
  for (int m = 0; m < facts->n_modalities; m++)
    part[m] = rg_babel_encode(&b, m);
  add_terms(&b, part, facts->n_modalities);
  if (!b.exact)
    add_matches(&b, part, facts->n_modalities);
  add_outputs(&b, part, facts->n_modalities);
  return RG_OK;
}

static const char *const defaults[] = {"train.batch=256", "train.validation=0.1",
                                       "prepare.top_genes=0", NULL};

const rg_recipe rg_recipe_babel = {
    .name = "babel",
    .cite = "Wu, Yost, Chang, Zou. BABEL enables cross-modality translation between "
            "multiomic profiles at single-cell resolution. PNAS 2021; "
            "github.com/wukevin/babel",
    .help = "one latent that every modality is encoded into and decoded from, in all "
            "combinations",
    .good_for = "translation: rna from atac, atac from rna, proteins from rna and back",
    .modalities = "",
    .least = 2,
    .mosaic = true,
    .by_lanes = true,
    .fields = fields,
    .settings_size = sizeof(rg_babel_settings),
    .defaults = defaults,
    .compose = compose};
