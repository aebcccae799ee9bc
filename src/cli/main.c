/* The program: finds the command in the table and runs it. */
#include "config.h"

#include <stdio.h>

int main(void)
{
  printf("%s\n", PACKAGE_STRING);
  return 0;
}
