/*
 * fuzz_handshake - libFuzzer entry point for rtmp/handshake.h: the first byte
 * says how the rest is cut.
 */
#include "config.h"

#include <stdlib.h>

#include "rtmp/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hs_server s;
	struct hs_client c;
	uint8_t out[HS_SERVER_OUT];
	size_t len, sent = 0;
	if (size < 2)
		return 0;
	size_t step = 1u + data[0] * 16u;
	const uint8_t *p = data + 1, *end = data + size;
	hs_server_init(&s, 1);
	for (enum hs_result e = HS_NEED_MORE; e == HS_NEED_MORE && p < end;) {
		size_t n = (size_t)(end - p);
		e = hs_server_feed(
		    &s, &p, p + (n < step ? n : step), out, &len);
		sent += len;
		if (e == HS_DONE && sent != HS_SERVER_OUT)
			abort();
	}
	hs_client_init(&c, 1, out);
	p = data + 1;
	for (enum hs_result e = HS_NEED_MORE; e == HS_NEED_MORE && p < end;) {
		size_t n = (size_t)(end - p);
		e = hs_client_feed(
		    &c, &p, p + (n < step ? n : step), out, &len);
	}
	return 0;
}
