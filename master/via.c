#include "config.h"

#include <errno.h>
#include <string.h>

#include "master/via.h"

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c | 0x20) : NULL;
	return p ? (int)(p - digits) : -1;
}

static int
parse_id(const char *text, uint64_t *id)
{
	*id = 0;
	for (unsigned i = 0; i < VIA_DIGITS; i++) {
		int d = digit(text[i]);
		if (d < 0)
			return -EPROTO;
		*id = *id << 4 | (uint64_t)d;
	}
	return 0;
}

int
via_parse(const char *text, size_t len, uint64_t id[VIA_MAX])
{
	int n = 0;
	if (len == 0)
		return 0;
	/* a comma behind each, but the last */
	if ((len + 1) % (VIA_DIGITS + 1) != 0 ||
	    (len + 1) / (VIA_DIGITS + 1) > VIA_MAX)
		return -EPROTO;
	for (size_t i = 0; i < len; i += VIA_DIGITS + 1) {
		if (i > 0 && text[i - 1] != ',')
			return -EPROTO;
		if (parse_id(text + i, &id[n++]) != 0)
			return -EPROTO;
	}
	return n;
}

void
via_leave(struct via *v, unsigned slot)
{
	unsigned n = 0;
	for (unsigned i = 0; i < v->n; i++) {
		uint64_t slots = v->slots[i] & ~(UINT64_C(1) << slot);
		if (slots == 0)
			continue;
		v->id[n] = v->id[i];
		v->slots[n++] = slots;
	}
	v->n = n;
}

static unsigned
index_of(const struct via *v, uint64_t id)
{
	unsigned i = 0;
	while (i < v->n && v->id[i] != id)
		i++;
	return i;
}

bool
via_add(struct via *v, unsigned slot, const uint64_t *id, unsigned n)
{
	bool grown = false;
	for (unsigned k = 0; k < n; k++) {
		unsigned i = index_of(v, id[k]);
		if (i == VIA_MAX)
			continue;
		if (i == v->n) {
			v->id[v->n++] = id[k];
			v->slots[i] = 0;
			grown = true;
		}
		v->slots[i] |= UINT64_C(1) << slot;
	}
	return grown;
}

size_t
via_print(const struct via *v, char text[IPC_VIA_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t o = 0;
	for (unsigned i = 0; i < v->n; i++) {
		if (i > 0)
			text[o++] = ',';
		for (unsigned k = 0; k < VIA_DIGITS; k++)
			text[o++] = digits[v->id[i] >> (60 - 4 * k) & 15];
	}
	return o;
}
