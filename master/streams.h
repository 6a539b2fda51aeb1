/*
 * streams - the master's side of every publish: who may, grants, takeovers,
 * ends, and freeing in a dead owner's place.  Only here are state_gen and the
 * directory written (architecture of the end of a stream: doc/design.md;
 * models m3 and m4).
 *
 *	PUBLISH, name free	-> GRANT, or REFUSE by limit
 *	PUBLISH, name taken	-> ASK its worker; the newcomer waits
 *	  UNPUBLISH, death of the owner	-> GRANT to the newcomer
 *	  KEEP, time-out		-> REFUSE name-taken
 *	  death of the newcomer		-> nobody waits
 *	  a second newcomer		-> REFUSE name-taken
 *	PUBLISH of a pull, name free	-> GRANT, or REFUSE by limit; no key is asked
 *	  name taken by a client	-> REFUSE name-taken, and so for a client
 *					   when a pull has it
 *	  by an older, dropped pull	-> it waits for the end of that, as above
 *	  the pull is over		-> REFUSE upstream-idle
 *	PLAY			-> ADMIT, or REFUSE (auth_run.h, as for PUBLISH)
 *	PUBLISH, PLAY that auth_run.h lets through, with a callback
 *				-> asked (streams_gate()), then as above
 *	UNPUBLISH, death	-> ENDED; freed by the owner (FREED) or, for a
 *				   dead one, by streams_tick()
 *
 * Called by supervise.c and run.c, in the main thread.
 */
#ifndef MASTER_STREAMS_H
#define MASTER_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cursor.h"
#include "common/ipc.h"
#include "common/reason.h"

struct master;
struct streams;

/* Room for every block.  NULL: out of memory.  Context: start. */
struct streams *streams_new(uint32_t nblocks);
void streams_free(struct streams *s);

/*
 * Handle PUBLISH, PLAY, UNPUBLISH, FREED or KEEP of the worker of a slot.
 * Returns 0, or -EPROTO: malformed, the caller kills the worker.
 */
int streams_message(struct master *m, unsigned slot, const struct ipc_msg *msg);

/*
 * The worker (slot, incarnation) is dead: end its streams, wake everybody,
 * settle pending takeovers.  Context: after the slot's section counter,
 * interest bits and asleep were set back, before a successor is forked.
 */
void streams_owner_died(struct master *m, unsigned slot, uint64_t incarnation);

/*
 * Time-outs of takeovers, steps of freeing.
 * Returns when it wants to be called again (ns), UINT64_MAX: not before a
 * message.
 */
uint64_t streams_tick(struct master *m, uint64_t now_ns);

/*
 * A stream is live, or is not any more.
 * key		vhost NUL app NUL instance NUL stream, keylen bytes
 * client	its publisher
 * why		it is not: streams_is_goodbye(); else REASON_NONE
 */
typedef void streams_live_fn(struct master *m, bool live, const char *key,
    size_t keylen, uint64_t client, enum reason why);

/* Is that the end of a stream, or may its publisher come back at once? */
bool streams_is_goodbye(enum reason why);

/*
 * May a client publish that name?  Asked when all else is in order.
 * Returns REASON_NONE, or why not; text (IPC_TEXT_MAX bytes, "" before) for the
 * client
 */
typedef enum reason streams_veto_fn(
    struct master *m, const char *key, size_t keylen, char *text);

/*
 * Have them called from now on; before that nobody is.  Either may be NULL.
 * Context: start.
 */
void streams_watch(
    struct streams *s, streams_live_fn *fn, streams_veto_fn *veto);

/*
 * Take the stream of that name away from its publisher, who is told why.  Its
 * end comes later.
 * Returns 0, -ENOENT: no client publishes it here, or another -errno
 */
int streams_end(struct master *m, const char *key, size_t keylen,
    enum reason why, const char *text);

/* Call fn for every stream that is live. */
typedef void streams_each_fn(struct master *m, void *arg, const char *key,
    size_t keylen, uint64_t client);
void streams_each_live(struct master *m, streams_each_fn *fn, void *arg);

/*
 * A second name for a live stream: `to` points to the ring of `from`, which
 * costs nothing else.  It ends with the stream, or by streams_unalias().
 * Returns	0, 1 (it is that already), or
 *		-ENOENT	from is not live
 *		-EEXIST	to is live, as something else
 *		-ENOSPC	no name is left
 *		-ENOMEM
 * Context	the watch is told of `to`, when it begins and when it ends
 */
int streams_alias(struct master *m, const char *from, size_t fromlen,
    const char *to, size_t tolen);
void streams_unalias(struct master *m, const char *key, size_t keylen);

/* Is key live here: published, or a second name?  What is fetched does not count. */
bool streams_is_live(const struct master *m, const char *key, size_t keylen);

/*
 * Servers that the live stream of that key came through, as node ids (via.h), and
 * how many one behind the other; valid until it ends.
 */
struct span streams_via(
    const struct master *m, const char *key, size_t keylen, uint32_t *hops);

/* Live streams now. */
uint32_t streams_live(const struct streams *s);

/*
 * Somebody else is asked, too, whether a client may publish or play.
 *
 * ask		about msg, PUBLISH or PLAY, which is wiped afterwards.  True:
 *		streams_answer() is called with the same msg, at once or later; false:
 *		nobody has to be asked
 * begun	what p asked for, by a request of the worker of a slot, is granted
 * refused	a publish that was answered with REASON_NONE is not granted after all
 */
struct streams_gate {
	bool (*ask)(struct master *m, unsigned slot, const struct ipc_msg *msg);
	void (*begun)(struct master *m, unsigned slot, uint64_t request,
	    bool playing, const struct ipc_publish *p);
	void (*refused)(struct master *m, unsigned slot, uint64_t request);
};

/* gate outlives s.  Context: start. */
void streams_gate(struct streams *s, const struct streams_gate *gate);

/*
 * What ask() has found out: REASON_NONE, or why it may not, with words for the client
 * ("": those of the reason).
 * name		of the stream from now on, "": its own
 * Context	the worker that has asked lives
 */
void streams_answer(struct master *m, unsigned slot, const struct ipc_msg *msg,
    enum reason why, const char *text, const char *name);

#endif
