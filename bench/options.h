/*
 * options - the command line of sluice-bench as plain data.  Parsed once by
 * main, read-only afterwards.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "rtmp/url.h"

/* Bits: an option is known to several. */
enum mode {
	MODE_PUBLISH = 1,
	MODE_PLAY = 2,
	MODE_CHURN = 4,
	MODE_STORM = 8,
	MODE_HOPS = 16,
	MODE_FLOOR = 32,
	MODE_COMPARE = 64
};

enum { OPTIONS_TARGETS = 16, OPTIONS_PIDS = 32 };

struct options_target {
	const char *text;
	struct url_stream url; /* spans of text */
};

/* Processes of a server. */
struct options_pids {
	uint32_t count;
	int pid[OPTIONS_PIDS];
};

struct options {
	enum mode mode;
	struct options_target target[OPTIONS_TARGETS];
	uint32_t targets;
	uint32_t count;	   /* -n: streams or players */
	uint32_t ramp;	   /* -R: connections per second */
	double duration_s; /* -d; 0: until a signal */
	bool reconnect;	   /* -c */
	bool verbose;	   /* -v */

	/* what is published */
	uint64_t bitrate;     /* -r: bits per second, video */
	double fps;	      /* -f */
	double gop_s;	      /* -g */
	uint32_t audio_bps;   /* -a, 0: none */
	double key_factor;    /* -k: keyframe in sizes of the others */
	uint32_t key_bytes;   /* -K: keyframe in bytes, 0: use the factor */
	bool no_video;	      /* -V */
	double pause_after_s; /* -P: the video pauses at this time */
	double pause_s;	      /* for so long; 0: never */
	uint32_t chunk;	      /* -C */
	const char *file;     /* -i: an FLV file instead; NULL: none */

	/* play */
	uint32_t streams;     /* -s: how many of them */
	uint32_t stalled;     /* -z: players that stop reading */
	double stall_after_s; /* -Z */
	bool no_verify;	      /* --no-verify */
	bool idle;	      /* --idle: nobody publishes what they play */
	uint32_t slow;	      /* -y: players that read slowly */
	double slow_bps;      /* -Y: at this rate */
	uint32_t sample;      /* -x: one of so many looks at what it gets */
	uint32_t parts;	      /* -P: processes */
	double warm_s;	      /* -W: before anything is measured */
	double every_ms;      /* -e: look at the sockets once in so long */
	struct options_pids pids[2]; /* -p, -q */
	uint32_t base; /* -b: storm: players that are there before */

	/* floor */
	double window_ms; /* -w: 0: each frame alone */
	bool uring;	  /* -u */

	/* compare */
	uint32_t rounds; /* -N */
	bool observes;	 /* -o: publishes nothing */

	/* churn */
	double leave;	  /* -l: players that leave and come, per second */
	double pub_leave; /* -m: the same of publishers */
	double gone_s;	  /* -G: how long a publisher stays away */

	/* Set by measure.c, not on the command line. */
	uint32_t part;	    /* of parts */
	uint64_t start_ns;  /* 0: now */
	uint64_t window_ns; /* what is measured begins here */
	uint64_t end_ns;    /* 0: duration_s, or never */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_USAGE };

/*
 * Read the command line; on a fault say on stderr what and where.
 * OPTIONS_DONE: help or version was printed.
 */
enum options_result options_parse(struct options *o, int argc, char **argv);

/* "play" */
const char *options_mode_name(enum mode m);

/*
 * The name of stream or player number i, as a new string for free(): "%d" in
 * name (url.stream of a target) becomes the number; without it the number is put behind the name
 * when there are several (of > 1).  NULL: out of memory.
 */
char *options_stream_name(struct span name, uint32_t i, uint32_t of);

#endif
