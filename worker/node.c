#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/node.h"

enum { ID = NODE_TEXT - 1, STEP = ID + 1 };

void
node_print(const struct worker *w, char text[NODE_TEXT])
{
	snprintf(text, NODE_TEXT, "%016" PRIx64, w->arena.control->node);
}

static bool
is_id(const char *p)
{
	for (unsigned i = 0; i < ID; i++)
		if (!(p[i] >= '0' && p[i] <= '9') &&
		    !(p[i] >= 'a' && p[i] <= 'f'))
			return false;
	return true;
}

enum reason
node_check_via(const struct worker *w, struct span via, double hops)
{
	char me[NODE_TEXT];
	node_print(w, me);
	/* what is no number fails too */
	if (!(hops >= 0 && hops < NODE_HOPS_MAX))
		return REASON_HOP_LIMIT;
	if (via.len == 0)
		return REASON_NONE;
	/* what is no such list comes from nobody that is like us */
	if ((via.len + 1) % STEP != 0 || via.len > IPC_VIA_MAX)
		return REASON_HOP_LIMIT;
	for (size_t i = 0; i < via.len; i += STEP) {
		if (!is_id(via.p + i) ||
		    (i + ID < via.len && via.p[i + ID] != ','))
			return REASON_HOP_LIMIT;
		if (memcmp(via.p + i, me, ID) == 0)
			return REASON_LOOP;
	}
	return REASON_NONE;
}

size_t
node_extend_via(
    const struct worker *w, struct span via, char to[IPC_VIA_MAX + 1])
{
	char me[NODE_TEXT];
	node_print(w, me);
	while (via.len + STEP > IPC_VIA_MAX) {
		via.p += STEP;
		via.len -= STEP;
	}
	return (size_t)snprintf(to, IPC_VIA_MAX + 1, "%.*s%s%s", (int)via.len,
	    via.len > 0 ? via.p : "", via.len > 0 ? "," : "", me);
}
