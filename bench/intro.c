#include "config.h"

#include "bench/intro.h"
#include "rtmp/amf0.h"
#include "rtmp/wire.h"

/* ISO 14496-15, 5.3.3: High, level 3.1, 1280 by 720. */
static const uint8_t avc_header[] = { 0x17, 0x00, 0x00, 0x00, 0x00, 0x01, 0x64,
	0x00, 0x1f, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9,
	0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
	0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60, 0x01, 0x00, 0x06, 0x68,
	0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00 };
/* ISO 14496-3, 1.6.2.1: AAC-LC, 44100 Hz, stereo. */
static const uint8_t aac_header[] = { 0xaf, 0x00, 0x12, 0x10 };

static void
write_metadata(
    struct writer *w, const struct options *o, uint32_t msid, uint32_t chunk)
{
	struct wire_mark m;
	wire_begin(w, &m, WIRE_CSID_DATA, WIRE_DATA, msid, 0);
	amf0_write_text(w, "@setDataFrame");
	amf0_write_text(w, "onMetaData");
	amf0_ecma_begin(
	    w, (!o->no_video ? 5 : 0) + (o->audio_bps > 0 ? 4 : 0) + 1);
	if (!o->no_video) {
		amf0_prop_number(w, "width", 1280);
		amf0_prop_number(w, "height", 720);
		amf0_prop_number(w, "framerate", o->fps);
		amf0_prop_number(w, "videodatarate", (double)o->bitrate / 1000);
		amf0_prop_number(w, "videocodecid", 7);
	}
	if (o->audio_bps > 0) {
		amf0_prop_number(w, "audiodatarate", o->audio_bps / 1000.0);
		amf0_prop_number(w, "audiosamplerate", 44100);
		amf0_prop_boolean(w, "stereo", true);
		amf0_prop_number(w, "audiocodecid", 10);
	}
	amf0_prop_text(w, "encoder", "sluice-bench " PACKAGE_VERSION);
	amf0_object_end(w);
	wire_end(w, &m, chunk);
}

void
intro_write(
    struct writer *w, const struct options *o, uint32_t msid, uint32_t chunk)
{
	write_metadata(w, o, msid, chunk);
	if (!o->no_video)
		wire_write(w, WIRE_CSID_VIDEO, WIRE_VIDEO, msid, 0, avc_header,
		    sizeof(avc_header), chunk);
	if (o->audio_bps > 0)
		wire_write(w, WIRE_CSID_AUDIO, WIRE_AUDIO, msid, 0, aac_header,
		    sizeof(aac_header), chunk);
}
