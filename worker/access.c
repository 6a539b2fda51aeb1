#include "config.h"

#include "worker/access.h"

static struct span
without_slashes(struct span s)
{
	while (s.len > 0 && s.p[0] == '/')
		s = span_skip(s, 1);
	while (s.len > 0 && s.p[s.len - 1] == '/')
		s.len--;
	return s;
}

/* Names may begin with a type: mp4:dir/name. */
static struct span
without_type(struct span name)
{
	size_t n = span_find(name, ':');
	return n < name.len && n == 3 ? span_skip(name, n + 1) : name;
}

static bool
is_in(struct span dir, struct span name)
{
	bool whole = dir.len > 0; /* not "" but "/" */
	dir = without_slashes(dir);
	if (dir.len == 0)
		return whole;
	return name.len >= dir.len &&
	       span_equal(span_head(name, dir.len), dir) &&
	       (name.len == dir.len || name.p[dir.len] == '/');
}

bool
access_has(struct span dirs, struct span name)
{
	name = without_slashes(without_type(name));
	for (;;) {
		size_t n = span_find(dirs, ';');
		struct span dir = span_head(dirs, n);
		while (dir.len > 0 && dir.p[0] == ' ')
			dir = span_skip(dir, 1);
		while (dir.len > 0 && dir.p[dir.len - 1] == ' ')
			dir.len--;
		if (is_in(dir, name))
			return true;
		if (n == dirs.len)
			return false;
		dirs = span_skip(dirs, n + 1);
	}
}

bool
access_may(struct span access, bool publish, struct span name)
{
	size_t n = span_find(access, '\0');
	if (access.p == NULL)
		return true;
	return access_has(
	    publish ? span_skip(access, n + 1) : span_head(access, n), name);
}
