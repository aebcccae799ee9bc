/** What this program was built from. */
#ifndef RG_CLI_BUILD_H
#define RG_CLI_BUILD_H

#include "config.h"
#include "src/cli/commit.h"

#ifdef __clang__
#define RG_COMPILER __VERSION__
#else
#define RG_COMPILER "gcc " __VERSION__
#endif

#endif
