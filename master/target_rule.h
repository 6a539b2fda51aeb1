/*
 * target_rule - a Republish/Target, as text: is it good, which streams is it for,
 * where does it send them?
 *
 *	url, stream	${stream}, ${app}, ${instance}: of the stream; ${key}: the
 *			first line of keyfile
 *	if		names of streams with * for any text, commas between; one with
 *			a slash is INSTANCE/STREAM.  Empty: all of the application
 *	stream		empty: ${key} if there is a keyfile and url has none, else
 *			${stream}
 *
 * The scheme, host and port of url are as they stand there: no publisher chooses
 * where this server connects to.  In url what a name has of blanks, control bytes
 * and ? & # % is written as %XX.
 * Pure but for target_rule_key().
 */
#ifndef MASTER_TARGET_RULE_H
#define MASTER_TARGET_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/conf.h"
#include "common/cursor.h"

enum { TARGET_KEY_MAX = 256, TARGET_BUFFER_MS = 2000 };

/* What takes the place of ${stream} and so on. */
struct target_facts {
	struct span app, instance, stream;
	struct span key; /* p NULL: ${key} stays as it is, for people */
};

/* NULL, or what is wrong with it: "url: expected ...". */
const char *target_rule_check(const struct conf_target *r);

/* Is it for that stream of its application? */
bool target_rule_is_for(
    const struct conf_target *r, struct span instance, struct span stream);

/* Does it need its keyfile? */
bool target_rule_has_key(const struct conf_target *r);

/*
 * Where r sends it; NUL-ended.
 * Returns false: longer than the buffers
 */
bool target_rule_url(const struct conf_target *r, const struct target_facts *f,
    char *out, size_t cap);
bool target_rule_name(const struct conf_target *r, const struct target_facts *f,
    char *out, size_t cap);

/*
 * The first line of its keyfile, without blanks around it; NUL-ended.
 * Returns NULL, or why it cannot be had
 */
const char *target_rule_key(
    const struct conf_target *r, char key[TARGET_KEY_MAX]);

/* Seconds, as "2" or "0.5", to ms within PUSH_LAG_MIN and MAX.  False: none. */
bool target_rule_buffer(const char *text, uint32_t *ms);

#endif
