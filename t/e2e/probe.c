/*
 * probe HOST PORT <SCRIPT
 *
 * A line is one step, its words are separated by blanks; \xHH in a word is
 * that byte, # begins a comment.
 *
 *	open			connect; a former connection is closed
 *	close, reset, fin	FIN, RST, or only shutdown of our direction
 *	hello			plain handshake
 *	hold, release		gather what is sent, send it in one write
 *	cut N			send N more bytes on this connection, drop the rest
 *	bytewise 0|1		every byte in a write of its own
 *	rcvbuf BYTES		SO_RCVBUF, now and of the next connection
 *	cmd MSID NAME TXN VALUE...	a command.  Values: null, s:text, n:number,
 *				b:0|1, objects { name value ... }, and lists
 *				[ value ... ]
 *	amf3 0|1		commands go in messages of type 17
 *	data MSID TS VALUE...	a data message
 *	msg CSID TYPE MSID TS LEN [HEX]	a message: HEX, then zeros up to LEN
 *	head CSID TYPE MSID TS LEN	only its header
 *	chunk BYTES		Set Chunk Size, and obey it
 *	ping N			user control 6
 *	raw HEX, zeros N, text WORD, random SEED N	bytes
 *	wait [N] KEY=VALUE...	for the next (N) events with these fields,
 *				behind those that earlier waits have passed
 *	limit MS		for every following wait (5000)
 *	read MS			take what comes for so long
 *	read-bytes N		take just N bytes
 *	sleep MS		take nothing
 *
 * Exit 0 at the end of the script, 1 when a wait was in vain.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "rtmp/amf0.h"
#include "rtmp/cmd.h"
#include "rtmp/wire.h"
#include "t/e2e/probe.h"

enum { WORDS = 1024, LINE = 65536 };

static struct probe probe = { .fd = -1 };
static char line[LINE];
static char *word[WORDS];
static int words, number;
static int limit_ms = 5000;
static bool amf3; /* send commands as type 17 */

static void
give_up(const char *what)
{
	fprintf(stderr, "probe: line %d: %s\n", number, what);
	printf("{\"type\":\"gave-up\",\"line\":%d}\n", number);
	exit(1);
}

static const char *
arg(int i)
{
	if (i >= words)
		give_up("a word is missing");
	return word[i];
}

static uint32_t
num(int i)
{
	return (uint32_t)strtoul(arg(i), NULL, 0);
}

/* Words may hold any byte but 0: \xHH. */
static void
unescape(char *s)
{
	char *to = s;
	for (; *s != '\0'; s++) {
		unsigned v;
		if (s[0] == '\\' && s[1] == 'x' &&
		    sscanf(s + 2, "%2x", &v) == 1) {
			*to++ = (char)v;
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void
split(void)
{
	char *save = NULL;
	words = 0;
	for (char *w = strtok_r(line, " \t\n", &save);
	     w != NULL && *w != '#' && words < WORDS;
	     w = strtok_r(NULL, " \t\n", &save)) {
		unescape(w);
		word[words++] = w;
	}
}

/* Sending ----------------------------------------------------------------- */

/* One value from word i on; returns where the next begins. */
static int
value(struct writer *w, int i)
{
	const char *s = arg(i);
	if (strcmp(s, "null") == 0) {
		amf0_write_null(w);
	} else if (strcmp(s, "{") == 0) {
		amf0_object_begin(w);
		for (i++; strcmp(arg(i), "}") != 0;) {
			amf0_key(w, word[i]);
			i = value(w, i + 1);
		}
		amf0_object_end(w);
	} else if (strcmp(s, "[") == 0) {
		int at = i + 1;
		uint32_t n = 0;
		for (; at + (int)n < words &&
		       strcmp(word[at + (int)n], "]") != 0;)
			n++;
		writer_u8(w, AMF0_STRICT_ARRAY);
		writer_u32(w, n);
		for (i = at; strcmp(arg(i), "]") != 0;)
			i = value(w, i);
	} else if (s[0] == 's' && s[1] == ':') {
		amf0_write_text(w, s + 2);
	} else if (s[0] == 'n' && s[1] == ':') {
		amf0_write_number(w, strtod(s + 2, NULL));
	} else if (s[0] == 'b' && s[1] == ':') {
		amf0_write_boolean(w, s[2] == '1');
	} else {
		give_up("no such value");
	}
	return i + 1;
}

static void
send_values(struct wire_mark *m, int i)
{
	while (i < words)
		i = value(&probe.out, i);
	wire_end(&probe.out, m, probe.chunk);
	probe_flush(&probe);
}

static void
do_cmd(void)
{
	struct wire_mark m;
	wire_begin(&probe.out, &m, WIRE_CSID_COMMAND,
	    amf3 ? WIRE_COMMAND_AMF3 : WIRE_COMMAND, num(1), 0);
	if (amf3)
		writer_u8(&probe.out, 0); /* AMF0 from here */
	amf0_write_text(&probe.out, arg(2));
	amf0_write_number(&probe.out, strtod(arg(3), NULL));
	send_values(&m, 4);
}

static void
do_data(void)
{
	struct wire_mark m;
	wire_begin(&probe.out, &m, WIRE_CSID_DATA, WIRE_DATA, num(1), num(2));
	send_values(&m, 3);
}

static size_t
unhex(const char *s, uint8_t *to, size_t cap)
{
	size_t n = 0;
	unsigned v;
	for (; n < cap && sscanf(s, "%2x", &v) == 1; s += 2) {
		to[n++] = (uint8_t)v;
		if (s[1] == '\0')
			break;
	}
	return n;
}

static void
do_msg(void)
{
	uint32_t len = num(5);
	uint8_t *b = calloc(1, len + 1);
	if (words > 6)
		unhex(word[6], b, len);
	wire_write(&probe.out, num(1), (uint8_t)num(2), num(3), num(4), b, len,
	    probe.chunk);
	free(b);
	probe_flush(&probe);
}

static void
do_head(void)
{
	uint8_t b[WIRE_HEAD0_MAX];
	writer_bytes(&probe.out, b,
	    wire_head0(b, num(1), num(4), num(5), (uint8_t)num(2), num(3)));
	probe_flush(&probe);
}

static void
do_raw(void)
{
	static uint8_t b[LINE / 2];
	writer_bytes(&probe.out, b, unhex(arg(1), b, sizeof b));
	probe_flush(&probe);
}

static void
do_text(void)
{
	writer_span(&probe.out, span_of(arg(1)));
	probe_flush(&probe);
}

static void
do_zeros(void)
{
	for (uint32_t i = num(1); i > 0; i--)
		writer_u8(&probe.out, 0);
	probe_flush(&probe);
}

static void
do_random(void)
{
	uint64_t x = num(1) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (uint32_t i = num(2); i > 0; i--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		writer_u8(&probe.out, (uint8_t)(x >> 24));
	}
	probe_flush(&probe);
}

static void
do_chunk(void)
{
	wire_set_chunk_size(&probe.out, num(1));
	probe.chunk = num(1);
	probe_flush(&probe);
}

static void
do_ping(void)
{
	wire_user_control(&probe.out, WIRE_PING_REQUEST, num(1));
	probe_flush(&probe);
}

static void
do_release(void)
{
	probe.hold = false;
	probe_flush(&probe);
}

/* Receiving --------------------------------------------------------------- */

static uint64_t
now_ms(void)
{
	return clock_now().ns / NS_PER_MS;
}

static bool
field_is(const json_t *event, const char *want)
{
	const char *eq = strchr(want, '=');
	char key[64], text[32];
	if (eq == NULL)
		give_up("expected KEY=VALUE");
	snprintf(key, sizeof key, "%.*s", (int)(eq - want), want);
	const json_t *v = json_object_get(event, key);
	if (json_is_string(v))
		return strcmp(json_string_value(v), eq + 1) == 0;
	if (!json_is_integer(v))
		return false;
	snprintf(text, sizeof text, "%lld", (long long)json_integer_value(v));
	return strcmp(text, eq + 1) == 0;
}

static bool
matches(const json_t *event, int first)
{
	for (int i = first; i < words; i++)
		if (!field_is(event, word[i]))
			return false;
	return true;
}

/* Pass events up to the next that matches. */
static bool
pass(int first)
{
	while (probe.seen < json_array_size(probe.events))
		if (matches(json_array_get(probe.events, probe.seen++), first))
			return true;
	return false;
}

static void
do_wait(void)
{
	int first = strchr(arg(1), '=') != NULL ? 1 : 2;
	uint32_t n = first == 2 ? num(1) : 1;
	uint64_t until = now_ms() + (uint64_t)limit_ms;
	while (n > 0) {
		if (pass(first)) {
			n--;
			continue;
		}
		uint64_t now = now_ms();
		if (probe.ended || now >= until)
			give_up("waited in vain");
		probe_read(&probe, SIZE_MAX, (int)(until - now));
	}
}

static void
do_read(void)
{
	uint64_t until = now_ms() + num(1);
	for (uint64_t now; !probe.ended && (now = now_ms()) < until;)
		probe_read(&probe, SIZE_MAX, (int)(until - now));
}

static void
do_read_bytes(void)
{
	size_t left = num(1), n;
	while (left > 0 && (n = probe_read(&probe, left, limit_ms)) > 0)
		left -= n;
	if (left > 0)
		give_up("fewer bytes came");
}

/* The script -------------------------------------------------------------- */

static void
do_open(void)
{
	probe_open(&probe);
}

static void
do_close(void)
{
	probe_close(&probe, false);
}

static void
do_reset(void)
{
	probe_close(&probe, true);
}

static void
do_fin(void)
{
	shutdown(probe.fd, SHUT_WR);
}

static void
do_hello(void)
{
	if (!probe_handshake(&probe, limit_ms))
		give_up("no handshake");
}

static void
do_hold(void)
{
	probe.hold = true;
}

static void
do_cut(void)
{
	probe.cut = num(1);
}

static void
do_bytewise(void)
{
	probe.bytewise = num(1) != 0;
}

static void
do_rcvbuf(void)
{
	probe.rcvbuf = (int)num(1);
	if (probe.fd >= 0)
		setsockopt(probe.fd, SOL_SOCKET, SO_RCVBUF, &probe.rcvbuf,
		    sizeof probe.rcvbuf);
}

static void
do_amf3(void)
{
	amf3 = num(1) != 0;
}

static void
do_limit(void)
{
	limit_ms = (int)num(1);
}

static void
do_sleep(void)
{
	struct timespec t = { .tv_sec = num(1) / 1000,
		.tv_nsec = (long)(num(1) % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

static const struct step {
	const char *name;
	void (*run)(void);
} steps[] = {
	{ "open", do_open },
	{ "close", do_close },
	{ "reset", do_reset },
	{ "fin", do_fin },
	{ "hello", do_hello },
	{ "hold", do_hold },
	{ "release", do_release },
	{ "bytewise", do_bytewise },
	{ "amf3", do_amf3 },
	{ "cut", do_cut },
	{ "rcvbuf", do_rcvbuf },
	{ "cmd", do_cmd },
	{ "data", do_data },
	{ "msg", do_msg },
	{ "head", do_head },
	{ "chunk", do_chunk },
	{ "ping", do_ping },
	{ "raw", do_raw },
	{ "text", do_text },
	{ "zeros", do_zeros },
	{ "random", do_random },
	{ "wait", do_wait },
	{ "limit", do_limit },
	{ "read", do_read },
	{ "read-bytes", do_read_bytes },
	{ "sleep", do_sleep },
};

static void
run_step(void)
{
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (strcmp(word[0], steps[i].name) == 0) {
			steps[i].run();
			return;
		}
	give_up("no such step");
}

int
main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: probe HOST PORT <SCRIPT\n", stderr);
		return 2;
	}
	probe.host = argv[1];
	probe.port = argv[2];
	probe.events = json_array();
	while (fgets(line, sizeof line, stdin) != NULL) {
		number++;
		split();
		if (words > 0)
			run_step();
	}
	return 0;
}
