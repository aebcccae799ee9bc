/* base: fields, nearest names, configuration files. */
#include "regatta/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct options {
  bool fast;
  int64_t cells;
  double rate;
  char *path;
  char *kind;
} options;

static const rg_field fields[] = {{.name = "fast",
                                   .type = RG_BOOL,
                                   .offset = offsetof(options, fast),
                                   .value = "no",
                                   .help = "skip what is slow"},
                                  {.name = "batch_cells",
                                   .type = RG_INT,
                                   .offset = offsetof(options, cells),
                                   .value = "1024",
                                   .low = 1,
                                   .high = 1e9,
                                   .unit = "cells",
                                   .help = "cells per step"},
                                  {.name = "learning_rate",
                                   .type = RG_DOUBLE,
                                   .offset = offsetof(options, rate),
                                   .value = "1e-3",
                                   .help = "size of a step"},
                                  {.name = "path",
                                   .type = RG_TEXT,
                                   .offset = offsetof(options, path),
                                   .help = "file"},
                                  {.name = "kind",
                                   .type = RG_CHOICE,
                                   .offset = offsetof(options, kind),
                                   .value = "nb",
                                   .choices = "nb|zinb|poisson",
                                   .help = "likelihood"},
                                  {0}};

static options o;
static rg_config *config;

static void start(void)
{
  rg_fields_default(fields, &o);
}

static void stop(void)
{
  rg_fields_fini(fields, &o);
  cr_assert_eq(rg_memory_alive(), 0);
}

TestSuite(fields, .init = start, .fini = stop);

Test(fields, defaults)
{
  cr_assert_eq(o.fast, false);
  cr_assert_eq(o.cells, 1024);
  cr_assert_eq(o.rate, 1e-3);
  cr_assert_null(o.path);
  cr_assert_str_eq(o.kind, "nb");
}

static void good(const char *name, const char *text)
{
  cr_assert_eq(rg_fields_set(fields, &o, name, text, "--set"), RG_OK, "%s",
               rg_error_text());
}

static void bad(const char *name, const char *text, const char *message)
{
  cr_assert_eq(rg_fields_set(fields, &o, name, text, "a.yaml:3"), RG_EUSAGE);
  cr_assert_str_eq(rg_error_text(), message);
}

Test(fields, good_values)
{
  good("fast", "true");
  good("batch-cells", "1e6");
  good("learning_rate", "0.25");
  good("path", "");
  good("kind", "poisson");
  cr_assert_eq(o.fast, true);
  cr_assert_eq(o.cells, 1000000);
  cr_assert_eq(o.rate, 0.25);
  cr_assert_str_eq(o.path, "");
  cr_assert_str_eq(o.kind, "poisson");
  good("path", NULL);
  cr_assert_null(o.path);
}

Test(fields, bad_values_say_what_is_right)
{
  bad("fast", "maybe", "a.yaml:3: fast is 'maybe'; say true or false");
  bad("batch_cells", "12.5", "a.yaml:3: batch_cells is '12.5'; give a whole number");
  bad("batch_cells", "", "a.yaml:3: batch_cells is ''; give a whole number");
  bad("batch_cells", "99999999999999999999",
      "a.yaml:3: batch_cells is '99999999999999999999'; give a whole number");
  bad("batch_cells", "0",
      "a.yaml:3: batch_cells is 0; it must lie from 1 to 1000000000");
  bad("batch_cells", "1000000001",
      "a.yaml:3: batch_cells is 1000000001; it must lie from 1 to 1000000000");
  bad("learning_rate", "nan", "a.yaml:3: learning_rate is 'nan'; give a number");
  bad("learning_rate", "1e999", "a.yaml:3: learning_rate is '1e999'; give a number");
  bad("learning_rate", "1 x", "a.yaml:3: learning_rate is '1 x'; give a number");
  bad("learning_rate", NULL, "a.yaml:3: learning_rate has no value");
  bad("kind", "zimb",
      "a.yaml:3: kind is 'zimb'; did you mean 'zinb'? (one of nb|zinb|poisson)");
  bad("kind", "somethingelse",
      "a.yaml:3: kind is 'somethingelse'; say one of nb|zinb|poisson");
  bad("lerning_rate", "1",
      "a.yaml:3: unknown option 'lerning_rate'; did you mean 'learning_rate'?");
  bad("xylophone", "1", "a.yaml:3: unknown option 'xylophone'");
  cr_assert_eq(o.cells, 1024);
  cr_assert_eq(o.rate, 1e-3);
  cr_assert_str_eq(o.kind, "nb");
}

Test(fields, values_as_text_read_back)
{
  const double hard[] = {0.1, 1.0 / 3, 1e-300, 123456789.125, -0.0, 5e-324};
  for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
    o.rate = hard[i];
    char *text = rg_fields_get(fields, &o, "learning_rate");
    o.rate = 77;
    good("learning_rate", text);
    cr_assert_eq(memcmp(&o.rate, &hard[i], sizeof o.rate), 0, "%s", text);
    rg_free(text);
  }
  cr_assert_null(rg_fields_get(fields, &o, "path"));
  char *text = rg_fields_get(fields, &o, "fast");
  cr_assert_str_eq(text, "false");
  rg_free(text);
}

Test(nearest, finds_slips_and_nothing_else)
{
  const char *const names[] = {"train", "prepare", "embed", "cluster"};
  cr_assert_str_eq(rg_nearest("trian", names, 4), "train");
  cr_assert_str_eq(rg_nearest("Embd", names, 4), "embed");
  cr_assert_str_eq(rg_nearest("clusters", names, 4), "cluster");
  cr_assert_null(rg_nearest("umap", names, 4));
  cr_assert_null(rg_nearest("", names, 0));
  cr_assert_str_eq(rg_nearest("ab", (const char *[]){"ba"}, 1), "ba");
  char longest[500];
  memset(longest, 'a', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  cr_assert_null(rg_nearest(longest, names, 4));
}

/* ---- configuration --------------------------------------------------------------- */

static void open_config(void)
{
  config = rg_config_new();
  rg_config_section(config, "train", fields, &o, "how to train");
}

static void close_config(void)
{
  rg_config_free(config);
  stop();
}

TestSuite(config, .init = open_config, .fini = close_config);

static void yaml_fails(const char *text, const char *message)
{
  cr_assert_eq(rg_config_yaml(config, "r.yaml", text), RG_EUSAGE, "accepted: %s", text);
  cr_assert_str_eq(rg_error_text(), message);
}

Test(config, the_latest_source_wins_in_any_order)
{
  cr_assert_eq(rg_config_assign(config, "train.batch_cells=3"), RG_OK);
  cr_assert_eq(rg_config_yaml(config, "r.yaml",
                              "train:\n  batch_cells: 2\n  learning_rate: 0.5\n"),
               RG_OK);
  cr_assert_eq(rg_config_recipe(config, "train", "batch_cells", "1"), RG_OK);
  cr_assert_eq(rg_config_recipe(config, "train", "learning_rate", "1"), RG_OK);
  cr_assert_eq(rg_config_recipe(config, "train", "kind", "zinb"), RG_OK);
  cr_assert_eq(o.cells, 3);
  cr_assert_eq(o.rate, 0.5);
  cr_assert_str_eq(o.kind, "zinb");
  char *text = rg_config_text(config);
  cr_assert_str_eq(text, "# how to train\n"
                         "train:\n"
                         "  # skip what is slow\n"
                         "  fast: false  # default\n"
                         "  # cells per step [cells] (1 to 1000000000)\n"
                         "  batch_cells: 3  # command line\n"
                         "  # size of a step\n"
                         "  learning_rate: 0.5  # r.yaml:3\n"
                         "  # file\n"
                         "  path:   # default\n"
                         "  # likelihood (nb|zinb|poisson)\n"
                         "  kind: zinb  # recipe\n");
  rg_free(text);
}

Test(config, its_text_reproduces_it)
{
  const char *const hard[] = {"plain",       "with space", "null",      "~",     "",
                              "a: b # c",    "\"quoted\"", "tab\tnl\n", "-",     "µ",
                              "back\\slash", "true",       "0x10",      "[a,b]", "- x",
                              "#x",          "key:",       ":x",        "&a",    "*a"};
  for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
    cr_assert_eq(rg_fields_set(fields, &o, "path", hard[i], "test"), RG_OK);
    char *text = rg_config_text(config);
    cr_assert_eq(rg_fields_set(fields, &o, "path", "other", "test"), RG_OK);
    cr_assert_eq(rg_config_yaml(config, "used.yaml", text), RG_OK, "%s in\n%s",
                 rg_error_text(), text);
    cr_assert_str_eq(o.path, hard[i]);
    rg_free(text);
  }
  cr_assert_eq(rg_fields_set(fields, &o, "path", NULL, "test"), RG_OK);
  char *text = rg_config_text(config);
  cr_assert_eq(rg_fields_set(fields, &o, "path", "other", "test"), RG_OK);
  cr_assert_eq(rg_config_yaml(config, "used.yaml", text), RG_OK);
  cr_assert_null(o.path);
  rg_free(text);
}

Test(config, lists_join_and_nothing_is_fine)
{
  cr_assert_eq(rg_config_yaml(config, "r.yaml", "train: {path: [rna, atac, 3]}"),
               RG_OK);
  cr_assert_str_eq(o.path, "rna,atac,3");
  cr_assert_eq(rg_config_yaml(config, "r.yaml", "train: {path: []}"), RG_OK);
  cr_assert_str_eq(o.path, "");
  cr_assert_eq(rg_config_yaml(config, "r.yaml", ""), RG_OK);
  cr_assert_eq(rg_config_yaml(config, "r.yaml", "# only a comment\n"), RG_OK);
  cr_assert_eq(rg_config_yaml(config, "r.yaml", "train:\n"), RG_OK);
}

Test(config, hostile_files_are_refused_with_the_line)
{
  yaml_fails("train:\n  lerning_rate: 1\n",
             "r.yaml:2: unknown option 'lerning_rate'; did you mean 'learning_rate'?");
  yaml_fails("trian: {}\ntrain: {}\nfoo: {a: 1}\n", "r.yaml:3: unknown section 'foo'");
  yaml_fails("tran: {a: 1}\n",
             "r.yaml:1: unknown section 'tran'; did you mean 'train'?");
  yaml_fails("- a\n- b\n", "r.yaml:1: expected sections of key: value pairs");
  yaml_fails("train: 7\n", "r.yaml:1: section 'train' must hold key: value pairs");
  yaml_fails("train:\n  path: {a: b}\n",
             "r.yaml:2: a value must be a scalar or a list of scalars");
  yaml_fails("train:\n  path: [[a]]\n", "r.yaml:2: a list must hold scalars");
  yaml_fails("train:\n  fast: yes\n  fast: no\n",
             "r.yaml:3: key 'fast' stands twice; remove one");
  yaml_fails("train: {}\ntrain: {}\n",
             "r.yaml:2: key 'train' stands twice; remove one");
  yaml_fails("train:\n  fast:\n", "r.yaml:2: fast has no value");
  yaml_fails("train:\n  path: \"a\\0b\"\n", "r.yaml:2: a value holds a zero byte");
  yaml_fails("[a]: b\n", "r.yaml:1: a key must be a scalar");
  cr_assert_eq(rg_config_yaml(config, "r.yaml", "train: {\n"), RG_EUSAGE);
  cr_assert_eq(strncmp(rg_error_text(), "r.yaml:", 7), 0);
  cr_assert_eq(rg_config_yaml(config, "r.yaml", "\xff\xfe\x01"), RG_EUSAGE);
}

Test(config, assignments)
{
  cr_assert_eq(rg_config_assign(config, "train.path=a=b.c"), RG_OK);
  cr_assert_str_eq(o.path, "a=b.c");
  const char *const wrong[] = {"train", "train.path", "path=a.b", "", "=", "."};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    cr_assert_eq(rg_config_assign(config, wrong[i]), RG_EUSAGE);
    cr_assert(strstr(rg_error_text(), "is not section.key=value"));
  }
}

Test(config, files)
{
  char path[] = "test_config_XXXXXX";
  int fd = mkstemp(path);
  const char text[] = "train:\n  batch_cells: 17\n";
  cr_assert_eq(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
  cr_assert_eq(rg_config_file(config, path), RG_OK);
  cr_assert_eq(o.cells, 17);
  cr_assert_eq(write(fd, "\0", 1), 1);
  cr_assert_eq(rg_config_file(config, path), RG_EINPUT);
  cr_assert_eq(ftruncate(fd, 2 << 20), 0);
  cr_assert_eq(rg_config_file(config, path), RG_EINPUT);
  close(fd);
  unlink(path);
  cr_assert_eq(rg_config_file(config, path), RG_EINPUT);
  cr_assert(strstr(rg_error_text(), "cannot be opened"));
}

Test(config, a_section_twice_is_a_bug, .signal = SIGABRT, .fini = NULL)
{
  rg_config_section(config, "train", fields, &o, NULL);
}

Test(must_fail, config)
{
  rg_fields_default(fields, &o);
  cr_assert_eq(o.cells, 1);
}
