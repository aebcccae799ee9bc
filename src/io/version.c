/* The HDF5 library behind. */

#include "regatta/io.h"

#include <hdf5.h>

const char *rg_hdf5_version(void)
{
  static char text[64];
  unsigned major = 0, minor = 0, patch = 0;
  H5get_libversion(&major, &minor, &patch);
  snprintf(text, sizeof text, "%u.%u.%u, parallel", major, minor, patch);
  return text;
}
