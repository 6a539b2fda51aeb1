/*
 * auth - may this client publish, or play, this stream?  A pure function of the
 * application's rules, the keys, what the client showed, its address and the
 * time.
 *
 *	1  its address is in Deny		no
 *	2  its address is in Allow		yes, without a key
 *	3  it shows a key or a token that is
 *	   good for the stream			yes
 *	4  else					no
 *
 * Context: the main thread of the master.
 */
#ifndef MASTER_AUTH_H
#define MASTER_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/reason.h"
#include "common/token.h"
#include "master/keys.h"

/* Of an application, for one use. */
struct auth_rules {
	const char *allow, *deny; /* lists of common/cidr.h */
	bool by_key;		  /* it has a key file */
	const struct keys *keys;  /* of that; NULL: there is none now */
};

struct auth_ask {
	struct token_scope what;
	const char *query; /* "key=...", "token=...", with & between */
	size_t querylen;
	const struct addr *addr; /* NULL: unknown */
	bool local;		 /* one of this machine's own */
	uint64_t now;		 /* s since 1970 */
};

/* What decided. */
enum auth_by {
	AUTH_BY_DENY,
	AUTH_BY_ALLOW,
	AUTH_BY_KEY,
	AUTH_BY_TOKEN,
	AUTH_BY_NOTHING
};

struct auth_answer {
	enum reason why; /* REASON_NONE: yes */
	enum auth_by by;
	int line;	  /* in the key file, 0: none */
	uint64_t expires; /* of a token that was signed here, 0: none */
};

struct auth_answer auth_decide(
    const struct auth_rules *r, const struct auth_ask *a);

/* Judge a token alone.  .by is AUTH_BY_TOKEN. */
struct auth_answer auth_check_token(const struct keys *k,
    const struct auth_ask *a, const char *text, size_t len);

const char *auth_by_name(enum auth_by by);

#endif
