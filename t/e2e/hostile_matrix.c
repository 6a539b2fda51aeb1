/*
 * Every command in every state: "order-COMMAND-STATE".
 *
 *	hello		before connect
 *	connected	no message stream yet
 *	stream		on message stream 1, idle
 *	publishing	on message stream 1, which publishes
 *	playing		on message stream 1, which plays
 *	foreign		on message stream 77, never created
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "t/e2e/hostile.h"

enum { STATES = 6, NAME = 64, SCRIPT = 160 };

static const struct {
	const char *name;
	enum stage at;
	int msid;
} states[STATES] = {
	{ "hello", AT_HELLO, 0 },
	{ "connected", AT_CONNECTED, 0 },
	{ "stream", AT_STREAM, 1 },
	{ "publishing", AT_PUBLISHING, 1 },
	{ "playing", AT_PLAYING, 1 },
	{ "foreign", AT_STREAM, 77 },
};

/* clang-format off */
#define ORDER	"!"	/* closed as command-order */
#define NOTHING	""	/* taken in silence */
#define RESULT	"_result"
#define PLAYS	"NetStream.Play.Start"

/*
 * What arrives in each state; before connect only connect is allowed, all the
 * rest is ORDER there.
 */
static const struct {
	const char *name, *args;
	const char *ends[STATES]; /* NULL: as the one before */
} commands[] = {
	{ "connect", "{ app s:live }",
	    { "NetConnection.Connect.Success", ORDER } },
	{ "createStream", "null", { ORDER, RESULT } },
	{ "initStream", "null", { ORDER, RESULT } },
	{ "publish", "null s:$n s:live",
	    { ORDER, ORDER, "NetStream.Publish.Start", ORDER } },
	{ "play", "null s:cam", { ORDER, ORDER, PLAYS, ORDER, PLAYS, ORDER } },
	{ "play2", "null { streamName s:cam }",
	    { ORDER, ORDER, PLAYS, ORDER, PLAYS, ORDER } },
	{ "deleteStream", "null n:1", { ORDER, NOTHING } },
	{ "closeStream", "null", { ORDER, NOTHING } },
	{ "releaseStream", "null s:cam", { ORDER, RESULT } },
	{ "FCPublish", "null s:cam", { ORDER, "onFCPublish" } },
	{ "FCUnpublish", "null s:cam", { ORDER, NOTHING } },
	{ "FCSubscribe", "null s:cam", { ORDER, "onFCSubscribe" } },
	{ "FCUnsubscribe", "null s:cam", { ORDER, RESULT } },
	{ "receiveAudio", "null b:0", { ORDER, NOTHING } },
	{ "receiveVideo", "null b:0", { ORDER, NOTHING } },
	{ "pause", "null b:1 n:0",
	    { ORDER, NOTHING, NULL, NULL, "NetStream.Pause.Notify", NOTHING } },
	{ "pauseRaw", "null b:1 n:0",
	    { ORDER, NOTHING, NULL, NULL, "NetStream.Pause.Notify", NOTHING } },
	{ "seek", "null n:1000", { ORDER, "NetStream.Seek.Failed" } },
	{ "getStreamLength", "null s:cam", { ORDER, RESULT } },
	{ "_checkbw", "null", { ORDER, RESULT } },
	{ "checkBandwidth", "null", { ORDER, RESULT } },
	{ "_result", "null null", { ORDER, NOTHING } },
	{ "_error", "null null", { ORDER, NOTHING } },
	{ "onStatus", "null null", { ORDER, NOTHING } },
	{ "onBWDone", "null", { ORDER, NOTHING } },
	{ "onFCPublish", "null", { ORDER, NOTHING } },
	{ "onFCUnpublish", "null", { ORDER, NOTHING } },
	{ "onFCSubscribe", "null", { ORDER, NOTHING } },
	{ "close", "null", { ORDER, NOTHING } },
	{ "noSuchCommand", "null", { ORDER, "NetConnection.Call.Failed" } },
};
/* clang-format on */

enum { COMMANDS = sizeof commands / sizeof *commands };

static struct hostile_case rows[COMMANDS * STATES];
static char names[COMMANDS * STATES][NAME];
static char scripts[COMMANDS * STATES][SCRIPT];

static void
set_row(size_t at, size_t command, size_t state, const char *end)
{
	struct hostile_case *c = &rows[at];
	snprintf(names[at], NAME, "order-%s-%s", commands[command].name,
	    states[state].name);
	snprintf(scripts[at], SCRIPT, "cmd %d %s 9 %s", states[state].msid,
	    commands[command].name, commands[command].args);
	*c = (struct hostile_case){ .name = names[at],
		.from = states[state].at,
		.script = scripts[at],
		.counter = "messages.in" };
	if (strcmp(end, ORDER) == 0) {
		c->ending = END_CLOSED;
		c->counter = "closed.command-order";
	} else if (strcmp(end, NOTHING) == 0) {
		c->ending = END_LIVES;
	} else {
		c->ending = END_SAYS;
		c->says = end;
		if (strstr(end, "Failed") != NULL)
			c->counter = "calls.refused";
	}
}

const struct hostile_case *
hostile_matrix(size_t *n)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const char *end = commands[i].ends[0];
		for (size_t s = 0; s < STATES; s++) {
			if (commands[i].ends[s] != NULL)
				end = commands[i].ends[s];
			set_row(i * STATES + s, i, s, end);
		}
	}
	*n = COMMANDS * STATES;
	return rows;
}
