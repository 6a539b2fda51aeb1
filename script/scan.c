#include "config.h"

#include <string.h>

#include "script/scan.h"

/* Bytes. ----------------------------------------------------------------- */

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '$' || c == '\\' ||
	       (c & 0x80);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The byte i further on, 0 at the end. */
static char
peek(const struct scan *s, size_t i)
{
	return s->pos + i < s->len ? s->src[s->pos + i] : '\0';
}

static bool
token_is(const struct scan *s, const char *text)
{
	size_t n = strlen(text);
	return s->to - s->from == n && memcmp(s->src + s->from, text, n) == 0 &&
	       (s->kind == SCAN_WORD || s->kind == SCAN_PUNCT);
}

/* Is the token one of the words, with blanks around each? */
static bool
token_in(const struct scan *s, const char *words)
{
	size_t n = s->to - s->from;
	for (const char *w = words; (w = strchr(w, ' ')) != NULL && w[1];) {
		w++;
		size_t len = strcspn(w, " ");
		if (len == n && memcmp(w, s->src + s->from, n) == 0)
			return true;
	}
	return false;
}

/* Blanks and comments. --------------------------------------------------- */

static void
newline(struct scan *s)
{
	s->pos_line++;
	s->newline = true;
}

/* False: it has no end. */
static bool
skip_comment(struct scan *s)
{
	for (s->pos += 2; s->pos < s->len; s->pos++) {
		if (peek(s, 0) == '*' && peek(s, 1) == '/') {
			s->pos += 2;
			return true;
		}
		if (peek(s, 0) == '\n')
			newline(s);
	}
	return false;
}

static void
skip_line(struct scan *s)
{
	while (
	    s->pos < s->len && s->src[s->pos] != '\n' && s->src[s->pos] != '\r')
		s->pos++;
}

/* A carriage return alone is no new line for line numbers, but it is one. */
static bool
skip_blank(struct scan *s)
{
	while (s->pos < s->len) {
		char c = s->src[s->pos];
		if (c == '\n') {
			newline(s);
		} else if (c == '\r') {
			s->newline = true;
		} else if (c == '/' && peek(s, 1) == '/') {
			skip_line(s);
			continue;
		} else if (c == '/' && peek(s, 1) == '*') {
			if (!skip_comment(s))
				return false;
			continue;
		} else if (c != ' ' && c != '\t' && c != '\v' && c != '\f') {
			return true;
		}
		s->pos++;
	}
	return true;
}

/* Tokens. ---------------------------------------------------------------- */

static bool
skip_string(struct scan *s)
{
	char quote = s->src[s->pos++];
	for (; s->pos < s->len; s->pos++) {
		char c = s->src[s->pos];
		if (c == quote) {
			s->pos++;
			return true;
		}
		if (c == '\\' && s->pos + 1 < s->len) {
			if (s->src[++s->pos] == '\n')
				s->pos_line++;
		} else if (c == '\n') {
			return false;
		}
	}
	return false;
}

/* `...${...}...`: what is between the braces is code again, with templates. */
static bool
skip_template(struct scan *s)
{
	unsigned braces[SCAN_DEPTH], depth = 0; /* of the templates inside */
	bool text = true;
	for (s->pos++; s->pos < s->len; s->pos++) {
		char c = s->src[s->pos];
		if (c == '\n')
			s->pos_line++;
		if (text && c == '\\') {
			s->pos++;
		} else if (text && c == '`') {
			if (depth == 0)
				return s->pos++, true;
			text = false;
		} else if (text && c == '$' && peek(s, 1) == '{') {
			if (depth == SCAN_DEPTH)
				return false;
			braces[depth++] = 0;
			text = false;
			s->pos++;
		} else if (!text && c == '`') {
			text = true;
		} else if (!text && (c == '"' || c == '\'')) {
			if (!skip_string(s))
				return false;
			s->pos--;
		} else if (!text && c == '{') {
			braces[depth - 1]++;
		} else if (!text && c == '}') {
			if (braces[depth - 1]-- == 0) {
				depth--;
				text = true;
			}
		}
	}
	return false;
}

static bool
skip_regexp(struct scan *s)
{
	bool class = false;
	for (s->pos++; s->pos < s->len; s->pos++) {
		char c = s->src[s->pos];
		if (c == '\n' || c == '\r')
			return false;
		if (c == '\\')
			s->pos++;
		else if (c == '[')
			class = true;
		else if (c == ']')
			class = false;
		else if (c == '/' && !class)
			break;
	}
	if (s->pos >= s->len)
		return false;
	for (s->pos++; s->pos < s->len && is_word(s->src[s->pos]); s->pos++)
		;
	return true;
}

static void
skip_number(struct scan *s)
{
	while (s->pos < s->len) {
		char c = s->src[s->pos], e = s->src[s->pos - 1];
		bool sign = (c == '+' || c == '-') && (e == 'e' || e == 'E') &&
			    !(s->src[s->from] == '0' &&
				(s->src[s->from + 1] | 0x20) == 'x');
		if (!is_word(c) && c != '.' && !sign)
			return;
		s->pos++;
	}
}

/* Only where the length matters for what follows. */
static void
skip_punct(struct scan *s)
{
	char c = s->src[s->pos++];
	if ((c == '+' || c == '-') && peek(s, 0) == c)
		s->pos++;
	else if (c == '=' && peek(s, 0) == '>')
		s->pos++;
}

/* Words after which an operand comes, not an operator. */
static const char before_operand[] =
    " return typeof instanceof in of new delete void throw case do else ";

static bool
word_ends_operand(const struct scan *s)
{
	return s->was_dot || !token_in(s, before_operand);
}

/* What the opening bracket is, by the token before it. */
static enum scan_bracket
kind_of(const struct scan *before, char c)
{
	if (c == '(')
		return before->want_control ? SCAN_CONTROL : SCAN_GROUP;
	if (c == '[')
		return SCAN_GROUP;
	if (before->want_body)
		return SCAN_BODY;
	if (before->kind == SCAN_EOF || token_in(before, " ) ; { } => do else "
							 "try finally "))
		return SCAN_BLOCK;
	return before->kind == SCAN_WORD && !before->operand ? SCAN_GROUP
	       : before->kind == SCAN_WORD		     ? SCAN_BLOCK
							     : SCAN_GROUP;
}

static bool
open_bracket(struct scan *s, const struct scan *before, char c)
{
	if (s->depth == SCAN_DEPTH)
		return false;
	enum scan_bracket b = kind_of(before, c);
	s->open[s->depth++] = b;
	if (b == SCAN_BODY) {
		s->bodies++;
		s->want_body = false;
	}
	s->operand = false;
	return true;
}

/*
 * The body of a function ends an operand if the function is an expression; at
 * the end of a declaration no regular expression of a sane script follows.
 */
static void
close_bracket(struct scan *s)
{
	enum scan_bracket b = SCAN_GROUP;
	if (s->depth > 0)
		b = s->open[--s->depth];
	if (b == SCAN_BODY)
		s->bodies--;
	s->operand = b == SCAN_GROUP || b == SCAN_BODY;
}

static bool
punct(struct scan *s, const struct scan *before)
{
	char c = s->src[s->from];
	skip_punct(s);
	if (c == '(' || c == '[' || c == '{')
		return open_bracket(s, before, c);
	if (c == ')' || c == ']' || c == '}')
		close_bracket(s);
	else
		s->operand = s->pos - s->from == 2 && c != '=' &&
			     before->operand; /* a++ */
	return true;
}

static void
word(struct scan *s)
{
	while (s->pos < s->len && is_word(s->src[s->pos]))
		s->pos++;
	s->to = s->pos;
	s->kind = SCAN_WORD;
	s->operand = word_ends_operand(s);
	if (!s->was_dot && token_is(s, "function"))
		s->want_body = true;
}

/* Returns false: the token has no end. */
static bool
read_token(struct scan *s, const struct scan *before)
{
	char c = s->src[s->pos];
	if (is_digit(c) || (c == '.' && is_digit(peek(s, 1)))) {
		s->pos++;
		s->kind = SCAN_NUMBER;
		s->operand = true;
		skip_number(s);
	} else if (is_word(c)) {
		word(s);
	} else if (c == '"' || c == '\'') {
		s->kind = SCAN_STRING;
		s->operand = true;
		return skip_string(s);
	} else if (c == '`') {
		s->kind = SCAN_TEMPLATE;
		s->operand = true;
		return skip_template(s);
	} else if (c == '/' && !before->operand) {
		s->kind = SCAN_REGEXP;
		s->operand = true;
		return skip_regexp(s);
	} else {
		s->kind = SCAN_PUNCT;
		return punct(s, before);
	}
	return true;
}

/* Take the token now, and look at the next. */
static void
advance(struct scan *s)
{
	const struct scan before = *s;
	s->newline = false;
	bool whole = skip_blank(s);
	s->from = s->to = s->pos;
	s->line = s->pos_line;
	s->was_dot = before.kind == SCAN_PUNCT && token_is(&before, ".");
	s->want_control = false;
	if (whole && s->pos == s->len) {
		s->kind = SCAN_EOF;
		s->operand = false;
		return;
	}
	if (!whole) { /* a comment without end */
		s->from = before.pos;
		s->line = before.pos_line;
	}
	if (!whole || !read_token(s, &before)) {
		s->kind = SCAN_BAD;
		s->pos = s->len;
	}
	s->to = s->pos < s->len ? s->pos : s->len;
	s->pos = s->to;
	s->want_control = s->kind == SCAN_WORD && !s->was_dot &&
			  token_in(s, " if while for with ");
}

/* Statements. ------------------------------------------------------------ */

/* From an opening bracket to behind the one that closes it. */
static void
skip_brackets(struct scan *s)
{
	unsigned depth = s->depth;
	while (s->kind != SCAN_EOF && s->kind != SCAN_BAD && s->depth >= depth)
		advance(s);
	if (s->kind != SCAN_EOF)
		advance(s); /* the closing one, or the bad rest */
}

static void
skip_if_open(struct scan *s, const char *bracket)
{
	if (token_is(s, bracket))
		skip_brackets(s);
}

/* Can the token go on with the expression before it? */
static bool
goes_on(const struct scan *s)
{
	if (s->kind == SCAN_WORD)
		return token_in(s, " in instanceof ");
	if (s->kind == SCAN_TEMPLATE)
		return true;
	if (token_is(s, "{")) /* function ()  { on the next line */
		return s->open[s->depth - 1] == SCAN_BODY;
	return s->kind == SCAN_PUNCT && !token_in(s, " } ++ -- ! ~ ");
}

/*
 * To the end of an expression, its semicolon with it: 7.9, a line end ends it
 * where the next token cannot go on.
 */
static void
skip_expression(struct scan *s)
{
	bool first = true;
	for (;; first = false) {
		bool operand, restricted;
		if (s->kind == SCAN_EOF || token_in(s, " } ) ] "))
			break;
		if (token_is(s, ";")) {
			advance(s);
			return;
		}
		operand = s->operand;
		restricted = s->kind == SCAN_WORD &&
			     token_in(s, " break continue return ");
		if (token_in(s, " ( [ { ") && s->kind == SCAN_PUNCT) {
			/* what its end was is what the next token follows */
			unsigned depth = s->depth;
			while (s->kind != SCAN_EOF && s->kind != SCAN_BAD &&
			       s->depth >= depth)
				advance(s);
			operand = s->operand;
		}
		if (s->kind == SCAN_EOF)
			break;
		if (s->kind == SCAN_BAD) {
			advance(s);
			return;
		}
		advance(s);
		if (s->newline && (restricted || (operand && !goes_on(s))))
			return;
	}
	if (first && s->kind != SCAN_EOF)
		advance(s); /* a bracket that closes nothing */
}

/* Kinds of statements that end otherwise than an expression. */
static bool
is_simple(const struct scan *s)
{
	return !(s->kind == SCAN_WORD || token_is(s, "{"));
}

static void
skip_function(struct scan *s)
{
	advance(s); /* function */
	if (s->kind == SCAN_WORD)
		advance(s);
	skip_if_open(s, "(");
	skip_if_open(s, "{");
}

static void
skip_try(struct scan *s)
{
	advance(s);
	skip_if_open(s, "{");
	if (token_is(s, "catch")) {
		advance(s);
		skip_if_open(s, "(");
		skip_if_open(s, "{");
	}
	if (token_is(s, "finally")) {
		advance(s);
		skip_if_open(s, "{");
	}
}

/* Is this `name :`?  Looks further in a copy. */
static bool
is_label(const struct scan *s)
{
	struct scan ahead = *s;
	if (s->kind != SCAN_WORD || token_in(s, " case default "))
		return false;
	advance(&ahead);
	return token_is(&ahead, ":");
}

/* Statements inside statements are rarely many; more are left to the compiler. */
static void
skip_statement(struct scan *s, unsigned inside)
{
	if (is_simple(s) || inside == SCAN_DEPTH) {
		skip_expression(s);
	} else if (token_is(s, "{")) {
		skip_brackets(s);
	} else if (token_is(s, "function")) {
		skip_function(s);
	} else if (token_is(s, "try")) {
		skip_try(s);
	} else if (token_is(s, "switch")) {
		advance(s);
		skip_if_open(s, "(");
		skip_if_open(s, "{");
	} else if (token_in(s, " for while with ")) {
		advance(s);
		skip_if_open(s, "(");
		skip_statement(s, inside + 1);
	} else if (token_is(s, "if")) {
		advance(s);
		skip_if_open(s, "(");
		skip_statement(s, inside + 1);
		if (token_is(s, "else")) {
			advance(s);
			skip_statement(s, inside + 1);
		}
	} else if (token_is(s, "do")) {
		advance(s);
		skip_statement(s, inside + 1);
		if (token_is(s, "while")) {
			advance(s);
			skip_if_open(s, "(");
			if (token_is(s, ";"))
				advance(s);
		}
	} else if (is_label(s)) {
		advance(s);
		advance(s);
		skip_statement(s, inside + 1);
	} else {
		skip_expression(s);
	}
}

void
scan_init(struct scan *s, const char *src, size_t len)
{
	memset(s, 0, sizeof *s);
	s->src = src;
	s->len = len;
	s->pos_line = 1;
	if (len >= 3 && memcmp(src, "\xef\xbb\xbf", 3) == 0)
		s->pos = 3;
	advance(s);
}

bool
scan_next(struct scan *s, struct scan_statement *st)
{
	while (token_is(s, ";"))
		advance(s);
	if (s->kind == SCAN_EOF)
		return false;
	st->from = s->from;
	st->line = s->line;
	st->function = token_is(s, "function");
	skip_statement(s, 0);
	/* up to the token behind it: comments do no harm */
	st->to = s->from;
	return true;
}

/* Variables. ------------------------------------------------------------- */

/* The names of `var a = ..., b`; s is at var, and then behind the first name. */
static void
names_of(struct scan *s, scan_var_fn *fn, void *arg)
{
	unsigned depth = s->depth;
	bool name = true, operand = true;
	advance(s);
	while (
	    s->kind != SCAN_EOF && s->kind != SCAN_BAD && s->depth >= depth) {
		if (s->depth > depth) {
			unsigned in = s->depth;
			while (s->kind != SCAN_EOF && s->depth >= in)
				advance(s);
			name = false;
		} else if (name && s->kind == SCAN_WORD) {
			fn(arg, s->src + s->from, s->to - s->from);
			name = false;
		} else if (token_in(s, " ; in of ") ||
			   (s->newline && operand && !goes_on(s))) {
			return;
		} else if (token_is(s, ",")) {
			name = true;
		}
		operand = s->operand;
		advance(s);
	}
}

void
scan_vars(const char *src, size_t len, scan_var_fn *fn, void *arg)
{
	struct scan s;
	scan_init(&s, src, len);
	while (s.kind != SCAN_EOF) {
		if (s.kind == SCAN_WORD && s.bodies == 0 && !s.was_dot &&
		    token_is(&s, "var"))
			names_of(&s, fn, arg);
		else
			advance(&s);
	}
}
