#include "config.h"

#include "rtmp/aggregate.h"
#include "rtmp/wire.h"

enum { TAG_HEAD = 11 };

void
aggregate_init(
    struct aggregate *a, const uint8_t *payload, size_t len, uint32_t ts)
{
	*a = (struct aggregate){ .ts = ts };
	reader_init(&a->r, payload, len);
}

static enum aggregate_result
check_type(uint8_t type)
{
	switch (type) {
	case WIRE_AUDIO:
	case WIRE_VIDEO:
	case WIRE_DATA:
	case WIRE_DATA_AMF3:
		return AGGREGATE_OK;
	case WIRE_AGGREGATE:
		return AGGREGATE_NESTED;
	default:
		return AGGREGATE_TYPE;
	}
}

/* One tag, FLV 10.1, E.4.1, and the back pointer, E.3. */
static enum aggregate_result
read_tag(struct aggregate *a, struct aggregate_msg *m)
{
	uint8_t type = reader_u8(&a->r);
	uint32_t len = reader_u24(&a->r);
	uint32_t ts = reader_u24(&a->r);
	ts |= (uint32_t)reader_u8(&a->r) << 24;
	reader_u24(&a->r); /* the stream id of the aggregate counts */
	const uint8_t *data = reader_bytes(&a->r, len);
	uint32_t back = reader_u32(&a->r);
	enum aggregate_result e = check_type(type);
	if (e != AGGREGATE_OK)
		return e;
	if (!reader_ok(&a->r))
		return AGGREGATE_CUT;
	if (back != len + TAG_HEAD)
		return AGGREGATE_BACK;
	if (!a->begun)
		a->first = ts;
	a->begun = true;
	*m = (struct aggregate_msg){ type, ts - a->first + a->ts, data, len };
	return AGGREGATE_OK;
}

enum aggregate_result
aggregate_next(struct aggregate *a, struct aggregate_msg *m)
{
	*m = (struct aggregate_msg){ .type = 0 };
	if (a->error != AGGREGATE_OK)
		return (enum aggregate_result)a->error;
	if (reader_left(&a->r) == 0)
		return AGGREGATE_END;
	enum aggregate_result e = read_tag(a, m);
	a->error = (uint8_t)e;
	return e;
}

enum aggregate_result
aggregate_check(const uint8_t *payload, size_t len)
{
	struct aggregate a;
	struct aggregate_msg m;
	enum aggregate_result e;
	aggregate_init(&a, payload, len, 0);
	do
		e = aggregate_next(&a, &m);
	while (e == AGGREGATE_OK);
	return e == AGGREGATE_END ? AGGREGATE_OK : e;
}

const char *
aggregate_result_name(enum aggregate_result e)
{
	switch (e) {
	case AGGREGATE_OK:
		return "ok";
	case AGGREGATE_END:
		return "end";
	case AGGREGATE_CUT:
		return "cut";
	case AGGREGATE_BACK:
		return "back-pointer";
	case AGGREGATE_NESTED:
		return "nested";
	case AGGREGATE_TYPE:
		return "type";
	}
	return "invalid";
}
