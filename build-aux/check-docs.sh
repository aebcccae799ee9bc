#!/bin/sh
# check-docs.sh ROOT: every function declared in ROOT/include/regatta says whether it is
# collective, in the comment above it (or above the functions it stands with), beside it,
# or for the whole header ("Nothing here is collective").
cd "${1:-.}" || exit 2
bad=0
for header in include/regatta/*.h; do
  tr -s ' *\n' ' ' <"$header" | grep -q 'Nothing here is collective' && continue
  ${AWK:-awk} '
    function words(text) { return tolower(text) ~ /collective/ }
    /^[[:space:]]*$/ { said = 0 }
    /^\/\*\*/ { said = 0; in_doc = 1 }
    in_doc && words($0) { said = 1 }
    in_doc { if (/\*\//) in_doc = 0; next }
    /^#|^typedef|^struct|^enum|^static inline|^}/ { next }
    # a prototype starts in the first column and ends with ");"
    /^[a-z].*\(/ && !/^extern const/ { prototype = 1; line = FNR; name = $0; here = 0 }
    prototype {
      if (words($0)) here = 1
      if (/;/) {
        prototype = 0
        if (!said && !here) {
          print FILENAME ":" line ": not said whether collective: " name
          bad = 1
        }
      }
    }
    END { exit bad }' "$header" || bad=1
done
exit $bad
