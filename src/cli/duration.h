/** duration: seconds as people read them. */
#ifndef RG_CLI_DURATION_H
#define RG_CLI_DURATION_H

enum { RG_DURATION = 24 };
/** "0.12 s", "34 s", "5:06", "1:02:03", "3 d 4 h". Not collective. */
const char *rg_duration(double seconds, char text[RG_DURATION]);

#endif
