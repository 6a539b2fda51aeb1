/*
 * proto - what the master and sluice-script say to each other: one process of
 * sluice-script runs the script of one application of one virtual host, with a
 * heap for each instance.
 *
 * Over a SOCK_SEQPACKET pair (descriptor PROTO_FD of the script's process), one
 * JSON object is one message, at most PROTO_MAX bytes.  "t" is its kind.  All
 * but setup, ready, quit, hung and pong have "inst", the instance.  Descriptor
 * PROTO_LOG_FD is the log writer's socket (common/log.h).
 *
 * args, value, info are values of AMF as rtmp/amfjson.h writes them.
 *
 * "client", "call", "seq" are strings or numbers that the other side chose:
 * opaque.  "nc", "ns" are numbers that the script's process chose, never twice
 * in the life of a heap.
 *
 * master -> script
 *
 *	setup	app, vhost, file, lib, heap_bytes, call_ms, server, host
 *		first message.  file: the script; lib: where load() looks, with
 *		semicolons; server, host: what the script is told
 *	start			run onAppStart of a new instance -> started, or
 *				failed
 *	stop	code, force	onAppStop({code}) -> stopped, or kept when it
 *				returned false and force is not set
 *	connect	client, addr, agent, uri, page, swf, secure, args[]
 *				-> one of accept, reject, redirect, or pending
 *				and later one of these
 *	gone	client		it has disconnected, accepted or not
 *	publish	stream, query, client, n [addr, agent]
 *				-> enter n, before the script is called, and
 *				leave n after that
 *	unpublish stream, client
 *				onPublish, onUnpublish.  A client that was never
 *				told by connect has addr and agent here
 *	call	client, seq, method, args[]
 *				-> return or error, if seq is not null
 *	result	client, call, ok, value
 *				the client's answer to an invoke
 *	nc	nc, code, text	state of a connection to another server:
 *				NetConnection.Connect.Success, .Failed, .Rejected
 *				or .Closed; after the last three it is over,
 *				unless it was opened with auto: then it is told
 *				once, and Success when it is up again
 *	nc_result nc, call, ok, value
 *	ns	ns, code, text	state of a push: NetStream.Publish.Start,
 *				.Publish.BadName, .Unpublish.Success, .Failed;
 *				after the last three it is over.  Start comes again
 *				when a connection with auto is up again
 *	relay	stream, code, text
 *				state of Stream.play: NetStream.Play.Start, .Stop,
 *				.Failed
 *	ping	n		-> pong
 *	quit			stop every instance (forced), then exit 0
 *
 * script -> master
 *
 *	ready			after setup
 *	started, failed text, stopped, kept
 *	enter	n		the script is called for the message with that n,
 *	leave	n		which has come back: who dies in between died of
 *				that message
 *	fault	called, file, line, text
 *				an error that nobody has caught; file "", line 0:
 *				unknown
 *	accept	client
 *	pending	client		onConnect has left the answer for later
 *	reject	client, text, info
 *	redirect client, url, text, info
 *	access	client, read, write
 *				directories with a semicolon between, whose streams it
 *				may play and publish; before the first it is / for both
 *	drop	client		application.disconnect
 *	return	client, seq, value
 *	error	client, seq, text
 *	invoke	client, method, call, args[]
 *				call null: no answer is awaited
 *	broadcast method, args[]
 *	nc_open	nc, url, auto, args[]
 *	nc_close nc		-> nc with .Closed
 *	nc_call	nc, method, call, args[]	-> nc_result, if call is not null
 *	push	ns, nc, stream, target, mode, buffer_ms
 *				publish the live stream of this instance as target
 *				over nc, which is up
 *	push_end ns		-> ns with .Unpublish.Success
 *	buffer	ns, buffer_ms
 *	relay	stream, source	stream of this instance reads what source has
 *	relay_end stream
 *	shutdown		application.shutdown: as if unloaded by hand
 *	hung	app, entry, function, file, line
 *				a call took longer than call_ms: the process ends
 *				with PROTO_EXIT_HUNG at once
 *	pong	n
 *
 * Neither side trusts the other more than that: what is malformed, unknown or
 * about something that is over is passed over.
 */
#ifndef COMMON_PROTO_H
#define COMMON_PROTO_H

enum {
	PROTO_FD = 3,
	PROTO_LOG_FD = 4,
	PROTO_MAX = 65536,	/* bytes of a message */
	PROTO_EXIT_HUNG = 75,	/* a call took too long */
	PROTO_EXIT_MEMORY = 76, /* a heap was full */
	PROTO_EXIT_ENGINE = 77, /* the engine failed, or the protocol did */
	PROTO_EXIT_NO_MASTER = 79
};

#endif
