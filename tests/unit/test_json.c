/* base: JSON out. */
#include "regatta/base.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>

static rg_json *json;

static void start(void)
{
  json = rg_json_new();
}

static void stop(void)
{
  rg_json_free(json);
  cr_assert_eq(rg_memory_alive(), 0);
}

TestSuite(json, .init = start, .fini = stop);

Test(json, nests_and_separates)
{
  rg_json_open(json, NULL, '{');
  rg_json_integer(json, "n", INT64_MIN);
  rg_json_open(json, "list", '[');
  rg_json_number(json, NULL, 0.1);
  rg_json_number(json, NULL, 1e300);
  rg_json_open(json, NULL, '{');
  rg_json_close(json);
  rg_json_open(json, NULL, '[');
  rg_json_close(json);
  rg_json_close(json);
  rg_json_bool(json, "yes", true);
  rg_json_bool(json, "no", false);
  rg_json_text(json, "none", NULL);
  rg_json_close(json);
  cr_assert_str_eq(rg_json_string(json),
                   "{\"n\":-9223372036854775808,\"list\":[0.1,1e+300,{},[]],"
                   "\"yes\":true,\"no\":false,\"none\":null}");
}

Test(json, what_is_not_a_number_is_null)
{
  rg_json_open(json, NULL, '[');
  rg_json_number(json, NULL, NAN);
  rg_json_number(json, NULL, -INFINITY);
  rg_json_close(json);
  cr_assert_str_eq(rg_json_string(json), "[null,null]");
}

Test(json, text_is_escaped_and_always_utf8)
{
  rg_json_open(json, NULL, '[');
  rg_json_text(json, NULL, "a\"b\\c\n\x01\x7f µ€𝄞");
  rg_json_text(json, NULL, "\xff|\xc0\xaf|\xed\xa0\x80|\xe2\x82|\xf4\x90\x80\x80");
  rg_json_close(json);
  cr_assert_str_eq(rg_json_string(json),
                   "[\"a\\\"b\\\\c\\u000a\\u0001\\u007f µ€𝄞\","
                   "\"\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd|"
                   "\\ufffd\\ufffd\\ufffd\\ufffd\"]");
}

Test(json, a_key_in_an_array_is_a_bug, .signal = SIGABRT)
{
  rg_json_open(json, NULL, '[');
  rg_json_integer(json, "key", 1);
}

Test(json, closing_too_much_is_a_bug, .signal = SIGABRT)
{
  rg_json_close(json);
}

Test(must_fail, json)
{
  rg_json *other = rg_json_new();
  cr_assert_str_eq(rg_json_string(other), "null");
}
