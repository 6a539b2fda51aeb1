/*
 * scan - where the statements at top level of a script begin and end, so that
 * the loader can run them one by one and leave out one that fails.
 *
 * It knows the lexical grammar of ECMAScript (strings, templates, comments,
 * regular expressions, brackets, line ends that end a statement) and as much of
 * the statements as it takes to find their ends; whether they are right is the
 * compiler's business.  What makes no sense (a bracket that closes nothing, a
 * string without end) becomes a statement too, and its fault is the compiler's
 * to tell.
 *
 * Source: ECMA-262, 3rd edition, chapters 7 and 12.  Template literals: 6th
 * edition, 11.8.6.
 * Context: sluice-script; no allocation, bytes in, spans out.
 */
#ifndef SCRIPT_SCAN_H
#define SCRIPT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCAN_DEPTH = 256 }; /* brackets inside each other */

enum scan_token {
	SCAN_EOF,
	SCAN_WORD,
	SCAN_NUMBER,
	SCAN_STRING,
	SCAN_TEMPLATE,
	SCAN_REGEXP,
	SCAN_PUNCT,
	SCAN_BAD /* without an end, or too deep: the rest of the text */
};

/* What an open bracket is, as far as it matters for what follows its end. */
enum scan_bracket {
	SCAN_GROUP,   /* of an expression: an operator follows */
	SCAN_CONTROL, /* if (...): a statement follows */
	SCAN_BLOCK,   /* a statement follows */
	SCAN_BODY     /* of a function: no variable in it is global */
};

struct scan {
	const char *src;
	size_t len;
	/* the token now */
	enum scan_token kind;
	size_t from, to;
	uint32_t line;
	bool newline; /* one before it */
	bool operand; /* it ends an operand: a slash after it divides */
	bool nested;  /* this token or the one before is inside a function */
	/* for the next one */
	size_t pos;
	uint32_t pos_line;
	bool want_control, want_body, was_dot;
	unsigned depth;
	enum scan_bracket open[SCAN_DEPTH];
	unsigned bodies; /* of open[] that are SCAN_BODY */
};

/* A statement of a script. */
struct scan_statement {
	size_t from, to; /* bytes */
	uint32_t line;	 /* of its first byte, from 1 */
	bool function;	 /* a declaration: hoisted */
};

/*
 * Begin at the first statement.  src stays the caller's and must outlive *s.
 */
void scan_init(struct scan *s, const char *src, size_t len);

/* The next statement.  Returns false at the end. */
bool scan_next(struct scan *s, struct scan_statement *st);

/* A name that `var` declares outside functions; called for each, also twice. */
typedef void scan_var_fn(void *arg, const char *name, size_t len);
void scan_vars(const char *src, size_t len, scan_var_fn *fn, void *arg);

#endif
