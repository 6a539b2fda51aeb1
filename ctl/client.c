#include "config.h"

#include <string.h>

#include "ctl/client.h"
#include "ctl/list.h"
#include "ctl/output.h"
#include "shm/directory.h"
#include "shm/rows.h"

static json_t *
text(const char *s, size_t cap)
{
	return output_string(s, strnlen(s, cap));
}

/*
 * The parts of a row's key: all four; before the stream is known, vhost, app
 * and instance, or app and instance only.
 */
static void
add_name(json_t *j, const char *key, size_t keylen)
{
	static const char *const part[] = { "vhost", "app", "instance",
		"stream" };
	unsigned nuls = 0;
	for (size_t i = 0; i < keylen; i++)
		nuls += key[i] == '\0';
	unsigned shift = nuls >= 2 ? 0 : 1;
	for (unsigned i = 0; i < 4; i++) {
		size_t len = 0;
		const char *p = i < shift ? key
					  : directory_key_part(
						key, keylen, i - shift, &len);
		json_object_set_new(
		    j, part[i], len ? output_string(p, len) : json_null());
	}
}

static const char *
role_name(uint32_t role)
{
	static const char *const name[] = {
		[ROW_FREE] = "free",
		[ROW_NEW] = "new",
		[ROW_IDLE] = "idle",
		[ROW_PUBLISH] = "publish",
		[ROW_PLAY] = "play",
		[ROW_WAIT] = "wait",
		[ROW_UPSTREAM] = "upstream",
		[ROW_EDGE] = "edge",
		[ROW_VIRTUAL] = "virtual",
	};
	return role < sizeof name / sizeof *name ? name[role] : "unknown";
}

struct walk {
	json_t *list;
	unsigned slot;
	struct mono now;
};

static bool
add_client(const struct client_row *r, void *arg)
{
	struct walk *w = arg;
	struct client_row copy;
	bool whole = row_read(r, &copy) == 0;
	json_t *j = json_pack("{s:o, s:i, s:s, s:o, s:o}", "id",
	    list_number(list_word(&r->id)), "worker", (int)w->slot, "role",
	    role_name(list_word32(&r->role)), "addr",
	    whole ? text(copy.addr, sizeof copy.addr) : json_null(), "agent",
	    whole ? text(copy.agent, sizeof copy.agent) : json_null());
	add_name(j, copy.key, whole ? copy.keylen : 0);
	json_object_set_new(
	    j, "connected_s", list_age(list_word(&r->since_ns), w->now));
	json_object_set_new(
	    j, "bytes_in", list_number(list_word(&r->bytes_in)));
	json_object_set_new(
	    j, "bytes_out", list_number(list_word(&r->bytes_out)));
	json_object_set_new(j, "skips", list_number(list_word(&r->skips)));
	json_object_set_new(
	    j, "lag_bytes", list_number(list_word(&r->lag_bytes)));
	bool virtual = list_word32(&r->role) == ROW_VIRTUAL;
	json_object_set_new(j, "edge",
	    virtual ? list_number(list_word(&r->edge)) : json_null());
	json_array_append_new(w->list, j);
	return true;
}

json_t *
client_list(const struct attach *at, struct mono now)
{
	struct walk w = { .list = json_array(), .now = now };
	for (w.slot = 0; w.slot < at->nslots; w.slot++)
		rows_each(
		    &at->arena, w.slot, at->slot_fd[w.slot], add_client, &w);
	return w.list;
}

/* Virtual clients of an edge's connection. */
static json_int_t
clients_of(const json_t *rows, json_int_t edge)
{
	json_int_t n = 0;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *e =
		    json_object_get(json_array_get(rows, i), "edge");
		n += json_is_integer(e) && json_integer_value(e) == edge;
	}
	return n;
}

json_t *
client_edges(const struct attach *at, struct mono now)
{
	json_t *rows = client_list(at, now), *edges = json_array();
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		const char *role =
		    json_string_value(json_object_get(row, "role"));
		if (!role || strcmp(role, "edge") != 0)
			continue;
		json_int_t id = json_integer_value(json_object_get(row, "id"));
		json_object_set_new(
		    row, "clients", json_integer(clients_of(rows, id)));
		json_array_append(edges, row);
	}
	json_decref(rows);
	return edges;
}

struct lookup {
	uint64_t id;
	json_t *addr;
};

static bool
match_id(const struct client_row *r, void *arg)
{
	struct lookup *l = arg;
	struct client_row copy;
	if (list_word(&r->id) != l->id)
		return true;
	if (row_read(r, &copy) == 0 && copy.id == l->id)
		l->addr = text(copy.addr, sizeof copy.addr);
	return false;
}

json_t *
client_addr(const struct attach *at, unsigned s, uint64_t id)
{
	struct lookup l = { .id = id };
	rows_each(&at->arena, s, at->slot_fd[s], match_id, &l);
	return l.addr ? l.addr : json_null();
}
