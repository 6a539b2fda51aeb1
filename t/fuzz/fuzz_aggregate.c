/* fuzz_aggregate - libFuzzer entry point for rtmp/aggregate.h. */
#include "config.h"

#include <stdlib.h>

#include "rtmp/aggregate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aggregate a;
	struct aggregate_msg m;
	enum aggregate_result e;
	const uint8_t *last = data;
	aggregate_init(&a, data, size, 1000);
	while ((e = aggregate_next(&a, &m)) == AGGREGATE_OK) {
		if (m.data < last || m.len > (size_t)(data + size - m.data))
			abort();
		last = m.data + m.len;
	}
	enum aggregate_result whole = aggregate_check(data, size);
	if (whole != (e == AGGREGATE_END ? AGGREGATE_OK : e))
		abort();
	return 0;
}
