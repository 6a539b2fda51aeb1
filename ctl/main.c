/*
 * sluicectl - the operator's view of a running server.
 *
 * Exit status: 0 done, 1 refused, 2 usage, 3 no master.
 */
#include "config.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "ctl/attach.h"
#include "ctl/client.h"
#include "ctl/list.h"
#include "ctl/output.h"
#include "ctl/stream.h"
#include "ctl/text.h"

#define COUNT(array) (unsigned)(sizeof(array) / sizeof *(array))
#define VIEW(columns, record, empty)                                           \
	{                                                                      \
		columns, COUNT(columns), record, empty                         \
	}

/* clang-format off */
static const struct column server_columns[] = {
	{ "version", "version", CELL_TEXT },
	{ "pid", "pid", CELL_COUNT },
	{ "started", "start_time", CELL_TEXT },
	{ "uptime", "uptime_s", CELL_AGE },
	{ "listen", "listen", CELL_JOINED },
	{ "configuration", "conf", CELL_TEXT },
	{ "run directory", "run", CELL_TEXT },
	{ "log", "log", CELL_TEXT },
	{ "workers", "workers", CELL_COUNT },
	{ "workers up", "workers_up", CELL_COUNT },
	{ "clients", "clients", CELL_COUNT },
	{ "streams", "streams", CELL_COUNT },
	{ "memory limit", "arena.bytes_limit", CELL_BYTES },
	{ "memory used", "arena.bytes_used", CELL_BYTES },
	{ "memory resident", "arena.bytes_resident", CELL_BYTES },
	{ "counters", "counters", CELL_MEMBERS },
};

static const struct column worker_columns[] = {
	{ "SLOT", "slot", CELL_COUNT },
	{ "PID", "pid", CELL_COUNT },
	{ "STATE", "state", CELL_TEXT },
	{ "UPTIME", "uptime_s", CELL_AGE },
	{ "DEATHS", "deaths", CELL_COUNT },
	{ "CLIENTS", "clients", CELL_COUNT },
	{ "STREAMS", "streams", CELL_COUNT },
	{ "SEGMENTS", "segments_used", CELL_COUNT },
	{ "RESIDENT", "segments_resident", CELL_COUNT },
	{ "IN", "bytes_in", CELL_BYTES },
	{ "OUT", "bytes_out", CELL_BYTES },
};

static const struct column stream_columns[] = {
	{ "NAME", "", CELL_NAME },
	{ "STATE", "state", CELL_TEXT },
	{ "AGE", "since_s", CELL_AGE },
	{ "WORKER", "publisher.worker", CELL_COUNT },
	{ "PUBLISHER", "publisher.addr", CELL_TEXT },
	{ "READERS", "readers.total", CELL_COUNT },
	{ "BY WORKER", "readers.by_worker", CELL_JOINED },
	{ "RATE", "bitrate_in", CELL_RATE },
	{ "RING", "ring.bytes", CELL_BYTES },
	{ "SPAN", "ring.seconds", CELL_AGE },
	{ "VIDEO", "video", CELL_VIDEO },
	{ "AUDIO", "audio", CELL_AUDIO },
	{ "FRAMES", "frames", CELL_COUNT },
	{ "DROPPED", "dropped", CELL_COUNT },
};

static const struct column client_columns[] = {
	{ "ID", "id", CELL_COUNT },
	{ "WORKER", "worker", CELL_COUNT },
	{ "ROLE", "role", CELL_TEXT },
	{ "ADDRESS", "addr", CELL_TEXT },
	{ "STREAM", "", CELL_NAME },
	{ "AGE", "connected_s", CELL_AGE },
	{ "IN", "bytes_in", CELL_BYTES },
	{ "OUT", "bytes_out", CELL_BYTES },
	{ "LAG", "lag_bytes", CELL_BYTES },
	{ "SKIPS", "skips", CELL_COUNT },
	{ "AGENT", "agent", CELL_TEXT },
};
/* clang-format on */

typedef json_t *gather_fn(const struct attach *at, struct mono now);

/* Every command, once; sluicectl(8) has the same (t/lint/man.sh). */
static const struct command {
	const char *noun, *verb, *text;
	gather_fn *gather;
	struct view view;
} commands[] = {
	{ "server", "status", "the server, its memory and its counters",
	    list_server, VIEW(server_columns, true, "") },
	{ "worker", "list", "worker processes", list_workers,
	    VIEW(worker_columns, false, "no workers") },
	{ "stream", "list", "live streams, their rings and readers",
	    stream_list, VIEW(stream_columns, false, "no streams") },
	{ "client", "list", "connected clients", client_list,
	    VIEW(client_columns, false, "no clients") },
};

static void
usage(FILE *out)
{
	fputs("usage: sluicectl [-j] [-r RUN] NOUN VERB\n"
	      "       sluicectl -h | -V\n"
	      "\n"
	      "  -j      JSON instead of a table\n"
	      "  -r RUN  run directory of the server (" SLUICE_RUN_DIR ")\n"
	      "  -V      print the version\n"
	      "\n",
	    out);
	for (unsigned i = 0; i < COUNT(commands); i++)
		fprintf(out, "  %-6s %-8s %s\n", commands[i].noun,
		    commands[i].verb, commands[i].text);
	fprintf(out, "  %-6s %-8s %s\n", "help", "", "this text");
}

/* May somebody who typed word have meant name? */
static bool
is_near(const char *word, const char *name)
{
	size_t n = strlen(word);
	return (n > 0 && strncmp(word, name, n) == 0) ||
	       text_distance(word, name) <= 2;
}

static const struct command *
find_command(const char *noun, const char *verb)
{
	for (unsigned i = 0; i < COUNT(commands); i++)
		if (strcmp(noun, commands[i].noun) == 0 && verb &&
		    strcmp(verb, commands[i].verb) == 0)
			return &commands[i];
	return NULL;
}

/* List the commands with a near noun, else all. */
static void
list_near(const char *noun)
{
	bool any = false;
	for (unsigned i = 0; i < COUNT(commands); i++)
		any |= is_near(noun, commands[i].noun);
	fputs(any ? "did you mean:\n" : "the commands are:\n", stderr);
	for (unsigned i = 0; i < COUNT(commands); i++)
		if (!any || is_near(noun, commands[i].noun))
			fprintf(stderr, "  sluicectl %s %s\n", commands[i].noun,
			    commands[i].verb);
}

static enum ctl_exit
unknown_command(char **words, int n)
{
	char safe[TEXT_CELL];
	fputs("sluicectl: unknown command:", stderr);
	for (int i = 0; i < n; i++) {
		text_safe(safe, sizeof safe, words[i], strlen(words[i]));
		fprintf(stderr, " %s", safe);
	}
	fputc('\n', stderr);
	list_near(words[0]);
	return CTL_USAGE;
}

static enum ctl_exit
run_command(const struct command *c, const char *run, bool json)
{
	char err[4 * TEXT_CELL];
	struct attach at;
	enum ctl_exit rc = attach_open(&at, run, err, sizeof err);
	if (rc != CTL_DONE) {
		fprintf(stderr, "sluicectl: %s\n", err);
		return rc;
	}
	const struct output *o = json ? &output_json : &output_text;
	json_t *doc = c->gather(&at, clock_now());
	if (o->show(stdout, &c->view, doc) != 0) {
		perror("sluicectl: standard output");
		rc = CTL_REFUSED;
	}
	json_decref(doc);
	attach_close(&at);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "run", required_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const char *run = SLUICE_RUN_DIR;
	bool json = false;
	int o;
	while ((o = getopt_long(argc, argv, "hjr:V", longs, NULL)) != -1)
		switch (o) {
		case 'h':
			usage(stdout);
			return CTL_DONE;
		case 'V':
			puts("sluicectl " PACKAGE_VERSION);
			return CTL_DONE;
		case 'j':
			json = true;
			break;
		case 'r':
			run = optarg;
			break;
		default:
			fputs("try: sluicectl -h\n", stderr);
			return CTL_USAGE;
		}
	char **words = argv + optind;
	int n = argc - optind;
	if (n == 0) {
		usage(stderr);
		return CTL_USAGE;
	}
	if (n == 1 && strcmp(words[0], "help") == 0) {
		usage(stdout);
		return CTL_DONE;
	}
	const struct command *c = find_command(words[0], words[1]);
	if (!c || n != 2)
		return unknown_command(words, n);
	return run_command(c, run, json);
}
