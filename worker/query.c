#include "config.h"

#include <string.h>

#include "worker/query.h"

static bool
is_kept(struct span s)
{
	static const char *const names[] = { "key=", "token=" };
	for (unsigned i = 0; i < 2; i++) {
		size_t n = strlen(names[i]);
		if (s.len > n && memcmp(s.p, names[i], n) == 0)
			return true;
	}
	return false;
}

bool
query_keep(struct span q, char *out, size_t cap, size_t *len)
{
	size_t at = *len;
	while (q.len > 0) {
		size_t n = span_find(q, '&');
		struct span one = span_head(q, n);
		q = span_skip(q, n < q.len ? n + 1 : n);
		if (!is_kept(one))
			continue;
		if (one.len + (at > 0) > cap - at)
			return false;
		if (at > 0)
			out[at++] = '&';
		memcpy(out + at, one.p, one.len);
		at += one.len;
	}
	*len = at;
	return true;
}
