#include "config.h"

#include <stdio.h>

#include "common/counters.h"

static const struct {
	const char *name, *text;
} table[] = {
#define COUNTER(id, name, text) { name, text },
#include "common/counters.def"
#undef COUNTER
};

const char *
counter_name(unsigned c, char buf[64])
{
	if (c < COUNTER_REASONS)
		snprintf(buf, 64, "%s", table[c].name);
	else
		snprintf(buf, 64, "closed.%s",
		    reason_name((enum reason)(c - COUNTER_REASONS)));
	return buf;
}

const char *
counter_text(unsigned c)
{
	if (c < COUNTER_REASONS)
		return table[c].text;
	return reason_text((enum reason)(c - COUNTER_REASONS));
}
