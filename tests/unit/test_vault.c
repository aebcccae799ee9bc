/* io: the container of checkpoints and prepared data. */
#include "regatta/io.h"
#include "src/io/vault.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/rg_vault_XXXXXX";
static char path[64];

static void set_up(void)
{
  cr_assert_not_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/box", folder);
}

static void tear_down(void)
{
  rg_disk_remove(folder);
}

TestSuite(vault, .init = set_up, .fini = tear_down);
TestSuite(hostile, .init = set_up, .fini = tear_down);
TestSuite(faults, .init = set_up, .fini = tear_down);

enum { N = 300000 };

static float value(int64_t i, int round)
{
  return (float)(i % 1000) + (float)round;
}

/* A container of a large array, small ones, and notes. */
static rg_status write_box(int round)
{
  rg_vault *vault = NULL;
  rg_status status = RG_OK;
  float *x = RG_NEW(float, N * 2);
  for (int64_t i = 0; i < N * 2; i++)
    x[i] = value(i, round);
  int64_t step = 77 + round;
  double pair[2] = {0.5, -1e300};
  RG_TRY(rg_vault_create(rg_comm_self(), path, &vault));
  RG_TRY(rg_vault_note(vault, "config", "a: 1\nb: \\n\n"));
  RG_TRY(rg_vault_put_rows(vault, "weights", 'f', x, N, 2));
  RG_TRY(rg_vault_put(vault, "step", 'l', &step, 1, 1));
  RG_TRY(rg_vault_put(vault, "pair", 'd', pair, 2, 1));
  RG_TRY(rg_vault_put(vault, "none", 'i', NULL, 0, 5));
  RG_TRY(rg_vault_put(vault, "text", 'c', "hello", 5, 1));
  rg_vault *done = vault;
  vault = NULL;
  RG_TRY(rg_vault_commit(done));

out:
  rg_vault_abandon(vault);
  rg_free(x);
  return status;
}

static void expect_box(int round)
{
  rg_vault *vault;
  cr_assert_eq(rg_vault_open(rg_comm_self(), path, &vault), RG_OK, "%s",
               rg_error_text());
  const rg_array_info *info = rg_vault_find(vault, "weights");
  cr_assert(info && info->type == 'f' && info->rows == N && info->cols == 2);
  cr_assert_null(rg_vault_find(vault, "weight"));
  cr_assert_str_eq(rg_vault_text(vault, "config"), "a: 1\nb: \\n\n");
  cr_assert_null(rg_vault_text(vault, "x"));
  float x[6];
  cr_assert_eq(rg_vault_get_rows(vault, "weights", 131070, 131073, x), RG_OK);
  for (int i = 0; i < 6; i++)
    cr_assert_eq(x[i], value(131070 * 2 + i, round));
  int64_t step;
  cr_assert_eq(rg_vault_get_rows(vault, "step", 0, 1, &step), RG_OK);
  cr_assert_eq(step, 77 + round);
  double pair[2];
  cr_assert_eq(rg_vault_get_rows(vault, "pair", 0, 2, pair), RG_OK);
  cr_assert(pair[0] == 0.5 && pair[1] == -1e300);
  cr_assert_eq(rg_vault_get_rows(vault, "none", 0, 0, pair), RG_OK);
  rg_vault_close(vault);
}

static int entries(const char *name)
{
  DIR *open = opendir(name);
  int n = 0;
  for (struct dirent *entry; (entry = readdir(open));)
    n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(open);
  return n;
}

Test(vault, comes_back_equal)
{
  cr_assert_eq(write_box(0), RG_OK, "%s", rg_error_text());
  expect_box(0);
  cr_assert_eq(entries(folder), 1);
}

Test(vault, a_new_one_replaces_the_old_one)
{
  cr_assert_eq(write_box(0), RG_OK);
  cr_assert_eq(write_box(1), RG_OK, "%s", rg_error_text());
  expect_box(1);
  cr_assert_eq(entries(folder), 1);
}

Test(vault, abandoned_leaves_nothing)
{
  rg_vault *vault;
  cr_assert_eq(rg_vault_create(rg_comm_self(), path, &vault), RG_OK);
  cr_assert_eq(rg_vault_put(vault, "x", 'c', "abc", 3, 1), RG_OK);
  cr_assert_eq(entries(folder), 1);
  rg_vault_abandon(vault);
  cr_assert_eq(entries(folder), 0);
  rg_vault_abandon(NULL);
}

Test(vault, wrong_questions_are_answered)
{
  rg_vault *vault;
  double x[4];
  cr_assert_eq(write_box(0), RG_OK);
  cr_assert_eq(rg_vault_open(rg_comm_self(), path, &vault), RG_OK);
  cr_assert_eq(rg_vault_get_rows(vault, "other", 0, 1, x), RG_EINPUT);
  cr_assert_eq(rg_vault_get_rows(vault, "pair", 0, 3, x), RG_EINPUT);
  cr_assert_eq(rg_vault_get_rows(vault, "pair", -1, 1, x), RG_EINPUT);
  cr_assert_eq(rg_vault_get_rows(vault, "pair", 2, 1, x), RG_EINPUT);
  rg_vault_close(vault);
}

/* ---- damage ---------------------------------------------------------------------- */

static void flip(const char *file, int64_t at, int bit)
{
  FILE *f = fopen(file, "r+b");
  cr_assert_not_null(f);
  fseek(f, (long)at, SEEK_SET);
  int c = fgetc(f);
  fseek(f, (long)at, SEEK_SET);
  fputc(c ^ 1 << bit, f);
  fclose(f);
}

static int64_t size_of(const char *file)
{
  struct stat info;
  return stat(file, &info) == 0 ? (int64_t)info.st_size : -1;
}

static void expect_refused(const char *what)
{
  rg_vault *vault;
  cr_assert_eq(rg_vault_open(rg_comm_self(), path, &vault), RG_EINPUT, "%s is accepted",
               what);
  cr_assert(strstr(rg_error_text(), folder), "'%s' names no file", rg_error_text());
}

Test(hostile, every_flipped_bit_is_noticed)
{
  cr_assert_eq(write_box(0), RG_OK);
  char *part = rg_vault_part_path(path, 0);
  char manifest[128];
  snprintf(manifest, sizeof manifest, "%s/manifest", path);
  int64_t data = (int64_t)N * 8, size = size_of(manifest);
  for (int i = 0; i < 40; i++) {
    int64_t at = i < 2 ? i * (data - 1) : i * 7919 * 13 % data;
    flip(part, at, i % 8);
    expect_refused("a flipped bit of a part");
    flip(part, at, i % 8);
  }
  for (int64_t at = 0; at < size; at++) {
    flip(manifest, at, (int)(at % 8));
    expect_refused("a flipped bit of the manifest");
    flip(manifest, at, (int)(at % 8));
  }
  expect_box(0);
  rg_free(part);
}

Test(hostile, cut_files_are_noticed)
{
  cr_assert_eq(write_box(0), RG_OK);
  char *part = rg_vault_part_path(path, 0);
  char manifest[128];
  snprintf(manifest, sizeof manifest, "%s/manifest", path);
  int64_t size = size_of(manifest);
  cr_assert_eq(truncate(part, size_of(part) - 1), 0);
  expect_refused("a part cut short");
  cr_assert_eq(unlink(part), 0);
  expect_refused("a missing part");
  for (int64_t n = size - 1; n >= 0; n -= n > 64 ? 37 : 1) {
    cr_assert_eq(truncate(manifest, n), 0);
    expect_refused("a manifest cut short");
  }
  cr_assert_eq(unlink(manifest), 0);
  expect_refused("a missing manifest");
  rg_free(part);
}

/* Manifests whose checksum is right and whose content is not. */
Test(hostile, manifests_are_not_trusted)
{
  static const char *const lines[] = {
      "array a f 9999999999999999999 1 0 0\nblocks\n",
      "array a f 999999999999999999 999999999999999999 0 0\nblocks\n",
      "array a f 1000000000000 1000 0 0\nblocks 0123456789abcdef\n",
      "array a q 1 1 0 0\nblocks 0123456789abcdef\n",
      "array a f 1 1 0 -4\nblocks 0123456789abcdef\n",
      "array a f -1 1 0 0\nblocks\n",
      "array a f 1 1 0 0\nblocks\n",
      "array a f 1 1 0 0\nblocks 0123456789abcdeX\n",
      "array a f 1 1 0 0\nblocks 0123456789abcdef 0123456789abcdef\n",
      "array a f 1 1 9999999 0\nblocks 0123456789abcdef\n",
      "array a f 1 1 0 1152921504606846976\nblocks 0123456789abcdef\n",
      "array a f 0 1 0 0\nblocks\narray a f 0 1 0 0\nblocks\n",
      "array  f 1 1 0 0\nblocks 0123456789abcdef\n",
      "array a f",
      "note k",
      "note k v",
      "note k v\\",
      "note k v\\t\n",
      "surprise\n",
      "\n",
  };
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    rg_vault *vault = RG_NEW(rg_vault, 1);
    vault->path = rg_strdup("box");
    vault->fd = -1;
    char *body = rg_format("regatta vault 1\n%s", lines[i]);
    char *text = rg_format("%shash %016llx\n", body,
                           (unsigned long long)rg_hash(body, strlen(body), 0));
    cr_assert_eq(rg_vault_parse(vault, text, (int64_t)strlen(text)), RG_EINPUT,
                 "accepted: %s", lines[i]);
    rg_free(body);
    rg_free(text);
    rg_vault_free(vault);
  }
}

/* ---- faults ---------------------------------------------------------------------- */

Test(faults, a_failed_write_keeps_the_old_one)
{
  cr_assert_eq(write_box(0), RG_OK);
  setenv("RG_FAULT", "vault.write:2", 1);
  cr_assert_eq(write_box(1), RG_EFAIL);
  expect_box(0);
  cr_assert_eq(entries(folder), 1);
}

Test(faults, a_failed_rename_keeps_the_old_one)
{
  cr_assert_eq(write_box(0), RG_OK);
  setenv("RG_FAULT", "vault.rename", 1);
  cr_assert_eq(write_box(1), RG_EFAIL);
  expect_box(0);
  cr_assert_eq(entries(folder), 1);
}

Test(faults, a_missing_folder_is_named)
{
  rg_vault *vault;
  char there[128];
  snprintf(there, sizeof there, "%s/no/box", folder);
  cr_assert_eq(rg_vault_create(rg_comm_self(), there, &vault), RG_EUSAGE);
  cr_assert(strstr(rg_error_text(), "does not exist"));
}

/* ---- small files ----------------------------------------------------------------- */

Test(vault, texts_are_replaced_whole)
{
  char file[96], line[16] = "";
  snprintf(file, sizeof file, "%s/STATUS", folder);
  cr_assert_eq(rg_write_text(rg_comm_self(), file, "first\n"), RG_OK);
  cr_assert_eq(rg_write_text(rg_comm_self(), file, "next\n"), RG_OK);
  FILE *f = fopen(file, "r");
  cr_assert_not_null(fgets(line, sizeof line, f));
  fclose(f);
  cr_assert_str_eq(line, "next\n");
  cr_assert_eq(entries(folder), 1);
}

Test(vault, folders_are_made_with_their_parents)
{
  char deep[96];
  snprintf(deep, sizeof deep, "%s/a/b/c", folder);
  cr_assert_eq(rg_make_folder(rg_comm_self(), deep), RG_OK);
  cr_assert_eq(rg_make_folder(rg_comm_self(), deep), RG_OK);
  cr_assert_eq(entries(deep), 0);
  strcat(deep, "/x");
  cr_assert_eq(rg_write_text(rg_comm_self(), deep, "a file"), RG_OK);
  cr_assert_eq(rg_make_folder(rg_comm_self(), deep), RG_EFAIL);
  strcat(deep, "/y");
  cr_assert_eq(rg_check_output(rg_comm_self(), deep), RG_EUSAGE);
}

Test(must_fail, other_values)
{
  set_up();
  rg_status status = write_box(0);
  rg_disk_remove(folder);
  cr_assert_neq(status, RG_OK);
}
