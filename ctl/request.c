/* Verbs that ask the master to do something: kick, ban, url, token. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/answer.h"
#include "ctl/filter.h"
#include "ctl/output.h"
#include "ctl/text.h"
#include "ctl/verb.h"

static const struct column ban_columns[] = {
	{ "KIND", "kind", CELL_TEXT },
	{ "WHAT", "what", CELL_TEXT },
	{ "LEFT", "seconds_left", CELL_AGE },
};
static const struct view ban_view = { ban_columns, 3, false, "no bans" };

/*
 * Ask, and on success print the answer: as JSON, else by `say`.
 * req is taken.
 */
static enum ctl_exit
ask(const struct ctl *c, json_t *req,
    void (*say)(const struct ctl *c, const json_t *answer))
{
	char err[4 * TEXT_CELL];
	json_t *answer;
	enum ctl_exit rc = attach_ask(c->run, req, &answer, err, sizeof err);
	if (rc != CTL_DONE)
		return answer_failed(rc, err);
	if (c->json)
		(void)output_json.show(stdout, NULL, answer);
	else
		say(c, answer);
	json_decref(answer);
	return fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;
}

static json_t *
request(const char *command)
{
	return json_pack("{s:s}", "command", command);
}

/* --for; false after complaining. */
static bool
add_time(const struct ctl *c, json_t *req)
{
	const char *s = c->option[OPTION_FOR];
	uint64_t n = s ? text_seconds(s) : 0;
	if (s && n == 0) {
		(void)answer_failed(
		    CTL_USAGE, "--for: expected a time as 30s, 10m, 2h or 1d");
		return false;
	}
	json_object_set_new(req, "for_s", json_integer((json_int_t)n));
	return true;
}

/* The stream of argument 0; false after complaining. */
static bool
add_stream(const struct ctl *c, json_t *req)
{
	struct stream_name n;
	if (stream_name_parse(c->arg[0], &n) != 0) {
		(void)answer_failed(CTL_USAGE,
		    "expected a stream as APP/NAME or APP/INSTANCE/NAME");
		return false;
	}
	json_object_set_new(req, "app", output_string(n.app, strlen(n.app)));
	json_object_set_new(
	    req, "instance", output_string(n.instance, strlen(n.instance)));
	json_object_set_new(
	    req, "stream", output_string(n.name, strlen(n.name)));
	return true;
}

static void
add_option(const struct ctl *c, json_t *req, enum option_id o, const char *as)
{
	const char *s = c->option[o];
	if (s)
		json_object_set_new(req, as, output_string(s, strlen(s)));
}

static void
print_text(const char *before, const json_t *v, const char *after)
{
	char safe[TEXT_CELL];
	output_cell(safe, v, CELL_TEXT);
	printf("%s%s%s", before, safe, after);
}

static enum ctl_exit
given_up(json_t *req)
{
	json_decref(req);
	return CTL_USAGE;
}

/* Kicks and bans. -------------------------------------------------------- */

static void
said_client(const struct ctl *c, const json_t *a)
{
	print_text("disconnected ", json_object_get(a, "addr"), "");
	if (c->option[OPTION_FOR])
		printf(", refused for %s", c->option[OPTION_FOR]);
	putchar('\n');
}

enum ctl_exit
verb_client_kick(const struct ctl *c)
{
	char *end;
	json_int_t id = strtoll(c->arg[0], &end, 10);
	json_t *req = request("kick_client");
	if (*end || id <= 0) {
		(void)answer_failed(CTL_USAGE,
		    "expected the id of a client (sluicectl client list)");
		return given_up(req);
	}
	json_object_set_new(req, "client", json_integer(id));
	return add_time(c, req) ? ask(c, req, said_client) : given_up(req);
}

static void
said_stream(const struct ctl *c, const json_t *a)
{
	if (json_is_true(json_object_get(a, "live")))
		print_text(
		    "disconnected client ", json_object_get(a, "client"), "");
	else
		fputs("not live", stdout);
	if (c->option[OPTION_FOR])
		printf(", the name is refused for %s", c->option[OPTION_FOR]);
	putchar('\n');
}

enum ctl_exit
verb_stream_kick(const struct ctl *c)
{
	json_t *req = request("kick_stream");
	return add_stream(c, req) && add_time(c, req) ? ask(c, req, said_stream)
						      : given_up(req);
}

enum ctl_exit
verb_ban_list(const struct ctl *c)
{
	char err[4 * TEXT_CELL];
	json_t *answer;
	const struct output *o = c->json ? &output_json : &output_text;
	enum ctl_exit rc =
	    attach_ask(c->run, request("bans"), &answer, err, sizeof err);
	if (rc != CTL_DONE)
		return answer_failed(rc, err);
	if (o->show(stdout, &ban_view, json_object_get(answer, "bans")) != 0)
		rc = CTL_REFUSED;
	json_decref(answer);
	return rc;
}

static void
said_done(const struct ctl *c, const json_t *a)
{
	(void)c;
	(void)a;
	puts("done");
}

enum ctl_exit
verb_ban_remove(const struct ctl *c)
{
	json_t *req = request("unban");
	json_object_set_new(
	    req, "what", output_string(c->arg[0], strlen(c->arg[0])));
	return ask(c, req, said_done);
}

/* Keys. ------------------------------------------------------------------ */

static void
said_url(const struct ctl *c, const json_t *a)
{
	(void)c;
	print_text("Server      ", json_object_get(a, "server"), "\n");
	print_text("Stream Key  ", json_object_get(a, "key"), "\n");
}

enum ctl_exit
verb_stream_url(const struct ctl *c)
{
	json_t *req = request("stream_url");
	add_option(c, req, OPTION_HOST, "host");
	return add_stream(c, req) ? ask(c, req, said_url) : given_up(req);
}

static void
add_use(const struct ctl *c, json_t *req)
{
	json_object_set_new(req, "use",
	    json_string(c->option[OPTION_PLAY] ? "play" : "publish"));
	add_option(c, req, OPTION_FROM, "addr");
}

static void
said_token(const struct ctl *c, const json_t *a)
{
	if (json_object_get(a, "server"))
		print_text("Server      ", json_object_get(a, "server"), "\n");
	print_text(c->option[OPTION_PLAY] ? "Name        " : "Stream Key  ",
	    json_object_get(a, "key"), "\n");
	print_text("Expires     ", json_object_get(a, "expires"), "\n");
}

enum ctl_exit
verb_token_make(const struct ctl *c)
{
	json_t *req = request("token_make");
	struct ctl hour = *c;
	if (!hour.option[OPTION_FOR])
		hour.option[OPTION_FOR] = "1h";
	add_use(c, req);
	add_option(c, req, OPTION_HOST, "host");
	return add_stream(c, req) && add_time(&hour, req)
		   ? ask(c, req, said_token)
		   : given_up(req);
}

static void
said_check(const struct ctl *c, const json_t *a)
{
	(void)c;
	print_text("", json_object_get(a, "text"), "");
	if (json_is_string(json_object_get(a, "expires")))
		print_text(", until ", json_object_get(a, "expires"), "");
	putchar('\n');
}

enum ctl_exit
verb_token_check(const struct ctl *c)
{
	char err[4 * TEXT_CELL];
	json_t *req = request("token_check"), *a;
	add_use(c, req);
	json_object_set_new(
	    req, "token", output_string(c->arg[1], strlen(c->arg[1])));
	if (!add_stream(c, req))
		return given_up(req);
	enum ctl_exit rc = attach_ask(c->run, req, &a, err, sizeof err);
	if (rc != CTL_DONE)
		return answer_failed(rc, err);
	if (c->json)
		(void)output_json.show(stdout, NULL, a);
	else
		said_check(c, a);
	rc = json_is_true(json_object_get(a, "valid")) ? CTL_DONE : CTL_REFUSED;
	json_decref(a);
	return rc;
}
