#include "config.h"
#include "common/reason.h"

static const struct {
	const char *name, *status, *text;
} table[] = {
#define REASON(id, name, code, text) { name, code, text },
#include "common/reason.def"
#undef REASON
};

const char *
reason_name(enum reason r)
{
	return (unsigned)r < REASON_COUNT ? table[r].name : "invalid";
}

const char *
reason_status(enum reason r)
{
	return (unsigned)r < REASON_COUNT ? table[r].status : "";
}

const char *
reason_text(enum reason r)
{
	return (unsigned)r < REASON_COUNT ? table[r].text : "invalid reason";
}
