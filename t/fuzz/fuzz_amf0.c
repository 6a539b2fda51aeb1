/* fuzz_amf0 - libFuzzer entry point for rtmp/amf0.h and rtmp/amfjson.h. */
#include "config.h"

#include <stdlib.h>

#include "rtmp/amfjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SMALL = 20000, ROOM = 1 << 21 };

/* What becomes JSON comes back; what is none is refused. */
static void
there_and_back(const uint8_t *data, size_t size)
{
	static uint8_t json[ROOM], amf[ROOM];
	struct reader r;
	struct writer w, back;
	reader_init(&r, data, size);
	writer_init(&w, json, sizeof json);
	writer_init(&back, amf, sizeof amf);
	/* larger ones may have names that grow beyond 64 KiB */
	if (amfjson_args(&w, &r) == AMF0_OK && size < SMALL &&
	    !amfjson_parse_args(&back, (struct span){ (char *)json, w.len }))
		abort();
	writer_init(&back, amf, sizeof amf);
	amfjson_parse(&back, (struct span){ (const char *)data, size });
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r;
	struct amf0_value v, inner;
	struct amf0_iter it;
	struct span key;
	reader_init(&r, data, size);
	while (amf0_read(&r, &v) == AMF0_OK) {
		if (v.raw_end <= v.raw || v.raw_end != r.p)
			abort();
		amf0_iter_init(&it, &v);
		while (amf0_iter_next(&it, &key, &inner))
			if (inner.raw <= v.raw || inner.raw_end > v.raw_end)
				abort();
		amf0_find(&v, "onMetaData", &inner);
	}
	there_and_back(data, size);
	return 0;
}
