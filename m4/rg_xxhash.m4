# RG_XXHASH: xxhash, checksums; used as a header.
AC_DEFUN([RG_XXHASH], [RG_LIBRARY([XXHASH], [libxxhash], [xxhash], [libxxhash-dev])])
