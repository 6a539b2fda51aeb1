/*
 * reason - why a peer was refused or closed (table reason.def).  One value is
 * the status the client gets, the field of the log event and the counter.
 */
#ifndef COMMON_REASON_H
#define COMMON_REASON_H

#define REASON(id, name, code, text) REASON_##id,
enum reason {
#include "common/reason.def"
	REASON_COUNT
};
#undef REASON

/* Stable name ("handshake-timeout"); "invalid" for a value out of range. */
const char *reason_name(enum reason r);
/* Status code for the client, "" where the protocol has none. */
const char *reason_status(enum reason r);
/* One line for people. */
const char *reason_text(enum reason r);

#endif
