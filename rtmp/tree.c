#include "config.h"

#include <string.h>

#include "rtmp/tree.h"
#include "rtmp/wire.h"

/* A key whose length was read from two bytes, or of ours. */
static void
write_key(struct writer *w, struct span key)
{
	writer_u16(w, (uint16_t)key.len);
	writer_span(w, key);
}

static bool
is_ours(struct span key)
{
	static const char prefix[] = "sluice";
	return key.len >= sizeof prefix - 1 &&
	       memcmp(key.p, prefix, sizeof prefix - 1) == 0;
}

static void
property(struct writer *w, struct span key, const struct amf0_value *v,
    const struct tree_connect *t)
{
	if (is_ours(key))
		return;
	write_key(w, key);
	if (span_is(key, "app") && t->app.p != NULL)
		amf0_write_string(w, t->app);
	else if (span_is(key, "tcUrl") && t->url.p != NULL)
		amf0_write_string(w, t->url);
	else
		writer_bytes(w, v->raw, (size_t)(v->raw_end - v->raw));
}

/* What the client said in AMF3, as far as it is known; else as it came. */
static bool
write_object(struct writer *w, const struct cmd *c,
    const struct amf0_value *object, const struct tree_connect *t)
{
	struct cmd_connect cc;
	struct amf0_value v;
	struct amf0_iter it;
	struct span key;
	bool app = false, url = false;
	if (amf0_is_object(object)) {
		amf0_iter_init(&it, object);
		while (amf0_iter_next(&it, &key, &v)) {
			property(w, key, &v, t);
			app |= span_is(key, "app");
			url |= span_is(key, "tcUrl");
		}
	} else {
		if (cmd_parse_connect(c, &cc) != AMF0_OK)
			return false;
		amf0_prop_string(w, "flashVer", cc.flash_ver);
		amf0_prop_string(w, "swfUrl", cc.swf_url);
		amf0_prop_string(w, "pageUrl", cc.page_url);
		amf0_prop_number(w, "capabilities", cc.capabilities);
		amf0_prop_number(w, "audioCodecs", cc.audio_codecs);
		amf0_prop_number(w, "videoCodecs", cc.video_codecs);
		amf0_prop_number(w, "videoFunction", cc.video_function);
		amf0_prop_number(w, "objectEncoding", cc.object_encoding);
		amf0_prop_string(w, "app", t->app.p != NULL ? t->app : cc.app);
		amf0_prop_string(
		    w, "tcUrl", t->url.p != NULL ? t->url : cc.tc_url);
		app = url = true;
	}
	if (!app && t->app.p != NULL)
		amf0_prop_string(w, "app", t->app);
	if (!url && t->url.p != NULL)
		amf0_prop_string(w, "tcUrl", t->url);
	return true;
}

bool
tree_write_connect(
    struct writer *w, const struct cmd *c, const struct tree_connect *t)
{
	struct reader r = c->rest;
	struct amf0_value object;
	if (amf0_read(&r, &object) != AMF0_OK ||
	    !(amf0_is_object(&object) || object.type == AMF0_AVMPLUS))
		return false;
	amf0_write_text(w, cmd_name(CMD_CONNECT));
	amf0_write_number(w, c->txn);
	amf0_object_begin(w);
	if (!write_object(w, c, &object, t))
		return false;
	if (t->client.len > 0)
		amf0_prop_string(w, CMD_CLIENT, t->client);
	if (t->via.len > 0) {
		amf0_prop_string(w, CMD_CLIENT_VIA, t->via);
		amf0_prop_number(w, CMD_CLIENT_HOPS, t->hops);
	}
	amf0_object_end(w);
	writer_bytes(w, r.p, (size_t)(r.end - r.p));
	return writer_ok(w);
}

void
tree_write_gone(struct writer *w, uint32_t chunk, uint32_t client)
{
	struct wire_mark mark;
	wire_begin(w, &mark, WIRE_CSID_COMMAND, WIRE_COMMAND, 0, 0);
	amf0_write_text(w, TREE_GONE);
	amf0_write_number(w, 0);
	amf0_write_null(w);
	amf0_write_number(w, client);
	wire_end(w, &mark, chunk);
}

bool
tree_parse_gone(const struct cmd *c, uint32_t *client)
{
	double n;
	if (!span_is(c->name, TREE_GONE) ||
	    cmd_parse_number(c, &n) != AMF0_OK || n < 1 || n > UINT32_MAX)
		return false;
	*client = (uint32_t)n;
	return *client == n;
}
