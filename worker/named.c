#include "config.h"

#include <string.h>

#include "worker/named.h"

static void
add(struct named *s, const char *hop, unsigned max)
{
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->hop[i], hop) == 0)
			return;
	if (s->n < max)
		s->hop[s->n++] = hop;
}

void
named_add_hop(struct named *s, const struct conf_vhost *v, const char *hop)
{
	if (v->explicit_hosts[0] == '\0')
		add(s, hop, NAMED_MAX);
}

void
named_add(struct named *s, const struct conf_vhost *v, const struct way *ways,
    unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (ways[i].judge)
			named_add_hop(s, v, ways[i].hop);
}

bool
named_admit(struct worker *w, const struct conf_vhost *v,
    const struct way *ways, unsigned n)
{
	struct named s = { .n = 0 };
	if (v->explicit_hosts[0] != '\0')
		return true;
	pull_named(w, &s);
	push_named(w, &s);
	uplink_named(w, &s);
	unsigned before = s.n;
	for (unsigned i = 0; i < n; i++)
		if (ways[i].judge)
			add(&s, ways[i].hop, NAMED_MAX + WAYS_MAX);
	return s.n == before || s.n <= NAMED_MAX;
}
