/*
 * json - what the engine writes as JSON is not quite JSON: its strings are of
 * 16-bit units, each as up to three bytes, and may hold half a character.
 * Context: sluice-script; no allocation.
 */
#ifndef SCRIPT_JSON_H
#define SCRIPT_JSON_H

#include <stddef.h>

/*
 * Copy len bytes of JSON text as ASCII: \uXXXX for the rest, what is no
 * character becomes U+FFFD.
 * Returns	bytes written, or 0: they do not fit in cap
 */
size_t json_ascii(char *to, size_t cap, const char *from, size_t len);

/* Text as a JSON string with its quotes, cut off where cap is reached.  Safe in
 * a signal handler.  Returns bytes written, without a NUL. */
size_t json_quote(char *to, size_t cap, const char *text);

#endif
