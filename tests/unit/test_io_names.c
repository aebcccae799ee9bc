/* io: names, places of features, kinds of modalities, columns. */
#include "regatta/io.h"
#include "src/io/features.h"
#include "src/io/names.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static rg_strings list_of(const char *const *texts)
{
  rg_strings list = {0};
  for (; *texts; texts++)
    rg_strings_add(&list, *texts, -1);
  return list;
}

#define LIST(...) list_of((const char *const[]){__VA_ARGS__, NULL})

static void expect_texts(const rg_strings *list, const char *const *texts)
{
  int64_t n = 0;
  for (; texts[n]; n++) {
    cr_assert_lt(n, list->n);
    cr_assert_str_eq(rg_strings_at(list, n), texts[n]);
  }
  cr_assert_eq(n, list->n);
}

#define EXPECT(list, ...) expect_texts(list, (const char *const[]){__VA_ARGS__, NULL})

/* ---- names ----------------------------------------------------------------------- */

Test(names, the_first_of_equal_names_is_found)
{
  rg_strings list = LIST("b", "a", "b", "");
  rg_names names;
  rg_names_init(&names, &list);
  cr_assert_eq(rg_names_find(&names, "b"), 0);
  cr_assert_eq(rg_names_find(&names, "a"), 1);
  cr_assert_eq(rg_names_find(&names, ""), 3);
  cr_assert_eq(rg_names_find(&names, "c"), -1);
  rg_names_fini(&names);
  rg_strings_fini(&list);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(names, a_growing_list_stays_known)
{
  rg_strings list = {0};
  rg_names names;
  rg_names_init(&names, &list);
  for (int i = 0; i < 5000; i++) {
    char text[16];
    snprintf(text, sizeof text, "%d", i % 3000);
    rg_strings_add(&list, text, -1);
    cr_assert_eq(rg_names_put(&names, i), i % 3000);
  }
  rg_names_fini(&names);
  rg_strings_fini(&list);
}

/* as anndata 0.8 makes them: the first stays, a new name is never one that was there */
Test(names, repeats_are_numbered)
{
  rg_strings list = LIST("a", "b", "a", "a-1", "a", "b");
  cr_assert_eq(rg_names_make_unique(&list), 3);
  EXPECT(&list, "a", "b", "a-2", "a-1", "a-3", "b-1");
  cr_assert_eq(rg_names_make_unique(&list), 0);
  rg_strings_fini(&list);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(names, order_is_natural)
{
  static const char *const rising[] = {"",   "1",   "2",    "10", "a",
                                       "a2", "a10", "a10b", "b1"};
  for (int i = 0; i < 9; i++)
    for (int j = 0; j < 9; j++) {
      int order = rg_natural_order(rising[i], rising[j]);
      cr_assert_eq((order > 0) - (order < 0), (i > j) - (i < j), "%s %s", rising[i],
                   rising[j]);
    }
}

Test(names, matching_finds_places_and_refuses_twins)
{
  rg_strings table = LIST("x", "y", "z"), mine = LIST("z", "no", "x", "z");
  int64_t place[4];
  cr_assert_eq(rg_names_match(rg_comm_self(), "t", &table, &mine, place), RG_OK);
  cr_assert_eq(place[0], 2);
  cr_assert_eq(place[1], -1);
  cr_assert_eq(place[2], 0);
  cr_assert_eq(place[3], 2);
  cr_assert_eq(rg_names_check_unique(rg_comm_self(), "t", &table), RG_OK);
  rg_strings_add(&table, "y", -1);
  cr_assert_eq(rg_names_match(rg_comm_self(), "t", &table, &mine, place), RG_EINPUT);
  cr_assert(strstr(rg_error_text(), "t[3]: the name 'y' is also that of row 1"));
  rg_strings_fini(&table);
  rg_strings_fini(&mine);
}

/* ---- features -------------------------------------------------------------------- */

Test(features, places)
{
  static const struct {
    const char *text;
    bool good;
    int64_t length, start, end;
  } cases[] = {
      {"chr1:100-200", true, 4, 100, 200},
      {"chr1-100-200", true, 4, 100, 200},
      {"chrX_5_6", true, 4, 5, 6},
      {"GL000194.1:0-9", true, 10, 0, 9},
      {"chr1:200-100", false, 0, 0, 0},
      {"HLA-DRB1", false, 0, 0, 0},
      {"RP11-34P13.7", false, 0, 0, 0},
      {"chr1:100", false, 0, 0, 0},
      {":1-2", false, 0, 0, 0},
      {"", false, 0, 0, 0},
      {"1-2", false, 0, 0, 0},
      {"chr1:1-99999999999999", false, 0, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t length, start, end;
    bool good = rg_parse_place(cases[i].text, &length, &start, &end);
    cr_assert_eq(good, cases[i].good, "%s", cases[i].text);
    if (good) {
      cr_assert_eq(length, cases[i].length);
      cr_assert_eq(start, cases[i].start);
      cr_assert_eq(end, cases[i].end);
    }
  }
}

Test(features, kinds_have_modalities)
{
  static const char *const pairs[][2] = {
      {"Gene Expression", "rna"},    {"Peaks", "atac"},
      {"Antibody Capture", "adt"},   {"GEX", "rna"},
      {"Protein Expression", "adt"}, {"CRISPR Guide Capture", "crispr_guide_capture"}};
  for (int i = 0; i < 6; i++) {
    char *name = rg_modality_of_type(pairs[i][0]);
    cr_assert_str_eq(name, pairs[i][1]);
    rg_free(name);
  }
}

/* ---- columns --------------------------------------------------------------------- */

Test(columns, texts_become_sorted_categories)
{
  rg_column column = {.name = rg_strdup("x"), .type = RG_COLUMN_STRING, .n = 5};
  column.text = LIST("t", "b", "", "t", "NK");
  cr_assert_eq(rg_column_as_category(rg_comm_self(), &column), RG_OK);
  cr_assert_eq(column.type, RG_COLUMN_CATEGORY);
  EXPECT(&column.categories, "NK", "b", "t");
  int32_t expected[] = {2, 1, -1, 2, 0};
  cr_assert_arr_eq(column.code, expected, sizeof expected);
  cr_assert_null(column.text.text);
  rg_column_fini(&column);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(columns, integers_become_categories_in_natural_order)
{
  rg_column column = {.name = rg_strdup("x"), .type = RG_COLUMN_NUMBER, .n = 4};
  column.number = RG_NEW(double, 4);
  memcpy(column.number, (double[]){10, 2, NAN, 10}, 4 * sizeof(double));
  cr_assert_eq(rg_column_as_category(rg_comm_self(), &column), RG_OK);
  EXPECT(&column.categories, "2", "10");
  int32_t expected[] = {1, 0, -1, 1};
  cr_assert_arr_eq(column.code, expected, sizeof expected);
  rg_column_fini(&column);
}

Test(columns, fractions_are_no_labels)
{
  rg_column column = {.name = rg_strdup("depth"), .type = RG_COLUMN_NUMBER, .n = 1};
  column.number = RG_NEW(double, 1);
  column.number[0] = 0.5;
  cr_assert_eq(rg_column_as_category(rg_comm_self(), &column), RG_EINPUT);
  cr_assert(strstr(rg_error_text(), "'depth'"));
  cr_assert_eq(column.type, RG_COLUMN_NUMBER);
  rg_column_fini(&column);
}

Test(must_fail, natural_order)
{
  cr_assert(rg_natural_order("10", "2") < 0);
}
