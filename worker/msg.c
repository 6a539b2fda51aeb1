#include "config.h"

#include <string.h>

#include "common/bug.h"
#include "worker/msg.h"

enum { FIRST_DATA = 256 };

static struct msg *
get(struct worker *w, uint32_t data, const struct publish *pub)
{
	size_t cap = bufpool_round(sizeof(struct msg) + data);
	struct msg *m = cap == 0      ? NULL
			: pub != NULL ? bufpool_get(&w->pool, cap)
				      : bufpool_get_new(&w->pool, cap);
	if (m == NULL)
		return NULL;
	m->cap = (uint32_t)cap;
	return m;
}

struct msg *
msg_new(struct worker *w, uint32_t len, struct publish *pub, uint32_t *account)
{
	struct msg *m = get(w, len < FIRST_DATA ? len : FIRST_DATA, pub);
	if (m == NULL)
		return NULL;
	uint32_t cap = m->cap;
	memset(m, 0, sizeof *m);
	m->cap = cap;
	m->len = len;
	m->pub = pub;
	*account += cap;
	return m;
}

void
msg_free(struct worker *w, struct msg *m, uint32_t *account)
{
	if (m->spill != NULL) {
		*account -= (uint32_t)bufpool_round(m->len);
		bufpool_put(&w->pool, m->spill, m->len);
	}
	*account -= m->cap;
	bufpool_put(&w->pool, m, m->cap);
}

bool
msg_reserve(struct worker *w, struct msg **mp, uint32_t want, uint32_t *account,
    uint32_t limit)
{
	struct msg *m = *mp;
	bug_on(want > m->len);
	if (sizeof *m + want <= m->cap)
		return true;
	struct msg *bigger = get(w, want, m->pub);
	if (bigger == NULL)
		return false;
	uint32_t cap = bigger->cap;
	if (*account - m->cap + cap > limit) {
		bufpool_put(&w->pool, bigger, cap);
		return false;
	}
	memcpy(bigger, m, sizeof *m + (m->in_ring ? 0 : m->got));
	bigger->cap = cap;
	*account += cap;
	msg_free(w, m, account);
	*mp = bigger;
	return true;
}

bool
msg_append(struct worker *w, struct msg **mp, const void *p, uint32_t n,
    uint32_t *account, uint32_t limit)
{
	if (!msg_reserve(w, mp, (*mp)->got + n, account, limit))
		return false;
	memcpy((*mp)->data + (*mp)->got, p, n);
	(*mp)->got += n;
	return true;
}
