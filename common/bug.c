#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/bug.h"

void
bug_abort(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: bug: %s\n", file, line, what);
	abort();
}
