#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bench/frame.h"
#include "bench/options.h"
#include "rtmp/chunk.h"
#include "rtmp/wire.h"

enum { NO_VERIFY = 256, VERSION_ONLY };

static const struct option long_options[] = {
	{ "no-verify", no_argument, NULL, NO_VERIFY },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, VERSION_ONLY },
	{ NULL, 0, NULL, 0 },
};

static const char *const usage =
    "usage: sluice-bench publish [-cVv] [-a kbit/s] [-C chunk] [-d seconds]\n"
    "           [-f fps] [-g seconds] [-i file.flv] [-K bytes] [-k factor]\n"
    "           [-n streams] [-P seconds+seconds] [-R per-second] [-r bit/s]\n"
    "           rtmp://host[:port]/app/stream\n"
    "       sluice-bench play [-cv] [--no-verify] [-d seconds] [-n players]\n"
    "           [-R per-second] [-s streams] [-Z seconds] [-z players]\n"
    "           rtmp://host[:port]/app/stream\n"
    "       sluice-bench churn [-Vv] [-a kbit/s] [-C chunk] [-d seconds]\n"
    "           [-f fps] [-G seconds] [-g seconds] [-K bytes] [-k factor]\n"
    "           [-l per-second] [-m per-second] [-n players] [-R per-second]\n"
    "           [-r bit/s] [-s streams] rtmp://host[:port]/app/stream\n"
    "       sluice-bench --help | --version\n";

static const struct {
	const char *name;
	enum mode mode;
} modes[] = {
	{ "publish", MODE_PUBLISH },
	{ "play", MODE_PLAY },
	{ "churn", MODE_CHURN },
};

/* How the argument of an option is read, and what it is stored as. */
enum form { FLAG, REAL, WHOLE, WHOLE64, TEXT };

enum {
	ALL = MODE_PUBLISH | MODE_PLAY | MODE_CHURN,
	MEDIA = MODE_PUBLISH | MODE_CHURN,
	PLAYS = MODE_PLAY | MODE_CHURN
};

#define AT(field) offsetof(struct options, field)

static const struct known {
	int opt;
	unsigned modes;
	enum form form;
	size_t at; /* in struct options */
	double min, max;
	double scale; /* 0: none */
} known[] = {
	{ 'c', MODE_PUBLISH | MODE_PLAY, FLAG, AT(reconnect), 0, 0, 0 },
	{ 'd', ALL, REAL, AT(duration_s), 0, 1e7, 0 },
	{ 'n', ALL, WHOLE, AT(count), 1, 100000, 0 },
	{ 'R', ALL, WHOLE, AT(ramp), 1, 1000000, 0 },
	{ 'v', ALL, FLAG, AT(verbose), 0, 0, 0 },
	{ 'a', MEDIA, WHOLE, AT(audio_bps), 0, 100000, 1000 },
	{ 'C', MEDIA, WHOLE, AT(chunk), 1, CHUNK_SIZE_MAX, 0 },
	{ 'f', MEDIA, REAL, AT(fps), 0.1, 1000, 0 },
	{ 'g', MEDIA, REAL, AT(gop_s), 0.001, 3600, 0 },
	{ 'i', MODE_PUBLISH, TEXT, AT(file), 0, 0, 0 },
	{ 'K', MEDIA, WHOLE, AT(key_bytes), FRAME_LEN_MIN, WIRE_MESSAGE_MAX,
	    0 },
	{ 'k', MEDIA, REAL, AT(key_factor), 0.01, 10000, 0 },
	{ 'r', MEDIA, WHOLE64, AT(bitrate), 1000, 1e10, 0 },
	{ 'V', MEDIA, FLAG, AT(no_video), 0, 0, 0 },
	{ NO_VERIFY, MODE_PLAY, FLAG, AT(no_verify), 0, 0, 0 },
	{ 's', PLAYS, WHOLE, AT(streams), 1, 100000, 0 },
	{ 'Z', MODE_PLAY, REAL, AT(stall_after_s), 0, 1e7, 0 },
	{ 'z', MODE_PLAY, WHOLE, AT(stalled), 0, 100000, 0 },
	{ 'G', MODE_CHURN, REAL, AT(gone_s), 0, 3600, 0 },
	{ 'l', MODE_CHURN, REAL, AT(leave), 0, 100000, 0 },
	{ 'm', MODE_CHURN, REAL, AT(pub_leave), 0, 100000, 0 },
};

enum { KNOWN = sizeof(known) / sizeof(*known) };

static bool
complain(const char *what, const char *text, const char *expected)
{
	fprintf(stderr, "sluice-bench: %s '%s': %s\n", what, text, expected);
	return false;
}

/* A number with K, M or G behind it, from min to max. */
static bool
number(char opt, const char *text, double min, double max, double *out)
{
	char *end;
	errno = 0;
	double v = strtod(text, &end);
	double scale = 1;
	if (strcasecmp(end, "k") == 0)
		scale = 1e3;
	else if (strcasecmp(end, "m") == 0)
		scale = 1e6;
	else if (strcasecmp(end, "g") == 0)
		scale = 1e9;
	v *= scale;
	if (end == text || (*end != '\0' && scale == 1) || errno != 0 ||
	    isnan(v) || v < min || v > max) {
		char what[] = "option -x";
		char expected[96];
		what[8] = opt;
		snprintf(expected, sizeof(expected),
		    "expected a number from %.10g to %.10g", min, max);
		return complain(what, text, expected);
	}
	*out = v;
	return true;
}

static bool
store(struct options *o, const struct known *k, const char *arg)
{
	uint8_t *at = (uint8_t *)o + k->at;
	double v = 0;
	if (k->form != FLAG && k->form != TEXT &&
	    !number((char)k->opt, arg, k->min, k->max, &v))
		return false;
	if (k->scale > 0)
		v *= k->scale;
	uint32_t whole = k->form == WHOLE ? (uint32_t)v : 0;
	uint64_t whole64 = k->form == WHOLE64 ? (uint64_t)v : 0;
	bool flag = true;
	switch (k->form) {
	case FLAG:
		memcpy(at, &flag, sizeof(flag));
		break;
	case REAL:
		memcpy(at, &v, sizeof(v));
		break;
	case WHOLE:
		memcpy(at, &whole, sizeof(whole));
		break;
	case WHOLE64:
		memcpy(at, &whole64, sizeof(whole64));
		break;
	case TEXT:
		memcpy(at, &arg, sizeof(arg));
		break;
	}
	return true;
}

/* WHEN+HOW-LONG, in seconds */
static bool
parse_pause(struct options *o, const char *arg)
{
	char after[32];
	const char *plus = strchr(arg, '+');
	size_t n = plus != NULL ? (size_t)(plus - arg) : sizeof(after);
	if (n >= sizeof(after))
		return complain("option -P", arg, "expected seconds+seconds");
	memcpy(after, arg, n);
	after[n] = '\0';
	return number('P', after, 0, 1e7, &o->pause_after_s) &&
	       number('P', plus + 1, 0, 1e7, &o->pause_s);
}

static bool
parse_option(struct options *o, int opt, const char *arg)
{
	if (opt == 'j') /* the one line is JSON anyway */
		return true;
	if (opt == 'P' && o->mode == MODE_PUBLISH)
		return parse_pause(o, arg);
	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].opt == opt && (known[i].modes & o->mode) != 0)
			return store(o, &known[i], arg);
	if (opt == NO_VERIFY)
		fputs("sluice-bench: --no-verify is for play\n", stderr);
	fputs(usage, stderr); /* getopt has said what is wrong */
	return false;
}

/* The letters of a mode, for getopt. */
static void
letters_of(enum mode mode, char *out)
{
	*out++ = 'h';
	*out++ = 'j';
	for (size_t i = 0; i < KNOWN; i++) {
		if ((known[i].modes & mode) == 0 || known[i].opt > 255)
			continue;
		*out++ = (char)known[i].opt;
		if (known[i].form != FLAG)
			*out++ = ':';
	}
	if (mode == MODE_PUBLISH) {
		*out++ = 'P';
		*out++ = ':';
	}
	*out = '\0';
}

static bool
parse_url(struct options *o, const char *text)
{
	o->text = text;
	if (!url_split_stream(span_of(text), &o->url))
		return complain(
		    "address", text, "expected rtmp://host[:port]/app/stream");
	if (!url_same_host(o->url.scheme, span_of("rtmp")))
		return complain("address", text, "only rtmp:// is supported");
	return true;
}

static bool
check(const struct options *o)
{
	if (o->no_video && o->audio_bps == 0) {
		fputs("sluice-bench: -V and -a 0 leave nothing to publish: "
		      "give only one of them\n",
		    stderr);
		return false;
	}
	if (o->stalled > o->count) {
		fputs("sluice-bench: -z must not exceed the players of -n\n",
		    stderr);
		return false;
	}
	return true;
}

static void
set_defaults(struct options *o, enum mode mode)
{
	*o = (struct options){ .mode = mode,
		.count = mode == MODE_CHURN ? 20 : 1,
		.ramp = 200,
		.duration_s = 10,
		.bitrate = 2000000,
		.fps = 30,
		.gop_s = 2,
		.audio_bps = 128000,
		.key_factor = 5,
		.chunk = WIRE_CHUNK,
		.streams = 1,
		.leave = 5,
		.pub_leave = 0.5,
		.gone_s = 0.5 };
}

/* 0: no such command */
static enum mode
mode_of(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(name, modes[i].name) == 0)
			return modes[i].mode;
	return 0;
}

const char *
options_mode_name(enum mode m)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (modes[i].mode == m)
			return modes[i].name;
	return "unknown";
}

enum options_result
options_parse(struct options *o, int argc, char **argv)
{
	enum mode mode = argc >= 2 ? mode_of(argv[1]) : 0;
	set_defaults(o, mode);
	if (mode != 0) {
		argv[1] = argv[0]; /* getopt names it in its messages */
		argc--;
		argv++;
	}
	char letters[2 * KNOWN + 8];
	letters_of(mode, letters);
	int opt;
	while ((opt = getopt_long(argc, argv, letters, long_options, NULL)) !=
	       -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return OPTIONS_DONE;
		}
		if (opt == VERSION_ONLY) {
			puts("sluice-bench " PACKAGE_VERSION);
			return OPTIONS_DONE;
		}
		if (!parse_option(o, opt, optarg))
			return OPTIONS_USAGE;
	}
	if (mode == 0 || optind != argc - 1) {
		fputs(usage, stderr);
		return OPTIONS_USAGE;
	}
	if (!parse_url(o, argv[optind]) || !check(o))
		return OPTIONS_USAGE;
	return OPTIONS_RUN;
}

char *
options_stream_name(const struct options *o, uint32_t i, uint32_t of)
{
	struct span s = o->url.stream;
	struct span front = span_head(s, span_find(s, '?'));
	const char *mark = memmem(front.p, front.len, "%d", 2);
	size_t at = mark != NULL ? (size_t)(mark - s.p) : front.len;
	struct span tail = span_skip(s, mark != NULL ? at + 2 : at);
	char digits[16] = "";
	if (mark != NULL || of > 1)
		snprintf(digits, sizeof(digits), "%u", i);
	char *name = NULL;
	if (asprintf(&name, "%.*s%s%.*s", (int)at, s.p, digits, (int)tail.len,
		tail.p) < 0)
		return NULL;
	return name;
}
