/*
 * republish - targets that are declared: Republish/Target of Application.xml, and
 * what an operator adds while the server runs.  Each live stream that a rule is for
 * is an order (targets.h) that is kept for ever.
 *
 *	a stream begins		an order for each rule that is for it
 *	a rule comes		an order for each live stream that it is for
 *	a rule goes		its orders are taken back, with a goodbye
 *	republish_reload()	rules of the files as they are now: those that are
 *				the same go on untouched, if only buffer is another
 *				one its orders learn that
 *
 * What cannot even begin (a keyfile that is not there) is tried again after 10 s.
 * Nothing else of the server is touched; rules that were added stay until they are
 * removed, or the server ends.
 * Context: the main thread.
 */
#ifndef MASTER_REPUBLISH_H
#define MASTER_REPUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/conf.h"
#include "common/ipc.h"

struct master;
struct republish;
struct target;
struct rule;

/* A stream that a rule sends. */
struct sent {
	TAILQ_ENTRY(sent) next;
	struct rule *rule;
	struct target *target; /* NULL: it could not begin, or is over */
	uint64_t since_ns, retry_ns;
	struct ipc_pushed seen;
	size_t keylen;
	char key[IPC_KEY_MAX];
};

struct rule {
	TAILQ_ENTRY(rule) next;
	uint32_t id; /* never used again */
	bool added;  /* by an operator */
	bool again;  /* republish_reload(): it is still in the file */
	char vhost[CONF_NAME];
	struct conf_target what; /* its vhost is not used */
	TAILQ_HEAD(, sent) sent;
};

/* NULL: no memory.  Context: start. */
struct republish *republish_new(void);
void republish_free(struct republish *s);

/* Take the rules of c, as if it were reloaded.  Returns how many there are. */
unsigned republish_take(struct master *m, const struct conf *c);

/*
 * Read the configuration again, and take the rules of it.
 * Returns 0, or -1 with what is wrong in err; nothing is changed then
 */
int republish_reload(struct master *m, char *err, size_t errlen);

/*
 * Add a rule, which was checked, of a virtual host.
 * Returns it, or NULL: no memory, or there are CONF_TARGETS_MAX
 */
const struct rule *republish_add(
    struct master *m, const char *vhost, const struct conf_target *what);

/* Returns false: there is none of that id. */
bool republish_remove(struct master *m, uint32_t id);

/* A stream is live. */
void republish_stream(struct master *m, const char *key, size_t keylen);

/* What is to be tried again.  Returns when to be called again (ns). */
uint64_t republish_tick(struct master *m, uint64_t now_ns);

/* The rules, in their order: NULL, the first; NULL behind the last. */
const struct rule *republish_next(
    const struct republish *s, const struct rule *r);

#endif
