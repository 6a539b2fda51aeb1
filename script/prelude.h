/*
 * prelude - the text of prelude.js; prelude.c is made of it by the build.
 */
#ifndef SCRIPT_PRELUDE_H
#define SCRIPT_PRELUDE_H

#include <stddef.h>

extern const char prelude_text[];
extern const size_t prelude_len;

#endif
