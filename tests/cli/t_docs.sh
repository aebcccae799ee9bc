#!/bin/sh
# The site builds without a warning, its links lead somewhere, its words are words, and the
# reference names everything that is registered. That the checkers notice is checked first.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
check=$top_srcdir/tests/cli/docs_text.py

# spelt PAGES-ROOT: unknown words, one a line
spelt() {
  "$python" "$check" words "$1" | LC_ALL=C.UTF-8 hunspell -l -d en_US | sort -fu |
    grep -vixFf "$top_srcdir/docs/spelling.txt"
}

python_with re || {
  skip "links, words and site" "there is no Python"
  finish
}
mkdir -p "$scratch/wrong/docs"
cat >"$scratch/wrong/docs/a.md" <<'END'
# A title

[no file](b.md), [no heading](a.md#another), [no address](http://no), `src/no/file.c`,
[good](a.md#a-title), [good](https://example.org/a), a speling mistake

| one | two |
|---|---|
| a | b | c |
END
"$python" "$check" links "$scratch/wrong" >"$scratch/out"
same "$?:$(cut -d: -f3 "$scratch/out" | tr '\n' ,)" \
  "1: a row of another width, b.md is not there, a.md#another has no such heading, http, src/no/file.c is not there," \
  "wrong links are noticed"
"$python" "$check" links "$top_srcdir" >"$scratch/out"
ok $? "links of the pages lead somewhere"
sed 's/^/# /' "$scratch/out"

"$regatta" list losses --as json | "$python" "$check" losses "$top_srcdir" >"$scratch/out"
ok $? "every loss has a page with its options and the recipes that use it"
sed 's/^/# /' "$scratch/out"
"$regatta" list losses --as json | sed 's/"nb"/"none"/; s/"one_weight"/"two"/' |
  "$python" "$check" losses "$top_srcdir" >"$scratch/out"
same "$(cut -d: -f1 "$scratch/out" | tr '\n' ' ')" "bernoulli none " \
  "a loss without a page and an option that no page names are noticed"

if command -v hunspell >/dev/null && echo word | hunspell -l -d en_US >/dev/null 2>&1; then
  same "$(spelt "$scratch/wrong")" "speling" "a wrong word is noticed"
  spelt "$top_srcdir" >"$scratch/out"
  test ! -s "$scratch/out"
  ok $? "words of the pages are known, or in docs/spelling.txt"
  sed 's/^/# /' "$scratch/out"
else
  skip "words of the pages" "hunspell or its English dictionary is not installed"
fi

sh "$top_srcdir/docs/build.sh" "$top_srcdir" "$scratch/site" "$regatta" test \
  >"$scratch/out" 2>&1
status=$?
if grep -q '^html: not built' "$scratch/out"; then
  skip "the site" "$(sed 's/^html: not built: //' "$scratch/out")"
  finish
fi
ok $status "the site builds without a warning"
test $status = 0 || sed 's/^/# /' "$scratch/out"
html=$scratch/site/html
missing=$(for kind in commands configuration recipes losses operations metrics files \
  variables codes; do
  "$regatta" list $kind --as json | "$python" -c "import html, json, re, sys
pages = {'variables': 'environment', 'codes': 'environment'}
with open(sys.argv[1] + '/reference/' + pages.get(sys.argv[2], sys.argv[2]) + '.html') as f:
  page = html.unescape(re.sub('<[^>]+>', '', f.read()))
for item in json.load(sys.stdin):
  names = [o['name'] for o in item['options']]
  names += [p for place in item.get('places', []) for p in place['path'].split(', ')]
  for name in [item['name'], *names]:
    if not any(re.search(r'(?<!\w)' + re.escape(n) + r'(?!\w)', page)
               for n in (name, name.replace('_', '-'))):
      print(sys.argv[2] + ':' + name)" "$html" $kind
done)
same "$missing" "" "all that is registered, and its options, are in the reference"
cp -R "$top_srcdir/docs" "$scratch/docs" && chmod -R u+w "$scratch/docs" &&
  mkdir "$scratch/tests" "$scratch/build-aux" && cp "$top_srcdir/build-aux/mpi-env.sh" \
  "$scratch/build-aux" && mkdir "$scratch/tests/cli" &&
  cp "$top_srcdir/tests/cli/python.sh" "$scratch/tests/cli"
echo '# A page in no index' >"$scratch/docs/guide/lost.md"
sh "$scratch/docs/build.sh" "$scratch" "$scratch/site" "$regatta" test >"$scratch/out" 2>&1
test $? != 0 && grep -q 'lost.md.*toctree' "$scratch/out"
ok $? "a page that no index names is noticed"
finish
