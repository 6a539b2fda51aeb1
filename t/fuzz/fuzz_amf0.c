/* fuzz_amf0 - libFuzzer entry point for rtmp/amf0.h. */
#include "config.h"

#include <stdlib.h>

#include "rtmp/amf0.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	return 0;
}
