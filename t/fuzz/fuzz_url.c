/* fuzz_url - libFuzzer entry point for rtmp/url.h. */
#include "config.h"

#include <stdlib.h>

#include "common/conf.h"
#include "rtmp/explicit.h"
#include "rtmp/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The second half may be the name of a stream. */
static void
look_explicit(struct span s)
{
	char whole[512], normal[256];
	struct explicit_url u;
	struct span rest, stream;
	struct writer w;
	if (explicit_find(s, s, &rest) && explicit_parse(rest, &u)) {
		writer_init(&w, normal, sizeof normal);
		struct span app = { normal, 0 };
		if (explicit_normal(&u, &w) && !u.partial) {
			app.len = w.len;
			if (!span_equal(conf_app_name(app), u.app))
				abort();
			explicit_next_app(app);
		}
	}
	if (explicit_join(span_head(s, s.len / 2), span_skip(s, s.len / 2),
		whole, sizeof whole, &u, &stream) &&
	    (u.partial || stream.len == 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r;
	struct url_tc tc;
	struct url_stream stream;
	struct url_name name;
	struct url_app app;
	reader_init(&r, data, size);
	struct span s = reader_span(&r, size);
	url_split_tc(s, &tc);
	url_split_app(s, &app);
	url_split_name(s, &name);
	url_strip_prefix(name.name);
	if (url_split_stream(s, &stream) &&
	    (stream.host.len == 0 || stream.app.len == 0 || stream.port == 0))
		abort();
	look_explicit(s);
	return 0;
}
