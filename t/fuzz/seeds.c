/*
 * seeds - write a few well-formed inputs for each fuzzer, with our own
 * writers, and the corpus: seeds DIR t/fuzz/corpus/NAME.hex... makes
 * DIR/chunk-session, DIR/cmd-play ... and DIR/corpus/NAME/0001 ...
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rtmp/chunk.h"
#include "rtmp/cmd.h"
#include "rtmp/handshake.h"
#include "rtmp/wire.h"

enum { BUF = 8192 };

static uint8_t buf[BUF];
static const char *dir;

/* One seed: the byte that the fuzzer takes first, then the input. */
static void
save(const char *name, int first, const uint8_t *p, size_t n)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	if (first >= 0)
		fputc(first, f);
	fwrite(p, 1, n, f);
	if (fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

/* The payload behind the header of a message in one chunk, as a command. */
static void
save_command(const char *name, const struct writer *w)
{
	struct wire_msg m;
	if (wire_parse(w->buf, w->len, &m) == WIRE_OK)
		save(name, m.type, w->buf + m.head_len, w->len - m.head_len);
}

static void
client_session(struct writer *w, uint32_t chunk)
{
	const struct cmd_connect c = { .txn = 1,
		.app = span_of("live"),
		.tc_url = span_of("rtmp://localhost/live"),
		.flash_ver = span_of("FMLE/3.0"),
		.type = span_of("nonprivate"),
		.object_encoding = 0 };
	cmd_write_connect(w, chunk, &c);
	cmd_write_call_name(w, chunk, CMD_RELEASE_STREAM, 2, span_of("demo"));
	cmd_write_call(w, chunk, CMD_CREATE_STREAM, 0, 3);
	cmd_write_publish(w, chunk, 1, 4, span_of("demo?k=v"), "live",
	    (struct span){ "", 0 }, 0);
	memset(buf + 4096, 0x17, 600);
	wire_write(w, 6, WIRE_VIDEO, 1, 0x01020304, buf + 4096, 600, chunk);
	wire_abort(w, 6);
	cmd_write_delete_stream(w, chunk, 5, 1);
}

static void
save_chunks(void)
{
	struct writer w;
	writer_init(&w, buf, 4096);
	client_session(&w, WIRE_CHUNK_DEFAULT);
	save("chunk-session", 4, buf, w.len);
	writer_init(&w, buf, 4096);
	wire_set_chunk_size(&w, 4096);
	client_session(&w, 4096);
	save("chunk-4096", 0, buf, w.len);
}

static void
save_commands(void)
{
	struct writer w;
	const struct cmd_connect_result r = {
		.txn = 1, .fms_ver = "FMS/5,0,17,0", .version = "5,0,17,0"
	};
	const struct cmd_status s = { "status", "NetStream.Play.Start",
		span_of("Started playing demo."), span_of("demo"),
		span_of("1") };
	writer_init(&w, buf, BUF);
	cmd_write_connect_result(&w, WIRE_CHUNK, &r);
	save_command("cmd-result", &w);
	save("amf0-result", -1, buf + 12, w.len - 12);
	writer_init(&w, buf, BUF);
	cmd_write_on_status(&w, WIRE_CHUNK, 1, &s);
	save_command("cmd-status", &w);
	writer_init(&w, buf, BUF);
	cmd_write_play(&w, WIRE_CHUNK, 1, 4, span_of("demo"), -2000,
	    (struct span){ "", 0 }, 0);
	save_command("cmd-play", &w);
	writer_init(&w, buf, BUF);
	wire_set_buffer_length(&w, 1, 3000);
	save_command("cmd-control", &w);
	writer_init(&w, buf, BUF);
	amf0_write_text(&w, "@setDataFrame");
	amf0_write_text(&w, "onMetaData");
	amf0_ecma_begin(&w, 2);
	amf0_prop_number(&w, "width", 640);
	amf0_key(&w, "list");
	amf0_strict_begin(&w, 1);
	amf0_write_boolean(&w, true);
	amf0_object_end(&w);
	save("cmd-data", WIRE_DATA, buf, w.len);
	save("amf0-data", -1, buf, w.len);
}

static void
save_hex(const char *name, int first, const char *hex)
{
	size_t n = strlen(hex) / 2;
	if (n > BUF) {
		fprintf(
		    stderr, "seeds: %s: %zu bytes, at most %d\n", name, n, BUF);
		exit(1);
	}
	for (size_t i = 0; i < n; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		buf[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	save(name, first, buf, n);
}

static void
save_flvtags(void)
{
	/* hvcC of x265: alone, and third of three tracks behind a ModEx */
	static const char hvcc[] =
	    "9068766331"
	    "0101600000009000000000003cf000fcfdf8f800000f032000010018"
	    "40010c01ffff01600000030090000003000003003c95980921000100"
	    "2b42010101600000030090000003000003003ca00a480b9c95965669"
	    "24caf01680800000030080000003028422000100074401c172b46240";
	save_hex("flvtag-hvcc", -1, hvcc);
	save_hex("flvtag-avcc", -1,
	    "170000000001f4001effe1001b67f4001e919b281405ff1380880000"
	    "030008000003019078b16cb001000668ebe3c44844fff8f800");
	save_hex("flvtag-av1c", -1,
	    "9061763031812000000a0d200000043d06d4daf92021a004");
	save_hex("flvtag-vvcc", -1,
	    "9076766331ff00315f04025380000000c0505101000000000f000870"
	    "000000");
	save_hex(
	    "flvtag-vp9", -1, "9176703039a2498342e014100b560a38241c184a00");
	save_hex("flvtag-vp8", -1, "9176703038b05a009d012a4201b60000");
	save_hex("flvtag-multi", -1,
	    "97020f42400626616376310100000268"
	    "766331000000040000000061763031020000"
	    "01aa");
	save_hex("flvtag-aac", -1, "95006d703461001190");
	save_hex("flvtag-opus", -1,
	    "904f7075734f7075734865616401023801443a0000000000");
	save_hex("flvtag-flac", -1,
	    "90664c6143664c614300000022120012000000c100055c0bb802f000"
	    "0025803e1ee165e1ad7b03b62982b91ec1e78d");
	save_hex("flvtag-ac3", -1, "9161632d330b770dce5e40ebf8403eff9d");
}

static void
save_aggregates(void)
{
	save_hex("aggregate-three", -1,
	    "0800000100000a00000005af0000000c"
	    "0900000200001e000000051701"
	    "0000000d"
	    "1200000300002800000005020000"
	    "0000000e");
	save_hex("aggregate-nested", -1,
	    "1600000f00000a000000050800000000000a00000000000000"
	    "0b0000001a");
}

static void
save_amf3(void)
{
	/* {a: -1, b: "b", c: [1.5; k: true]} with references */
	save_hex("amf3-object", -1,
	    "0a0b01036104bfffffff03620602036309030"
	    "36b0301053ff800000000000001");
	/* traits with one sealed member, used twice; the object itself */
	save_hex("amf3-traits", -1,
	    "0907010a130754687803780401"
	    "0a0104020a0204030802");
	/* date, XML, bytes, vectors, dictionary, ArrayCollection */
	save_hex("amf3-others", -1,
	    "090f01080142748a5dd40000000b093c612f3e0c07616263"
	    "0d0500000000010000000210030001040111030006036b0401"
	    "0a0743666c65782e6d6573736167696e672e696f2e41727261"
	    "79436f6c6c656374696f6e09030104010f0300400400000000"
	    "0000");
	save_hex("amf0-avmplus", -1,
	    "020005706c61790040080000000000001103110609"
	    "64656d6f1104bfffffff110a0b0103610401"
	    "01");
}

/* Scripts of fuzz_session.c. */
static void
save_sessions(void)
{
	/* publisher and players of both paths; headers, frames, an end */
	static const uint8_t plain[] = { 1, 1, 0, 0, 0, 2, 1, 0, 0, 2, 0, 1, 0,
		9, 0, 5, 0, 0, 0, 9, 0, 2, 6, 0, 0, 9, 0, 4, 5, 0, 0, 9, 0, 0,
		13, 0, 0, 3, 20, 9, 0, 3, 6, 0, 40, 9, 0, 1, 12, 0, 40, 8, 0, 1,
		5, 9, 0, 6, 0, 0, 50, 3, 100, 9, 0, 0, 18, 0, 90, 4, 30, 8, 0,
		1, 4, 8, 1, 1, 5 };
	/* players that take little, a ring that moves on, writable again */
	static const uint8_t slow[] = { 3, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 0,
		9, 0, 0, 18, 0, 0, 9, 0, 1, 18, 0, 40, 4, 10, 9, 0, 0, 18, 4, 0,
		4, 10, 9, 0, 1, 21, 8, 0, 4, 20, 9, 0, 0, 21, 8, 0, 4, 20, 9, 0,
		0, 19, 8, 0, 4, 20, 18, 1, 140, 18, 2, 150, 18, 1, 255, 8, 2, 1,
		5, 18, 2, 255 };
	/* by hand: cut input, woven chunks, a grant that comes late, resets */
	static const uint8_t late[] = { 0, 0, 1, 7, 0, 0, 8, 0, 0, 0, 0, 8, 0,
		0, 1, 17, 0, 9, 5, 1, 8, 0, 1, 2, 0, 9, 0, 0, 11, 0, 0, 17, 0,
		1, 6, 1, 5, 2, 6, 1, 12, 0, 0x65, 12, 0, 20, 17, 0, 2, 6, 1, 14,
		0, 0, 4, 0, 19, 0, 4, 6, 1 };
	/* one connection plays on two message streams */
	static const uint8_t two_plays[] = { 1, 2, 0, 1, 0x28, 8, 0, 1, 0x2b, 9,
		1, 0, 0, 0, 9, 0x31, 0, 5 };
	/* an edge with clients that call and go, at a server that judges nobody */
	static const uint8_t below[] = { 5, 21, 0, 20, 0, 1, 0, 20, 0, 2, 0x82,
		20, 0, 0xc1, 8, 20, 0, 0x42, 2, 20, 0, 3, 0x20, 4, 20, 20, 0,
		0xc3, 0x13, 19, 0, 4 };
	/* an edge in the middle: two clients, the server above lets one in */
	static const uint8_t middle[] = { 13, 21, 0, 20, 0, 1, 0, 20, 0, 2, 2,
		22, 0, 0xe0, 22, 1, 0x38, 22, 1, 9, 22, 1, 0x12, 0, 20, 0, 0xc1,
		8, 22, 1, 1, 0x10, 22, 1, 0x42, 8, 20, 0, 0x41, 1, 4, 20, 19, 1,
		4, 4, 20, 22, 0, 0xe0 };
	/* each client alone there, much said, an end, a server that is missing */
	static const uint8_t alone[] = { 29, 21, 0, 20, 0, 1, 0, 20, 0, 2, 0,
		22, 0, 0xe0, 22, 1, 8, 22, 0, 0xe0, 22, 0, 0xe0, 22, 1, 8, 22,
		2, 8, 18, 1, 0, 20, 0, 0xc1, 3, 20, 0, 0xc1, 3, 20, 0, 0xc1, 3,
		20, 0, 0xc1, 3, 20, 0, 0xc1, 3, 20, 0, 0xc1, 3, 20, 0, 0x42, 1,
		18, 1, 255, 3, 100, 22, 2, 0x20, 0, 4, 10, 22, 0, 0xe8, 4, 10 };
	save("session-below", -1, below, sizeof(below));
	save("session-middle", -1, middle, sizeof(middle));
	save("session-alone", -1, alone, sizeof(alone));
	save("session-two-plays", -1, two_plays, sizeof(two_plays));
	save("session-plain", -1, plain, sizeof(plain));
	save("session-slow", -1, slow, sizeof(slow));
	save("session-late", -1, late, sizeof(late));
}

static void
make_folder(const char *name)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	if (mkdir(path, 0777) != 0 && errno != EEXIST) {
		perror(path);
		exit(1);
	}
}

/* One input a line, in hexadecimal digits; see pack.sh. */
static void
unpack(const char *corpus)
{
	static char line[2 * BUF + 2];
	char folder[256], name[300];
	const char *base = strrchr(corpus, '/');
	base = base != NULL ? base + 1 : corpus;
	snprintf(folder, sizeof folder, "corpus/%.*s", (int)strcspn(base, "."),
	    base);
	make_folder("corpus");
	make_folder(folder);
	FILE *f = fopen(corpus, "r");
	if (f == NULL) {
		perror(corpus);
		exit(1);
	}
	for (unsigned i = 1; fgets(line, sizeof line, f) != NULL; i++) {
		size_t n = strspn(line, "0123456789abcdef");
		if (n == 0 || n % 2 != 0 || line[n] != '\n') {
			fprintf(stderr,
			    "seeds: %s:%u: not an input of at most "
			    "%d bytes in hexadecimal digits\n",
			    corpus, i, BUF);
			exit(1);
		}
		line[n] = '\0';
		snprintf(name, sizeof name, "%s/%04u", folder, i);
		save_hex(name, -1, line);
	}
	fclose(f);
}

int
main(int argc, char **argv)
{
	struct hs_client h;
	if (argc < 2) {
		fprintf(stderr, "usage: seeds DIR [CORPUS.hex...]\n");
		return 64;
	}
	dir = argv[1];
	for (int i = 2; i < argc; i++)
		unpack(argv[i]);
	save_chunks();
	save_commands();
	save_sessions();
	save_amf3();
	save_flvtags();
	save_aggregates();
	memset(buf, 0, BUF);
	hs_client_init(&h, 1, buf);
	save("handshake-plain", 1, buf, HS_CLIENT_OUT + HS_PACKET);
	buf[5] = 9;
	save("handshake-version", 255, buf, HS_CLIENT_OUT + HS_PACKET);
	static const char url[] = "rtmp://[::1]:1935/live/room/mp4:cam?k=v";
	memcpy(buf, url, sizeof(url) - 1);
	save("url-1", -1, buf, sizeof(url) - 1);
	return 0;
}
