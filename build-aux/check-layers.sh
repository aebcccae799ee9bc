#!/bin/sh
# check-layers.sh ROOT: does every #include under ROOT/src and ROOT/include respect
# build-aux/layers.txt? Prints what does not; exit status 1 when there is any.
# A file may include private headers of its own module, and of those listed so.
rules=$(cd "${0%/*}" && pwd)/layers.txt
cd "${1:-.}" || exit 2
find src include/regatta -name '*.[ch]' | LC_ALL=C sort |
  xargs grep -nE '^[[:space:]]*#[[:space:]]*include' /dev/null |
  ${AWK:-awk} -v rules="$rules" '
    BEGIN {
      while ((getline line < rules) > 0) {
        if (line ~ /^#/ || line !~ /:/)
          continue
        name = line
        sub(/:.*/, "", name)
        sub(/^[^:]*:/, "", line)
        allowed[name] = " " line " "
      }
    }
    function module_of(path) {
      sub(/^include\/regatta\//, "", path)
      sub(/^src\//, "", path)
      sub(/[\/.].*/, "", path)
      return path
    }
    function lists(text, word) {
      return index(" " text " ", " " word " ") > 0 || index(text, " * ") > 0
    }
    function refuse(why) {
      print place ": " why
      bad = 1
    }
    {
      split($0, part, ":")
      file = part[1]
      place = file ":" part[2]
      me = module_of(file)
      what = $0
      sub(/^[^<"]*/, "", what)
      sub(/[>"][^>"]*$/, "", what)
      kind = substr(what, 1, 1)
      what = substr(what, 2)
      if (!(me in allowed) && file ~ /^src\/[^\/]*\//)
        refuse("module " me " is not in layers.txt")
      if (kind == "<") {
        folder = what
        sub(/\/.*/, "/", folder)
        rule = ("<" what ">") in allowed ? "<" what ">" : "<" folder ">"
        inside = file
        sub(/^src\//, "", inside)
        if (rule in allowed && !lists(allowed[rule], me) && !lists(allowed[rule], inside))
          refuse("<" what "> is not for " me)
      } else if (what ~ /^regatta\//) {
        other = what
        sub(/^regatta\//, "", other)
        sub(/\.h$/, "", other)
        if (other != me && !lists(allowed[me], other))
          refuse(me " must not know " other)
      } else if (what ~ /\//) {
        owner = module_of(what)
        if (owner != me && !lists(allowed[me ", private"], owner))
          refuse("private header " what " of another module")
      }
    }
    END { exit bad }'
