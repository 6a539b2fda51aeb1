// av.mjs - the libraries of a newer FFmpeg (npm's node-av) as an RTMP client.
//
//	av.mjs remux IN OUT.flv		copy into FLV as FFmpeg's muxer writes it
//	av.mjs publish IN URL		copy to a server in real time
//	av.mjs md5 IN OUT		read to the end; one line a packet, as
//					ffmpeg -f framemd5 writes them: stream (pictures
//					first), dts, pts, duration, size, MD5
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

// installed in the build directory, not beside this file
const require = createRequire(resolve(process.env.NODE_AV, 'package.json'));
const { Dictionary, FFmpegError, FormatContext, IOContext, Packet } = require('node-av');
const { AVERROR_EOF, AVIO_FLAG_WRITE, AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO } =
	require('node-av/constants');

const check = (ret, what) => FFmpegError.throwIfError(ret, what);

async function openInput(url) {
	const input = new FormatContext();
	const options = url.startsWith('rtmp:') ?
		{ rw_timeout: 60000000, rtmp_live: 'live',
			rtmp_enhanced_codecs: 'hvc1,av01,vp09' } : {};
	check(await input.openInput(url, null, Dictionary.fromObject(options)), url);
	check(await input.findStreamInfo(null), 'findStreamInfo');
	return input;
}

async function* packets(input) {
	const packet = new Packet();
	packet.alloc();
	for (;;) {
		const ret = await input.readFrame(packet);
		if (ret === AVERROR_EOF)
			break;
		check(ret, 'readFrame');
		yield packet;
		packet.unref();
	}
	packet.free();
}

async function openOutput(url, streams) {
	const output = new FormatContext();
	check(output.allocOutputContext2(null, 'flv', url), 'allocOutputContext2');
	for (const stream of streams) {
		const copy = output.newStream(null);
		check(stream.codecpar.copy(copy.codecpar), 'codec parameters');
		copy.codecpar.codecTag = 0;
		copy.timeBase = stream.timeBase;
	}
	const io = new IOContext();
	check(await io.open2(url, AVIO_FLAG_WRITE), url);
	output.pb = io;
	check(await output.writeHeader(Dictionary.fromObject(
		{ flvflags: 'no_duration_filesize' })), 'writeHeader');
	return output;
}

async function copy(from, to, live) {
	const input = await openInput(from);
	const output = await openOutput(to, input.streams);
	const began = performance.now();
	for await (const packet of packets(input)) {
		const base = input.streams[packet.streamIndex].timeBase;
		const due = Number(packet.dts) * 1000 * base.num / base.den;
		const wait = began + due - performance.now();
		if (live && wait > 0)
			await new Promise((done) => setTimeout(done, wait));
		packet.rescaleTs(base, output.streams[packet.streamIndex].timeBase);
		packet.pos = -1n;
		check(await output.interleavedWriteFrame(packet), 'write');
	}
	check(await output.writeTrailer(), 'writeTrailer');
	await output.closeOutput();
	await input.closeInput();
}

async function md5(from, to) {
	const input = await openInput(from);
	const lines = [];
	for await (const p of packets(input)) {
		const kind = [AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO].indexOf(
			input.streams[p.streamIndex].codecpar.codecType);
		if (kind < 0 || p.data === null) // script data; only side data
			continue;
		lines.push([kind, p.dts, p.pts, p.duration, p.size,
			createHash('md5').update(p.data).digest('hex')].join(', '));
	}
	writeFileSync(to, lines.join('\n') + '\n');
}

const [mode, from, to] = process.argv.slice(2);
if (mode === 'remux' || mode === 'publish')
	await copy(from, to, mode === 'publish');
else
	await md5(from, to);
process.exit(0);
