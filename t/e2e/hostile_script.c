/*
 * Scripts: steps with ; between them, words with blanks.  "N*" in front of a
 * step repeats it; $i is how many times it has been done, $n the case's name.
 *
 *	c1, hello		C0 and C1; the whole handshake
 *	chunk N			Set Chunk Size, and obey it
 *	size N			obey a chunk size that was not sent
 *	cmd MSID NAME TXN VALUE...	a command.  Values: null, undef, s:text,
 *				s*N (N letters), n:number, b:0|1, x:HEX (as it
 *				is), and objects { name value ... }
 *	data MSID VALUE...	a data message
 *	msg CSID TYPE MSID TS LEN [HEX]	a message: HEX, then zeros up to LEN
 *	head CSID TYPE MSID TS LEN	only its header
 *	gen CSID TYPE MSID HEAD KIND N	a message of N parts, see make_payload()
 *	csids FROM TO TYPE MSID LEN N	on each chunk stream a header, N bytes
 *	raw HEX, zeros N, fill N, random SEED N, text WORD	bytes
 *	wait WORD		until it arrives
 *	pong			a ping is answered
 *	eof			until the server has ended its direction
 *	until-reset MS N	N bytes each 20 ms until the server breaks off
 *	drip MS			from here on a byte each so many ms
 *	deaf, hear		read nothing; read again
 *	fin, close, reset	ends of ours
 *	sleep MS
 *	storm N			N connections at once with one byte, then reset
 */
#include "config.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtmp/amf0.h"
#include "rtmp/wire.h"
#include "t/e2e/hostile.h"

enum { WORDS = 160, LINE = 4096 };

struct script {
	struct peer *p;
	char line[LINE];
	char *word[WORDS];
	int words;
	bool bad; /* the script itself */
};

static const char *
arg(struct script *s, int i)
{
	if (i < s->words)
		return s->word[i];
	s->bad = true;
	return "";
}

static uint32_t
num(struct script *s, int i)
{
	return (uint32_t)strtoul(arg(s, i), NULL, 0);
}

/* Bytes ------------------------------------------------------------------- */

static void
put(struct writer *w, const char *hex, uint32_t times)
{
	unsigned v;
	for (; times > 0; times--)
		for (const char *h = hex; sscanf(h, "%2x", &v) == 1; h += 2)
			writer_u8(w, (uint8_t)v);
}

static void
put_fill(struct writer *w, uint8_t b, uint32_t n)
{
	uint8_t *to = writer_space(w, n);
	if (to != NULL)
		memset(to, b, n);
}

static void
put_random(struct writer *w, uint32_t seed, uint32_t n)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (; n > 0; n--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		writer_u8(w, (uint8_t)(x >> 24));
	}
}

/* AMF ---------------------------------------------------------------------- */

/* One value from word i on; returns where the next begins. */
static int
value(struct script *s, struct writer *w, int i)
{
	const char *v = arg(s, i);
	if (strcmp(v, "null") == 0) {
		amf0_write_null(w);
	} else if (strcmp(v, "undef") == 0) {
		amf0_write_undefined(w);
	} else if (strcmp(v, "{") == 0) {
		amf0_object_begin(w);
		for (i++; !s->bad && strcmp(arg(s, i), "}") != 0;) {
			amf0_key(w, s->word[i]);
			i = value(s, w, i + 1);
		}
		amf0_object_end(w);
	} else if (strncmp(v, "s:", 2) == 0) {
		amf0_write_text(w, v + 2);
	} else if (strncmp(v, "s*", 2) == 0) {
		uint32_t n = (uint32_t)strtoul(v + 2, NULL, 0);
		writer_u8(w, n > UINT16_MAX ? AMF0_LONG_STRING : AMF0_STRING);
		if (n > UINT16_MAX)
			writer_u32(w, n);
		else
			writer_u16(w, (uint16_t)n);
		put_fill(w, 'a', n);
	} else if (strncmp(v, "n:", 2) == 0) {
		amf0_write_number(w, strtod(v + 2, NULL));
	} else if (strncmp(v, "b:", 2) == 0) {
		amf0_write_boolean(w, v[2] == '1');
	} else if (strncmp(v, "x:", 2) == 0) {
		put(w, v + 2, 1);
	} else {
		s->bad = true;
	}
	return i + 1;
}

static void
values(struct script *s, struct wire_mark *m, int i)
{
	while (i < s->words && !s->bad)
		i = value(s, &s->p->out, i);
	wire_end(&s->p->out, m, s->p->chunk);
}

static void
do_cmd(struct script *s)
{
	struct wire_mark m;
	struct writer *w = &s->p->out;
	wire_begin(w, &m, WIRE_CSID_COMMAND, WIRE_COMMAND, num(s, 1), 0);
	amf0_write_text(w, arg(s, 2));
	amf0_write_number(w, strtod(arg(s, 3), NULL));
	values(s, &m, 4);
}

static void
do_data(struct script *s)
{
	struct wire_mark m;
	wire_begin(&s->p->out, &m, WIRE_CSID_DATA, WIRE_DATA, num(s, 1), 0);
	values(s, &m, 2);
}

static void
put_keys(struct writer *w, uint32_t n, bool same)
{
	char key[16];
	writer_u8(w, AMF0_OBJECT);
	for (uint32_t i = 0; i < n; i++) {
		snprintf(key, sizeof key, "%05x", same ? 0 : i & 0xfffff);
		amf0_key(w, key);
		amf0_write_null(w);
	}
	amf0_object_end(w);
}

/* A dynamic AMF3 object without a class; its keys are not references. */
static void
put_keys3(struct writer *w, uint32_t n)
{
	char key[16];
	put(w, "110a0b01", 1);
	for (uint32_t i = 0; i < n; i++) {
		snprintf(key, sizeof key, "%05x", i & 0xfffff);
		writer_u8(w, 5 << 1 | 1);
		writer_bytes(w, key, 5);
		writer_u8(w, 1);
	}
	writer_u8(w, 1);
}

/* What stands in front of the payload. */
static void
put_head(struct writer *w, const char *head)
{
	if (strcmp(head, "connect") == 0 || strcmp(head, "connect3") == 0) {
		if (head[7] == '3')
			writer_u8(w, 0);
		amf0_write_text(w, "connect");
		amf0_write_number(w, 1);
	} else if (strcmp(head, "meta") == 0) {
		amf0_write_text(w, "@setDataFrame");
		amf0_write_text(w, "onMetaData");
	} else if (strcmp(head, "-") != 0) {
		put(w, head, 1);
	}
}

static bool
make_payload(struct writer *w, const char *kind, uint32_t n)
{
	if (strcmp(kind, "nest") == 0) { /* objects in objects, closed */
		writer_u8(w, AMF0_OBJECT);
		put(w, "000003", n - 1);
		put(w, "000009", n);
	} else if (strcmp(kind, "nest-open") == 0) {
		writer_u8(w, AMF0_OBJECT);
		put(w, "000003", n - 1);
	} else if (strcmp(kind, "nest-ecma") == 0) {
		put(w, "0800000001000161", n);
	} else if (strcmp(kind, "nest-strict") == 0) {
		put(w, "0a00000001", n);
		amf0_write_null(w);
	} else if (strcmp(kind, "nest-typed") == 0) {
		put(w, "10000161000161", n);
	} else if (strcmp(kind, "nest3") == 0) {
		put(w, "11", 1);
		put(w, "090301", n);
		put(w, "01", 1);
	} else if (strcmp(kind, "nest3-object") == 0) {
		put(w, "11", 1);
		put(w, "0a0b010361", n);
		put(w, "01", 1);
	} else if (strcmp(kind, "keys") == 0) {
		put_keys(w, n, false);
	} else if (strcmp(kind, "same-key") == 0) {
		put_keys(w, n, true);
	} else if (strcmp(kind, "keys3") == 0) {
		put_keys3(w, n);
	} else if (strcmp(kind, "references") == 0) {
		put(w, "070000", n);
	} else if (strcmp(kind, "nulls") == 0) {
		put(w, "05", n);
	} else if (strcmp(kind, "zeros") == 0) {
		put_fill(w, 0, n);
	} else if (strcmp(kind, "tags") == 0) { /* of an aggregate */
		put(w,
		    "0800000200000000000000"
		    "af010000000d",
		    n);
	} else {
		return false;
	}
	return true;
}

static void
do_gen(struct script *s)
{
	struct wire_mark m;
	struct writer *w = &s->p->out;
	wire_begin(w, &m, num(s, 1), (uint8_t)num(s, 2), num(s, 3), 0);
	put_head(w, arg(s, 4));
	if (!make_payload(w, arg(s, 5), num(s, 6)))
		s->bad = true;
	wire_end(w, &m, s->p->chunk);
}

/* Chunks ------------------------------------------------------------------- */

static void
do_msg(struct script *s)
{
	struct wire_mark m;
	struct writer *w = &s->p->out;
	uint32_t len = num(s, 5);
	wire_begin(w, &m, num(s, 1), (uint8_t)num(s, 2), num(s, 3), num(s, 4));
	size_t at = w->len;
	if (s->words > 6)
		put(w, s->word[6], 1);
	size_t have = w->len - at;
	if (have < len)
		put_fill(w, 0, len - (uint32_t)have);
	wire_end(w, &m, s->p->chunk);
}

static void
do_head(struct script *s)
{
	uint8_t b[WIRE_HEAD0_MAX];
	writer_bytes(&s->p->out, b,
	    wire_head0(b, num(s, 1), num(s, 4), num(s, 5), (uint8_t)num(s, 2),
		num(s, 3)));
}

static void
do_csids(struct script *s)
{
	struct writer *w = &s->p->out;
	uint32_t n = num(s, 6);
	for (uint32_t csid = num(s, 1); csid < num(s, 2); csid++) {
		writer_u8(w, 1);
		writer_u8(w, (uint8_t)(csid - 64));
		writer_u8(w, (uint8_t)((csid - 64) >> 8));
		writer_u24(w, 0);
		writer_u24(w, num(s, 5));
		writer_u8(w, (uint8_t)num(s, 3));
		writer_u32le(w, num(s, 4));
		put_fill(w, 0, n);
		if (w->len > PEER_OUT / 2)
			(void)peer_flush(s->p);
	}
}

static void
do_chunk(struct script *s)
{
	uint8_t b[4] = { (uint8_t)(num(s, 1) >> 24), (uint8_t)(num(s, 1) >> 16),
		(uint8_t)(num(s, 1) >> 8), (uint8_t)num(s, 1) };
	wire_write(&s->p->out, WIRE_CSID_CONTROL, WIRE_SET_CHUNK_SIZE, 0, 0, b,
	    sizeof b, s->p->chunk);
	s->p->chunk = num(s, 1);
}

static void
do_size(struct script *s)
{
	s->p->chunk = num(s, 1);
}

static void
do_raw(struct script *s)
{
	put(&s->p->out, arg(s, 1), 1);
}

static void
do_zeros(struct script *s)
{
	put_fill(&s->p->out, 0, num(s, 1));
}

static void
do_fill(struct script *s)
{
	put_fill(&s->p->out, 0xff, num(s, 1));
}

static void
do_random(struct script *s)
{
	put_random(&s->p->out, num(s, 1), num(s, 2));
}

static void
do_text(struct script *s)
{
	writer_span(&s->p->out, span_of(arg(s, 1)));
	put(&s->p->out, "0d0a", 1);
}

static void
do_c1(struct script *s)
{
	writer_u8(&s->p->out, 3);
	put_fill(&s->p->out, 0, 1536);
}

static void
do_drip(struct script *s)
{
	s->p->drip_ms = (int)num(s, 1);
}

/* Everything else ---------------------------------------------------------- */

static void
do_hello(struct script *s)
{
	(void)peer_handshake(s->p);
}

static void
do_wait(struct script *s)
{
	char text[128];
	if (peer_wait(s->p, arg(s, 1), strlen(arg(s, 1)), HOSTILE_TIME_MS))
		return;
	snprintf(text, sizeof text, "waited for %s in vain", arg(s, 1));
	(void)peer_fail(s->p, text);
}

static void
do_pong(struct script *s)
{
	if (!peer_pong(s->p, HOSTILE_TIME_MS))
		(void)peer_fail(s->p, "a ping was not answered");
}

static void
do_eof(struct script *s)
{
	if (!peer_wait_end(s->p, HOSTILE_TIME_MS) || s->p->was_reset)
		(void)peer_fail(s->p, "not ended by the server");
}

static void
do_until_reset(struct script *s)
{
	static uint8_t b[65536];
	uint32_t n = num(s, 2) < sizeof b ? num(s, 2) : sizeof b;
	uint64_t until = peer_now_ms() + num(s, 1) * (unsigned)s->p->scale;
	while (peer_now_ms() < until) {
		ssize_t r = send(s->p->fd, b, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (r < 0 && recv(s->p->fd, b, sizeof b, MSG_DONTWAIT) <= 0) {
			peer_close(s->p, false);
			return;
		}
		usleep(20000);
	}
	(void)peer_fail(s->p, "the server did not break off");
}

static void
do_sleep(struct script *s)
{
	usleep((useconds_t)num(s, 1) * 1000);
}

static void
do_deaf(struct script *s)
{
	s->p->deaf = true;
}

static void
do_hear(struct script *s)
{
	s->p->deaf = false;
}

static void
do_fin(struct script *s)
{
	(void)shutdown(s->p->fd, SHUT_WR);
}

static void
do_close(struct script *s)
{
	peer_close(s->p, false);
}

static void
do_reset(struct script *s)
{
	peer_close(s->p, true);
}

static void
do_storm(struct script *s)
{
	uint32_t n = num(s, 1);
	struct peer *all = calloc(n, sizeof *all);
	for (uint32_t i = 0; all != NULL && i < n; i++) {
		all[i] = (struct peer){
			.fd = -1, .host = s->p->host, .port = s->p->port
		};
		if (!peer_open(&all[i]) ||
		    send(all[i].fd, "\3", 1, MSG_NOSIGNAL) != 1)
			(void)peer_fail(s->p, "a connection was refused");
	}
	for (uint32_t i = 0; all != NULL && i < n; i++)
		peer_close(&all[i], i % 2 == 0);
	free(all);
}

static const struct step {
	const char *name;
	void (*run)(struct script *);
} steps[] = {
	{ "c1", do_c1 },
	{ "hello", do_hello },
	{ "chunk", do_chunk },
	{ "size", do_size },
	{ "cmd", do_cmd },
	{ "data", do_data },
	{ "msg", do_msg },
	{ "head", do_head },
	{ "gen", do_gen },
	{ "csids", do_csids },
	{ "raw", do_raw },
	{ "zeros", do_zeros },
	{ "fill", do_fill },
	{ "random", do_random },
	{ "text", do_text },
	{ "wait", do_wait },
	{ "pong", do_pong },
	{ "eof", do_eof },
	{ "until-reset", do_until_reset },
	{ "drip", do_drip },
	{ "deaf", do_deaf },
	{ "hear", do_hear },
	{ "fin", do_fin },
	{ "close", do_close },
	{ "reset", do_reset },
	{ "sleep", do_sleep },
	{ "storm", do_storm },
};

static bool
run_step(struct script *s)
{
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (strcmp(arg(s, 0), steps[i].name) == 0) {
			steps[i].run(s);
			return !s->bad;
		}
	return false;
}

/* The step's words, with $n and $i put in. */
static void
split(struct script *s, const char *from, size_t len, uint32_t i)
{
	char *save = NULL, *to = s->line;
	const char *end = from + len, *room = s->line + LINE - 128;
	while (from < end && to < room) {
		if (from[0] == '$' && (from[1] == 'n' || from[1] == 'i')) {
			to += from[1] == 'n' ? sprintf(to, "%s", s->p->name)
					     : sprintf(to, "%u", i);
			from += 2;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	s->words = 0;
	for (char *w = strtok_r(s->line, " \t\n", &save);
	     w != NULL && s->words < WORDS; w = strtok_r(NULL, " \t\n", &save))
		s->word[s->words++] = w;
	s->bad = to >= room || s->words == WORDS;
}

static bool
run_one(struct script *s, const char *from, size_t len)
{
	uint32_t times = 1;
	const char *star = from + strspn(from, " 0123456789");
	if (*star == '*' && star > from) {
		times = (uint32_t)strtoul(from, NULL, 10);
		len -= (size_t)(star + 1 - from);
		from = star + 1;
	}
	for (uint32_t i = 0; i < times && s->p->error[0] == '\0'; i++) {
		split(s, from, len, i);
		if (s->words == 0)
			return true;
		if (s->bad || !run_step(s)) {
			char text[128];
			snprintf(text, sizeof text, "no such step: %.80s",
			    s->word[0]);
			return peer_fail(s->p, text);
		}
		/* gathered, so that a flood is one */
		if (s->p->out.len > 65536 || s->p->drip_ms > 0)
			(void)peer_flush(s->p);
	}
	if (s->p->fd >= 0)
		(void)peer_flush(s->p);
	return s->p->error[0] == '\0';
}

bool
script_run(struct peer *p, const char *script)
{
	static struct script s;
	s.p = p;
	for (const char *at = script; *at != '\0';) {
		size_t len = strcspn(at, ";");
		if (!run_one(&s, at, len))
			return false;
		at += len + (at[len] == ';');
	}
	return true;
}

bool
script_stage(struct peer *p, enum stage at)
{
	static const char *const steps_to[] = {
		[AT_OPEN] = "",
		[AT_C1] = "c1",
		[AT_HELLO] = "hello",
		[AT_CONNECTED] = "cmd 0 connect 1 { app s:live tcUrl "
				 "s:rtmp://h/live }; wait _result",
		[AT_STREAM] = "chunk 65536; cmd 0 createStream 2 null; "
			      "wait _result",
		[AT_PUBLISHING] = "cmd 1 publish 3 null s:$n s:live; "
				  "wait NetStream.Publish.Start",
		[AT_PLAYING] = "cmd 1 play 3 null s:cam; "
			       "wait NetStream.Play.Start",
	};
	if (!peer_open(p))
		return false;
	for (enum stage s = at == AT_C1 ? AT_C1 : AT_HELLO; s <= at; s++)
		if ((s != AT_PUBLISHING || at == AT_PUBLISHING) &&
		    !script_run(p, steps_to[s]))
			return false;
	return true;
}
