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

enum { NO_VERIFY = 256, IDLE, VERSION_ONLY };

static const struct option long_options[] = {
	{ "no-verify", no_argument, NULL, NO_VERIFY },
	{ "idle", no_argument, NULL, IDLE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, VERSION_ONLY },
	{ NULL, 0, NULL, 0 },
};

static const char *const usage =
    "usage: sluice-bench publish [-cVv] [-a kbit/s] [-C chunk] [-d seconds]\n"
    "           [-f fps] [-g seconds] [-i file.flv] [-K bytes] [-k factor]\n"
    "           [-n streams] [-P seconds+seconds] [-p pid,pid]\n"
    "           [-R per-second] [-r bit/s] [-W seconds]\n"
    "           rtmp://host[:port]/app/stream\n"
    "       sluice-bench play [-cv] [--idle] [--no-verify] [-d seconds] "
    "[-e ms]\n"
    "           [-n players] [-P processes] [-p pid,pid] [-R per-second]\n"
    "           [-s streams] [-W seconds] [-x players] [-Y bit/s] [-y "
    "players]\n"
    "           [-Z seconds] [-z players] rtmp://host[:port]/app/stream\n"
    "       sluice-bench churn [-Vv] [-a kbit/s] [-C chunk] [-d seconds]\n"
    "           [-f fps] [-G seconds] [-g seconds] [-K bytes] [-k factor]\n"
    "           [-l per-second] [-m per-second] [-n players] [-R per-second]\n"
    "           [-r bit/s] [-s streams] rtmp://host[:port]/app/stream\n"
    "       sluice-bench storm [-v] [-b players] [-d seconds] [-n players]\n"
    "           [-P processes] [-p pid,pid] [-R per-second] [-s streams]\n"
    "           rtmp://host[:port]/app/stream\n"
    "       sluice-bench hops [-v] [-d seconds] [-n players] [-P processes]\n"
    "           [-R per-second] [-W seconds] url url ...\n"
    "       sluice-bench floor [-uV] [-a kbit/s] [-d seconds] [-f fps]\n"
    "           [-g seconds] [-K bytes] [-k factor] [-r bit/s] [-s streams]\n"
    "           [-w ms] rtmp://address[:port]/app/stream\n"
    "       sluice-bench compare [-oVv] [-a kbit/s] [-d seconds] [-e ms] [-f fps]\n"
    "           [-g seconds] [-N rounds] [-n players] [-P processes]\n"
    "           [-p pid,pid] [-q pid,pid] [-R per-second] [-r bit/s]\n"
    "           [-s streams] [-W seconds] [-x players] url url\n"
    "       sluice-bench --help | --version\n";

static const struct {
	const char *name;
	enum mode mode;
} modes[] = {
	{ "publish", MODE_PUBLISH },
	{ "play", MODE_PLAY },
	{ "churn", MODE_CHURN },
	{ "storm", MODE_STORM },
	{ "hops", MODE_HOPS },
	{ "floor", MODE_FLOOR },
	{ "compare", MODE_COMPARE },
};

/* How the argument of an option is read, and what it is stored as. */
enum form { FLAG, REAL, WHOLE, WHOLE64, TEXT, PIDS };

enum {
	ALL = MODE_PUBLISH | MODE_PLAY | MODE_CHURN | MODE_STORM | MODE_HOPS |
	      MODE_FLOOR | MODE_COMPARE,
	MEDIA = MODE_PUBLISH | MODE_CHURN | MODE_FLOOR | MODE_COMPARE,
	MEASURES = MODE_PLAY | MODE_STORM | MODE_HOPS | MODE_COMPARE,
	PLAYS = MEASURES | MODE_CHURN,
	CONNECTS = ALL & ~MODE_FLOOR
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
	{ 'n', CONNECTS, WHOLE, AT(count), 1, 100000, 0 },
	{ 'R', CONNECTS, WHOLE, AT(ramp), 1, 1000000, 0 },
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
	{ IDLE, MODE_PLAY, FLAG, AT(idle), 0, 0, 0 },
	{ 's', PLAYS | MODE_FLOOR, WHOLE, AT(streams), 1, 100000, 0 },
	{ 'Z', MODE_PLAY, REAL, AT(stall_after_s), 0, 1e7, 0 },
	{ 'z', MODE_PLAY, WHOLE, AT(stalled), 0, 100000, 0 },
	{ 'P', MEASURES, WHOLE, AT(parts), 1, 64, 0 },
	{ 'p', MEASURES | MODE_PUBLISH, PIDS, AT(pids[0]), 0, 0, 0 },
	{ 'q', MODE_COMPARE, PIDS, AT(pids[1]), 0, 0, 0 },
	{ 'e', MODE_PLAY | MODE_COMPARE, REAL, AT(every_ms), 0, 100, 0 },
	{ 'W', MEASURES | MODE_PUBLISH, REAL, AT(warm_s), 0, 3600, 0 },
	{ 'x', MEASURES, WHOLE, AT(sample), 1, 100000, 0 },
	{ 'Y', MODE_PLAY, REAL, AT(slow_bps), 1000, 1e10, 0 },
	{ 'y', MODE_PLAY, WHOLE, AT(slow), 0, 100000, 0 },
	{ 'b', MODE_STORM, WHOLE, AT(base), 0, 100000, 0 },
	{ 'w', MODE_FLOOR, REAL, AT(window_ms), 0, 60000, 0 },
	{ 'u', MODE_FLOOR, FLAG, AT(uring), 0, 0, 0 },
	{ 'N', MODE_COMPARE, WHOLE, AT(rounds), 1, 1000, 0 },
	{ 'o', MODE_COMPARE, FLAG, AT(observes), 0, 0, 0 },
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

/* PID,PID,... */
static bool
parse_pids(struct options_pids *out, char opt, const char *arg)
{
	char what[] = "option -x";
	what[8] = opt;
	out->count = 0;
	for (const char *p = arg;; p++) {
		char *end;
		long v = strtol(p, &end, 10);
		if (end == p || v <= 0 || v > INT32_MAX ||
		    (*end != ',' && *end != '\0') || out->count == OPTIONS_PIDS)
			return complain(what, arg,
			    "expected process ids with commas between them");
		out->pid[out->count++] = (int)v;
		if (*end == '\0')
			return true;
		p = end;
	}
}

static bool
store(struct options *o, const struct known *k, const char *arg)
{
	uint8_t *at = (uint8_t *)o + k->at;
	double v = 0;
	bool is_number =
	    k->form == REAL || k->form == WHOLE || k->form == WHOLE64;
	if (is_number && !number((char)k->opt, arg, k->min, k->max, &v))
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
	case PIDS:
		return parse_pids(
		    (struct options_pids *)(void *)at, (char)k->opt, arg);
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
	if (opt == IDLE)
		fputs("sluice-bench: --idle is for play\n", stderr);
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
	struct options_target *t = &o->target[o->targets];
	if (o->targets == OPTIONS_TARGETS)
		return complain("address", text, "at most 16 are possible");
	t->text = text;
	o->targets++;
	if (!url_split_stream(span_of(text), &t->url))
		return complain(
		    "address", text, "expected rtmp://host[:port]/app/stream");
	if (!url_same_host(t->url.scheme, span_of("rtmp")))
		return complain("address", text, "only rtmp:// is supported");
	return true;
}

/* Are there as many addresses as the mode wants? */
static bool
targets_ok(const struct options *o, int given)
{
	if (o->mode == MODE_COMPARE)
		return given == 2;
	return o->mode == MODE_HOPS ? given >= 1 : given == 1;
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
	if (o->stalled + o->slow > o->count) {
		fputs("sluice-bench: -z and -y together must not exceed the "
		      "players of -n\n",
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
		.ramp = mode == MODE_STORM ? 1000000 : 200,
		.duration_s = 10,
		.bitrate = 2000000,
		.fps = 30,
		.gop_s = 2,
		.audio_bps = 128000,
		.key_factor = 5,
		.chunk = WIRE_CHUNK,
		.streams = 1,
		.slow_bps = 1000000,
		.sample = 1,
		.parts = 1,
		.warm_s = -1,
		.rounds = 3,
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
	if (mode == 0 || !targets_ok(o, argc - optind)) {
		fputs(usage, stderr);
		return OPTIONS_USAGE;
	}
	for (; optind < argc; optind++)
		if (!parse_url(o, argv[optind]))
			return OPTIONS_USAGE;
	return check(o) ? OPTIONS_RUN : OPTIONS_USAGE;
}

char *
options_stream_name(struct span s, uint32_t i, uint32_t of)
{
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
