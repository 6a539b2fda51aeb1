/* torture_worker - one worker's loop: see torture.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/wake.h"
#include "torture.h"

static bool
take_messages(struct worker *w, struct publisher *pub)
{
	struct tmsg m;
	for (;;) {
		ssize_t n = recv(w->sock, &m, sizeof m, MSG_DONTWAIT);
		if (n == sizeof m)
			publisher_take(pub, &m);
		else
			return n != 0;
	}
}

/* R1-R3: take all hints; every player is looked at anyway. */
static void
take_hints(struct worker *w)
{
	uint64_t n;
	(void)!read(w->t->efd[w->self], &n, sizeof n);
	wake_awake(w->a, w->self);
	uint64_t words = wake_take_sum(w->a, w->self);
	for (unsigned i = 0; i < BLOCK_WORDS; i++)
		if (words >> i & 1)
			wake_take_word(w->a, w->self, i);
}

static void
wait_for_news(struct worker *w, bool soon)
{
	struct pollfd fds[2] = {
		{ .fd = w->t->efd[w->self], .events = POLLIN },
		{ .fd = w->sock, .events = POLLIN },
	};
	if (!wake_may_sleep(w->a, w->self))
		return;
	add(&w->score->sleeps, 1);
	/* no bound but for the pace of publishing: a lost wake-up must show */
	poll(fds, 2, soon ? (int)chance(&w->rng, 3) : -1);
	wake_awake(w->a, w->self);
}

void
worker_run(struct worker *w)
{
	bool producer = w->self < PUBLISHERS;
	struct publisher *pub = producer ? publisher_new(w) : NULL;
	struct audience *au = audience_new(w);
	for (;;) {
		uint32_t stop =
		    atomic_load_explicit(&w->t->stop, memory_order_acquire);
		take_hints(w);
		if (stop == 2 || !take_messages(w, pub))
			break;
		bool soon = producer && publisher_pass(pub, stop != 0);
		bool more = audience_pass(au);
		if (!more)
			wait_for_news(w, soon);
	}
	publisher_free(pub);
	audience_free(au);
}
