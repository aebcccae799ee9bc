# python_with MODULES: sets $python to the first of $PYTHON, python3 and /usr/bin/python3
# that imports them (commas between); fails when none does.
python_with() {
  for python in "${PYTHON:-python3}" /usr/bin/python3; do
    "$python" -c "import $1" 2>/dev/null && return 0
  done
  python=
  return 1
}
