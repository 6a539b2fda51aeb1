/* fuzz_url - libFuzzer entry point for rtmp/url.h. */
#include "config.h"

#include <stdlib.h>

#include "rtmp/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	return 0;
}
