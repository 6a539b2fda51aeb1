#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
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
    "           [-f fps] [-g seconds] [-K bytes] [-k factor] [-n streams]\n"
    "           [-P seconds+seconds] [-R per-second] [-r bit/s]\n"
    "           rtmp://host[:port]/app/stream\n"
    "       sluice-bench play [-cv] [--no-verify] [-d seconds] [-n players]\n"
    "           [-R per-second] [-s streams] [-Z seconds] [-z players]\n"
    "           rtmp://host[:port]/app/stream\n"
    "       sluice-bench --help | --version\n";

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
whole(char opt, const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	double v;
	if (!number(opt, text, min, max, &v))
		return false;
	*out = (uint32_t)v;
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
parse_common(struct options *o, int opt, const char *arg)
{
	switch (opt) {
	case 'c':
		o->reconnect = true;
		return true;
	case 'd':
		return number('d', arg, 0, 1e7, &o->duration_s);
	case 'j': /* the one line is JSON anyway */
		return true;
	case 'n':
		return whole('n', arg, 1, 100000, &o->count);
	case 'R':
		return whole('R', arg, 1, 1000000, &o->ramp);
	case 'v':
		o->verbose = true;
		return true;
	default: /* getopt has said what is wrong */
		fputs(usage, stderr);
		return false;
	}
}

static bool
parse_publish(struct options *o, int opt, const char *arg)
{
	double v;
	switch (opt) {
	case 'a':
		if (!number('a', arg, 0, 100000, &v))
			return false;
		o->audio_bps = (uint32_t)(v * 1000);
		return true;
	case 'C':
		return whole('C', arg, 1, CHUNK_SIZE_MAX, &o->chunk);
	case 'f':
		return number('f', arg, 0.1, 1000, &o->fps);
	case 'g':
		return number('g', arg, 0.001, 3600, &o->gop_s);
	case 'K':
		return whole(
		    'K', arg, FRAME_LEN_MIN, WIRE_MESSAGE_MAX, &o->key_bytes);
	case 'k':
		return number('k', arg, 0.01, 10000, &o->key_factor);
	case 'P':
		return parse_pause(o, arg);
	case 'r':
		if (!number('r', arg, 1000, 1e10, &v))
			return false;
		o->bitrate = (uint64_t)v;
		return true;
	case 'V':
		o->video = false;
		return true;
	default:
		return parse_common(o, opt, arg);
	}
}

static bool
parse_play(struct options *o, int opt, const char *arg)
{
	switch (opt) {
	case NO_VERIFY:
		o->verify = false;
		return true;
	case 's':
		return whole('s', arg, 1, 100000, &o->streams);
	case 'Z':
		return number('Z', arg, 0, 1e7, &o->stall_after_s);
	case 'z':
		return whole('z', arg, 0, 100000, &o->stalled);
	default:
		return parse_common(o, opt, arg);
	}
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
	if (o->publish && !o->video && o->audio_bps == 0) {
		fputs("sluice-bench: -V and -a 0 leave nothing to publish: "
		      "give only one of them\n",
		    stderr);
		return false;
	}
	if (!o->publish && o->stalled > o->count) {
		fputs("sluice-bench: -z must not exceed the players of -n\n",
		    stderr);
		return false;
	}
	return true;
}

static void
set_defaults(struct options *o)
{
	*o = (struct options){ .count = 1,
		.ramp = 200,
		.duration_s = 10,
		.bitrate = 2000000,
		.fps = 30,
		.gop_s = 2,
		.audio_bps = 128000,
		.key_factor = 5,
		.video = true,
		.chunk = WIRE_CHUNK,
		.streams = 1,
		.verify = true };
}

enum options_result
options_parse(struct options *o, int argc, char **argv)
{
	set_defaults(o);
	if (argc >= 2 && strcmp(argv[1], "publish") == 0)
		o->publish = true;
	bool known = o->publish || (argc >= 2 && strcmp(argv[1], "play") == 0);
	if (known) {
		argv[1] = argv[0]; /* getopt names it in its messages */
		argc--;
		argv++;
	}
	const char *letters =
	    o->publish ? "a:C:cd:f:g:hjK:k:n:P:R:r:Vv" : "cd:hjn:R:s:vZ:z:";
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
		if (o->publish ? !parse_publish(o, opt, optarg)
			       : !parse_play(o, opt, optarg))
			return OPTIONS_USAGE;
	}
	if (!known || optind != argc - 1) {
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
