/* fuzz_amf3 - libFuzzer entry point for rtmp/amf3.h. */
#include "config.h"

#include <stdlib.h>

#include "rtmp/amf3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk(const struct amf3 *a, const struct amf3_value *v)
{
	struct amf3_iter it;
	struct amf3_value in;
	struct amf0_value plain;
	struct span key;
	amf3_as_amf0(v, &plain);
	amf3_iter_init(&it, a, v);
	while (amf3_iter_next(&it, &key, &in)) {
		if (in.raw <= v->raw || in.raw_end > v->raw_end)
			abort();
		walk(&it.a, &in);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct amf3_tables tables;
	struct amf3 a;
	struct amf3_value v, in;
	amf3_init(&a, &tables, data, size);
	while (amf3_read(&a, &v) == AMF0_OK) {
		if (v.raw_end <= v.raw || v.raw_end != a.r.p)
			abort();
		walk(&a, &v);
		amf3_find(&a, &v, "code", &in);
	}
	return 0;
}
