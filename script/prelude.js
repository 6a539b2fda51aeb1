/*
 * prelude - the objects that a script sees: application, Client, NetConnection,
 * NetStream, Stream, timers, load(), trace().  Compiled into sluice-script; run
 * in each heap before the script.  Called with the natives of natives.c, gives the
 * function that takes the messages of proto.h.
 *
 * What comes from the network ends in two places: arguments are data (JSON), and
 * a method name is looked up by callable(), nowhere else.
 */
(function (host, config, global) {
	"use strict";

	var hasOwn = Function.prototype.call.bind(Object.prototype.hasOwnProperty);
	var descriptor = Object.getOwnPropertyDescriptor;
	var LIMIT = 10000; /* objects of each kind that the server knows, */
	var CLIENTS = 25000; /* and clients */

	/* Helpers. --------------------------------------------------------- */

	function hide(object, members) {
		Object.keys(members).forEach(function (name) {
			Object.defineProperty(object, name, {
				value: members[name], writable: true,
				configurable: true, enumerable: false
			});
		});
	}

	function fixed(object, name, value) {
		Object.defineProperty(object, name, {
			value: value, writable: false, configurable: false,
			enumerable: true
		});
	}

	function getter(object, name, get) {
		Object.defineProperty(object, name, {
			get: get, configurable: false, enumerable: true
		});
	}

	function missing(name) {
		return function () {
			throw new Error(name + " is not supported by this server");
		};
	}

	function rest(list, from) {
		return Array.prototype.slice.call(list, from);
	}

	/* A table by names that others choose. */
	function Table(limit) {
		this.of = Object.create(null);
		this.size = 0;
		this.limit = limit || LIMIT;
	}
	Table.prototype.get = function (id) {
		return this.of["$" + id];
	};
	Table.prototype.put = function (id, value, what) {
		if (this.get(id) === undefined && ++this.size > this.limit) {
			this.size--;
			throw new RangeError("more than " + this.limit + " " + what);
		}
		this.of["$" + id] = value;
	};
	Table.prototype.drop = function (id) {
		if (this.get(id) !== undefined) {
			delete this.of["$" + id];
			this.size--;
		}
	};
	Table.prototype.each = function (fn) {
		var of = this.of;
		Object.keys(of).forEach(function (key) {
			if (of[key] !== undefined)
				fn(of[key]);
		});
	};

	/* Call object.name(args...) if it is there; the name is for the log. */
	function invoke(object, name, args, shown) {
		if (typeof object[name] !== "function")
			return undefined;
		host.enter(shown + "." + name);
		return object[name].apply(object, args);
	}

	function status(object, code, text, shown, more) {
		var failed = /Failed|Rejected|BadName|Error/.test(code);
		var info = {
			level: failed ? "error" : "status", code: code,
			description: text || ""
		};
		if (more)
			Object.keys(more).forEach(function (key) {
				info[key] = more[key];
			});
		invoke(object, "onStatus", [ info ], shown);
	}

	/* What JSON has not: the marks of rtmp/amfjson.h. ------------------- */

	var DEPTH = 32;	   /* containers within containers, */
	var VALUES = 16384; /* and values, in what is sent */
	var INDEX = 65536; /* from here on an index is only a name */
	var DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" +
	    "0123456789+/";

	function to_base64(bytes) {
		var text = "", i, v, n;
		for (i = 0; i < bytes.length; i += 3) {
			n = bytes.length - i;
			v = bytes[i] << 16 | (n > 1 ? bytes[i + 1] << 8 : 0) |
			    (n > 2 ? bytes[i + 2] : 0);
			text += DIGITS[v >> 18] + DIGITS[v >> 12 & 63] +
			    (n > 1 ? DIGITS[v >> 6 & 63] : "=") +
			    (n > 2 ? DIGITS[v & 63] : "=");
		}
		return text;
	}

	function from_base64(text) {
		var len = text.replace(/=+$/, "").length;
		var bytes = new Uint8Array(Math.floor(len * 3 / 4));
		var i, n = 0, v = 0, bits = 0;
		for (i = 0; i < len; i++) {
			v = (v << 6 | DIGITS.indexOf(text[i])) & 0xffff;
			bits += 6;
			if (bits >= 8) {
				bits -= 8;
				bytes[n++] = v >> bits;
			}
		}
		return bytes;
	}

	/* Members of an object that came; __proto__ is never one. */
	function members(from, to) {
		Object.keys(from).forEach(function (key) {
			var name = key[0] === "$" ? key.slice(1) : key;
			if (name !== "__proto__")
				to[name] = decode(from[key]);
		});
		return to;
	}

	function is_index(key) {
		return /^(0|[1-9][0-9]{0,4})$/.test(key) && Number(key) < INDEX;
	}

	/* An array with names; an object if an index would make it huge. */
	function named_array(from) {
		var huge = Object.keys(from).some(function (key) {
			return /^[0-9]+$/.test(key) && !is_index(key);
		});
		delete from.length;
		return members(from, huge ? {} : []);
	}

	function unmark(mark) {
		switch (mark.$) {
		case "number":
			return Number(mark.v);
		case "date":
			return new Date(mark.v === null ? NaN : mark.v);
		case "array":
			return named_array(Object(mark.v));
		case "xml":
			return String(mark.v);
		case "bytes":
			return from_base64(String(mark.v));
		case "object":
		case "dictionary":
			return decode(mark.v);
		default:
			return undefined;
		}
	}

	function decode(value) {
		if (value === null || typeof value !== "object")
			return value;
		if (Array.isArray(value))
			return value.map(decode);
		return hasOwn(value, "$") ? unmark(value) : members(value, {});
	}

	/* The arguments in a message. */
	function given(list) {
		return Array.isArray(list) ? list.map(decode) : [];
	}

	function encode_array(value, budget, depth) {
		var list = [], i;
		if (value.length > VALUES)
			throw new RangeError("an array of more than " + VALUES +
			    " values cannot be sent");
		for (i = 0; i < value.length; i++)
			list.push(encode_at(value[i], budget, depth + 1));
		return list;
	}

	function encode_object(value, budget, depth) {
		var object = Object.create(null);
		if (value instanceof Date)
			return { $: "date", v: isNaN(value) ? null : Number(value) };
		if (value instanceof Uint8Array)
			return { $: "bytes", v: to_base64(value) };
		if (value instanceof String || value instanceof Number ||
		    value instanceof Boolean)
			return encode_at(value.valueOf(), budget, depth);
		if (Array.isArray(value))
			return encode_array(value, budget, depth);
		Object.keys(value).forEach(function (key) {
			var member = value[key];
			if (typeof member !== "function" && key !== "__proto__")
				object[key[0] === "$" ? "$" + key : key] =
				    encode_at(member, budget, depth + 1);
		});
		return object;
	}

	function encode_at(value, budget, depth) {
		if (depth > DEPTH || ++budget.values > VALUES)
			throw new RangeError(depth > DEPTH
			    ? "what is sent contains itself, or is nested more " +
			      "than " + DEPTH + " deep"
			    : "more than " + VALUES + " values cannot be sent");
		if (value === undefined || typeof value === "function")
			return { $: "undefined" };
		if (typeof value === "number" && !isFinite(value))
			return { $: "number", v: String(value) };
		if (value === null || typeof value !== "object")
			return value;
		return encode_object(value, budget, depth);
	}

	function encode(value) {
		return encode_at(value, { values: 0 }, 0);
	}

	function sent(list, from) {
		return encode_array(rest(list, from), { values: 0 }, -1);
	}

	/* Timers and files. ------------------------------------------------ */

	var timers = new Table();

	function start_timer(args, repeat) {
		var target = args[0], method, ms, more, id;
		if (typeof target === "function") {
			ms = args[1];
			more = rest(args, 2);
		} else if (target !== null && typeof target === "object") {
			method = String(args[1]);
			ms = args[2];
			more = rest(args, 3);
		} else {
			throw new TypeError((repeat ? "setInterval" : "setTimeout") +
			    ": the first argument is a function, or an object " +
			    "and the name of its method");
		}
		id = host.timer(Number(ms) || 0, repeat);
		timers.put(id, {
			id: id, target: target, method: method, args: more,
			repeat: repeat
		}, "timers");
		return id;
	}

	function stop_timer(id) {
		if (timers.get(id) !== undefined) {
			timers.drop(id);
			host.untimer(id);
		}
	}

	function fire(id) {
		var timer = timers.get(id);
		if (timer === undefined)
			return;
		if (!timer.repeat)
			timers.drop(id);
		host.enter(timer.repeat ? "setInterval" : "setTimeout");
		if (timer.method === undefined)
			timer.target.apply(global, timer.args);
		else if (typeof timer.target[timer.method] === "function")
			timer.target[timer.method].apply(timer.target, timer.args);
	}

	hide(global, {
		trace: function trace(value) {
			host.trace(arguments.length > 1
			    ? rest(arguments, 0).map(String).join(" ")
			    : String(value));
		},
		load: function load(name) {
			return host.load(String(name));
		},
		setInterval: function setInterval() {
			return start_timer(arguments, true);
		},
		setTimeout: function setTimeout() {
			return start_timer(arguments, false);
		},
		clearInterval: function clearInterval(id) {
			stop_timer(id);
		},
		clearTimeout: function clearTimeout(id) {
			stop_timer(id);
		}
	});
	[ "getGlobal", "protectObject", "setAttributes" ].forEach(function (name) {
		var member = {};
		member[name] = missing(name);
		hide(global, member);
	});

	/* Clients. --------------------------------------------------------- */

	var clients = new Table(CLIENTS); /* all that are there, waiting ones too */
	var accepted = [];	     /* application.clients */
	var results = new Table();   /* of Client.call and NetConnection.call */
	var next_call = 1;

	function Client() {}

	/* of: whom the answer must come from */
	function want_result(object, of) {
		var id;
		if (object === null || object === undefined)
			return null;
		id = next_call++;
		results.put(id, { to: object, of: of },
		    "calls without an answer");
		return id;
	}

	function take_result(msg, of, shown) {
		var wanted = results.get(msg.call);
		if (wanted === undefined || wanted.of !== of)
			return;
		results.drop(msg.call);
		invoke(wanted.to, msg.ok ? "onResult" : "onStatus",
		    [ decode(msg.value) ], shown);
	}

	/* No answer will come from there any more. */
	function drop_results(of) {
		Object.keys(results.of).forEach(function (key) {
			if (results.of[key].of === of)
				results.drop(key.slice(1));
		});
	}

	hide(Client.prototype, {
		call: function call(method, result) {
			host.send({
				t: "invoke", client: this.id,
				method: String(method),
				call: want_result(result, this),
				args: sent(arguments, 2)
			});
			return true;
		}
	});
	[ "checkBandwidth", "getBandwidthLimit", "setBandwidthLimit", "getStats",
		"getStreamLength", "ping" ].forEach(function (name) {
		var member = {};
		member[name] = missing("Client." + name);
		hide(Client.prototype, member);
	});

	/* What no client may call, whatever a script defines. */
	var reserved = new Table();
	[ "closeStream", "connect", "createStream", "deleteStream", "onStatus",
		"pause", "play", "publish", "receiveAudio", "receiveVideo",
		"seek", "constructor", "__proto__", "prototype"
	].concat(Object.getOwnPropertyNames(Object.prototype),
	    Object.getOwnPropertyNames(Client.prototype)).forEach(function (name) {
		reserved.put(name, true);
	});

	/*
	 * The method that a client may call by this name: a function that the
	 * script has put on its Client object, or on Client.prototype.
	 */
	function callable(client, name) {
		var places = [ client, Client.prototype ], found, i;
		if (typeof name !== "string" || reserved.get(name) ||
		    !/^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name))
			return undefined;
		for (i = 0; i < places.length; i++) {
			if (!hasOwn(places[i], name))
				continue;
			found = descriptor(places[i], name).value;
			return typeof found === "function" ? found : undefined;
		}
		return undefined;
	}

	/* What most clients have alike takes no memory in each. */
	Client.prototype.protocol = "rtmp";
	Client.prototype.protocolVersion = "1.0";
	Client.prototype.secure = false;
	Client.prototype.virtualKey = "";

	/* readAccess, writeAccess of those that have others than / */
	var accesses = new Table(CLIENTS);

	function tell_access(client) {
		var own = accesses.get(client.id);
		if (own !== undefined && states.get(client.id) !== "refused")
			host.send({
				t: "access", client: client.id,
				read: own.readAccess, write: own.writeAccess
			});
	}

	[ "readAccess", "writeAccess" ].forEach(function (name) {
		Object.defineProperty(Client.prototype, name, {
			get: function () {
				var own = accesses.get(this.id);
				return own === undefined ? "/" : own[name];
			},
			set: function (value) {
				var own = accesses.get(this.id);
				value = value === null || value === undefined
				    ? "" : String(value);
				if (clients.get(this.id) !== this)
					throw new Error("Client." + name +
					    ": the client is not connected");
				if (own === undefined) {
					if (value === "/")
						return;
					own = { readAccess: "/", writeAccess: "/" };
					accesses.put(this.id, own, "clients");
				}
				own[name] = value;
				tell_access(this);
			},
			enumerable: true
		});
	});

	function new_client(msg) {
		var client = new Client();
		fixed(client, "id", msg.client);
		fixed(client, "ip", String(msg.addr || ""));
		client.agent = String(msg.agent || "");
		if (msg.secure) {
			client.protocol = "rtmps";
			client.secure = true;
		}
		client.referrer = String(msg.swf || "");
		client.pageUrl = String(msg.page || "");
		client.uri = String(msg.uri || "");
		return client;
	}

	function is_client(client, shown) {
		if (!(client instanceof Client))
			throw new TypeError(shown + ": the first argument is a " +
			    "Client");
		return clients.get(client.id) === client;
	}

	/* The states of those in `clients`: undefined, "accepted", "refused". */
	var states = new Table(CLIENTS);

	function settle(client, state) {
		if (clients.get(client.id) !== client || states.get(client.id))
			return false;
		states.put(client.id, state, "clients");
		return true;
	}

	function accept(client) {
		if (!settle(client, "accepted"))
			return false;
		accepted.push(client);
		host.send({ t: "accept", client: client.id });
		return true;
	}

	/* (client[, text][, info]) */
	function why(args, from) {
		var text = args[from], info = args[from + 1];
		if (text !== null && typeof text === "object") {
			info = text;
			text = undefined;
		}
		return {
			text: text === undefined ? "" : String(text),
			info: info === undefined ? null : encode(info)
		};
	}

	function reject(client, w) {
		if (!settle(client, "refused"))
			return false;
		host.send({
			t: "reject", client: client.id, text: w.text, info: w.info
		});
		return true;
	}

	function forget(client) {
		var i = accepted.indexOf(client);
		if (i >= 0)
			accepted.splice(i, 1);
		clients.drop(client.id);
		states.drop(client.id);
		accesses.drop(client.id);
		drop_results(client);
	}

	/* application. ----------------------------------------------------- */

	var application = {};
	fixed(application, "name", config.name);
	fixed(application, "server", config.server);
	fixed(application, "hostname", config.host);
	getter(application, "clients", function () {
		return accepted;
	});
	application.config = {};
	application.allowDebug = false;
	hide(application, {
		acceptConnection: function acceptConnection(client) {
			return is_client(client, "acceptConnection") &&
			    accept(client);
		},
		rejectConnection: function rejectConnection(client) {
			return is_client(client, "rejectConnection") &&
			    reject(client, why(arguments, 1));
		},
		redirectConnection: function redirectConnection(client, url) {
			var w = why(arguments, 2);
			if (!is_client(client, "redirectConnection"))
				return false;
			if (url === undefined || url === null)
				return reject(client, w);
			if (!settle(client, "refused"))
				return false;
			host.send({
				t: "redirect", client: client.id,
				url: String(url), text: w.text, info: w.info
			});
			return true;
		},
		disconnect: function disconnect(client) {
			if (!is_client(client, "disconnect"))
				return false;
			host.send({ t: "drop", client: client.id });
			return true;
		},
		broadcastMsg: function broadcastMsg(method) {
			host.send({
				t: "broadcast", method: String(method),
				args: sent(arguments, 1)
			});
			return true;
		},
		shutdown: function shutdown() {
			host.send({ t: "shutdown" });
			return true;
		},
		gc: function gc() {
			host.gc();
		}
	});
	[ "registerClass", "registerProxy", "clearSharedObjects", "clearStreams",
		"getStats" ].forEach(function (name) {
		var member = {};
		member[name] = missing("application." + name);
		hide(application, member);
	});

	/* Streams of this instance. ---------------------------------------- */

	var streams = new Table();

	function Stream() {
		throw new TypeError("Stream: use Stream.get(name)");
	}

	function stream_of(name) {
		var stream = streams.get(name);
		if (stream === undefined) {
			stream = Object.create(Stream.prototype);
			fixed(stream, "name", name);
			stream.type = "flv";
			stream.time = 0;
			stream.bufferTime = 2;
			stream.publishQueryString = "";
			streams.put(name, stream, "streams");
		}
		return stream;
	}

	function seconds(value, shown) {
		var s = Number(value);
		if (!(s >= 0 && s <= 3600))
			throw new RangeError(shown + ": seconds from 0 to 3600");
		return s;
	}

	hide(Stream, {
		get: function get(name) {
			return stream_of(String(name));
		},
		/* of a recorded stream; live ones have none */
		length: function length() {
			return 0;
		},
		destroy: function destroy(stream) {
			if (!(stream instanceof Stream))
				throw new TypeError("Stream.destroy: the first " +
				    "argument is a Stream");
			if (streams.get(stream.name) === stream)
				streams.drop(stream.name);
		},
		clear: missing("Stream.clear"),
		getOnMetaData: missing("Stream.getOnMetaData")
	});
	hide(Stream.prototype, {
		play: function play(source, start, length, reset, connection) {
			if (connection !== undefined && connection !== null)
				throw new Error("Stream.play of another server is " +
				    "not supported by this server: make the virtual " +
				    "host an edge");
			if (source === false) {
				host.send({ t: "relay_end", stream: this.name });
				return true;
			}
			if (Number(start) >= 0)
				throw new Error("Stream.play of a recorded stream " +
				    "is not supported by this server");
			host.send({
				t: "relay", stream: this.name,
				source: String(source)
			});
			return true;
		},
		setBufferTime: function setBufferTime(s) {
			this.bufferTime = seconds(s, "Stream.setBufferTime");
		},
		record: missing("Stream.record"),
		send: missing("Stream.send"),
		flush: missing("Stream.flush"),
		setVirtualPath: missing("Stream.setVirtualPath")
	});

	/* Connections to other servers. ------------------------------------ */

	var connections = new Table();
	var next_nc = 1;

	function NetConnection() {
		var own = {
			id: 0, state: "closed", auto: false, queue: [],
			streams: []
		};
		Object.defineProperty(this, "_own", { value: own });
		getter(this, "isConnected", function () {
			return own.state === "up";
		});
		this.uri = "";
		this.objectEncoding = 0;
		this.autoReconnect = false;
	}

	function connection_call(own, method, result, args) {
		host.send({
			t: "nc_call", nc: own.id, method: method,
			call: result, args: args
		});
	}

	hide(NetConnection.prototype, {
		connect: function connect(uri) {
			var own = this._own;
			if (own.state !== "closed")
				this.close();
			uri = String(uri);
			if (!/^rtmps?:/i.test(uri))
				throw new Error("NetConnection.connect: " + uri +
				    " is no rtmp:// address");
			own.id = next_nc++;
			connections.put(own.id, this, "connections");
			own.state = "connecting";
			own.queue = [];
			own.auto = Boolean(this.autoReconnect);
			this.uri = uri;
			host.send({
				t: "nc_open", nc: own.id, url: uri,
				auto: own.auto,
				args: sent(arguments, 1)
			});
			return true;
		},
		call: function call(method, result) {
			var own = this._own, args = sent(arguments, 2);
			if (own.state === "closed")
				return false;
			method = String(method);
			result = want_result(result, this);
			if (own.state === "up")
				connection_call(own, method, result, args);
			else
				enqueue(own, function () {
					connection_call(own, method, result, args);
				});
			return true;
		},
		close: function close() {
			var own = this._own;
			if (own.state === "closed")
				return;
			own.state = "closed";
			own.queue = [];
			host.send({ t: "nc_close", nc: own.id });
		},
		addHeader: missing("NetConnection.addHeader"),
		ping: missing("NetConnection.ping")
	});

	function enqueue(own, fn) {
		if (own.queue.length >= LIMIT)
			throw new RangeError("more than " + LIMIT +
			    " calls wait for a connection");
		own.queue.push(fn);
	}

	function connection_state(msg) {
		var nc = connections.get(msg.nc), own, over, queue;
		if (nc === undefined)
			return;
		own = nc._own;
		over = msg.code !== "NetConnection.Connect.Success";
		if (own.id !== msg.nc) {
			/* it has connected elsewhere since */
			if (over)
				connections.drop(msg.nc);
			return;
		}
		if (!over) {
			own.state = "up";
			queue = own.queue;
			own.queue = [];
			queue.forEach(function (fn) {
				fn();
			});
		} else if (own.auto && own.state !== "closed") {
			own.state = "connecting";
		} else {
			own.state = "closed";
			own.queue = [];
			connections.drop(msg.nc);
		}
		status(nc, msg.code, msg.text, "NetConnection");
		if (own.state === "closed" && over)
			own.streams.splice(0).forEach(function (ns) {
				stream_over(ns, "NetStream.Failed",
				    "the connection to " + nc.uri + " is not there: " +
				    (msg.text || msg.code));
			});
	}

	/* NetStream: the push of a stream over a NetConnection. ------------- */

	var pushes = new Table();
	var next_ns = 1;

	function NetStream(nc) {
		var own;
		if (!(nc instanceof NetConnection))
			throw new TypeError("new NetStream: the first argument is a " +
			    "NetConnection");
		own = {
			nc: nc._own, id: 0, source: null, target: null,
			mode: "live", sent: false, up: false
		};
		Object.defineProperty(this, "_own", { value: own });
		getter(this, "isPublishing", function () {
			return own.up;
		});
		this.bufferTime = 2;
		this.time = 0;
	}

	/* Send what is wanted, when all of it is known and the connection is up. */
	function push(ns) {
		var own = ns._own;
		if (own.target === null || own.source === null || own.sent ||
		    own.nc.state !== "up")
			return;
		own.sent = true;
		host.send({
			t: "push", ns: own.id, nc: own.nc.id,
			stream: own.source, target: own.target, mode: own.mode,
			buffer_ms: Math.round(ns.bufferTime * 1000)
		});
	}

	function stop_push(ns) {
		var own = ns._own;
		own.target = null;
		if (own.sent)
			host.send({ t: "push_end", ns: own.id });
		else if (own.id !== 0)
			pushes.drop(own.id);
		own.sent = own.up = false;
		own.id = 0;
	}

	/* It has ended: tell, once. */
	function stream_over(ns, code, text) {
		var own = ns._own, i = own.nc.streams.indexOf(ns);
		if (own.id === 0)
			return;
		if (i >= 0)
			own.nc.streams.splice(i, 1);
		pushes.drop(own.id);
		own.id = 0;
		own.target = null;
		own.sent = own.up = false;
		status(ns, code, text, "NetStream");
	}

	hide(NetStream.prototype, {
		attach: function attach(stream) {
			if (stream === false || stream === null) {
				if (this._own.id !== 0)
					stop_push(this);
				this._own.source = null;
				return true;
			}
			if (!(stream instanceof Stream))
				throw new TypeError("NetStream.attach: the argument is " +
				    "a Stream");
			this._own.source = stream.name;
			push(this);
			return true;
		},
		publish: function publish(name, mode) {
			var own = this._own, ns = this;
			if (own.id !== 0)
				stop_push(this);
			if (name === false)
				return true;
			if (mode !== undefined && mode !== "live" &&
			    mode !== "record" && mode !== "append")
				throw new Error("NetStream.publish: " + mode +
				    " is not live, record or append");
			own.mode = mode === undefined ? "live" : mode;
			if (own.nc.state === "closed") {
				status(ns, "NetStream.Failed",
				    "the NetConnection is not connected",
				    "NetStream");
				return false;
			}
			own.id = next_ns++;
			own.target = String(name);
			own.sent = own.up = false;
			pushes.put(own.id, this, "streams to other servers");
			if (own.nc.streams.indexOf(this) < 0)
				own.nc.streams.push(this);
			if (own.nc.state === "up")
				push(this);
			else
				enqueue(own.nc, function () {
					push(ns);
				});
			return true;
		},
		setBufferTime: function setBufferTime(s) {
			this.bufferTime = seconds(s, "NetStream.setBufferTime");
			if (this._own.sent)
				host.send({
					t: "buffer", ns: this._own.id,
					buffer_ms: Math.round(this.bufferTime * 1000)
				});
		},
		close: function close() {
			if (this._own.id !== 0)
				stop_push(this);
		},
		send: missing("NetStream.send"),
		play: missing("NetStream.play"),
		pause: missing("NetStream.pause"),
		seek: missing("NetStream.seek")
	});

	function push_state(msg) {
		var ns = pushes.get(msg.ns), own;
		if (ns === undefined)
			return;
		own = ns._own;
		if (own.id !== msg.ns) {
			/* stopped by the script: its end is told all the same */
			if (msg.code !== "NetStream.Publish.Start") {
				pushes.drop(msg.ns);
				status(ns, msg.code, msg.text, "NetStream");
			}
			return;
		}
		if (msg.code !== "NetStream.Publish.Start") {
			stream_over(ns, msg.code, msg.text);
			return;
		}
		own.up = true;
		status(ns, msg.code, msg.text, "NetStream");
	}

	/* What there is not. ------------------------------------------------ */

	[ "SharedObject", "LoadVars", "XML", "XMLStreams", "XMLSocket", "SOAPCall",
		"SOAPFault", "WebService", "File", "Log", "ByteArray",
		"NetGroup", "GroupSpecifier", "ProxyStream", "MulticastStreamIngest"
	].forEach(function (name) {
		var member = {};
		member[name] = missing(name);
		[ "get", "clear", "commit", "lock", "unlock" ].forEach(function (m) {
			member[name][m] = missing(name + "." + m);
		});
		hide(global, member);
	});
	hide(global, {
		application: application, Client: Client, Stream: Stream,
		NetConnection: NetConnection, NetStream: NetStream
	});

	/* Messages. --------------------------------------------------------- */

	function publisher(msg) {
		return clients.get(msg.client) || new_client(msg);
	}

	var on = {
		start: function () {
			invoke(application, "onAppStart", [], "application");
		},
		stop: function (msg) {
			return invoke(application, "onAppStop",
			    [ { level: "status", code: msg.code, description: "" } ],
			    "application") !== false;
		},
		connect: function (msg) {
			var client, answer;
			if (clients.size >= CLIENTS) {
				host.send({
					t: "reject", client: msg.client, info: null,
					text: "the application's script knows as " +
					    "many clients as it may"
				});
				return;
			}
			client = new_client(msg);
			clients.put(msg.client, client, "clients");
			if (typeof application.onConnect !== "function") {
				accept(client);
				return;
			}
			try {
				answer = invoke(application, "onConnect",
				    [ client ].concat(given(msg.args)), "application");
			} catch (e) {
				reject(client, {
					text: "the application's script failed",
					info: null
				});
				throw e;
			}
			if (answer === true)
				accept(client);
			else if (answer === false)
				reject(client, { text: "", info: null });
			else if (clients.get(client.id) === client &&
			    !states.get(client.id))
				host.send({ t: "pending", client: client.id });
		},
		gone: function (msg) {
			var client = clients.get(msg.client), was;
			if (client === undefined)
				return;
			was = states.get(msg.client);
			forget(client);
			if (was === "accepted")
				invoke(application, "onDisconnect", [ client ],
				    "application");
		},
		publish: function (msg) {
			var stream = stream_of(msg.stream);
			stream.publishQueryString = String(msg.query || "");
			invoke(application, "onPublish",
			    [ publisher(msg), stream ], "application");
		},
		unpublish: function (msg) {
			var stream = stream_of(msg.stream);
			streams.drop(msg.stream);
			invoke(application, "onUnpublish",
			    [ publisher(msg), stream ], "application");
		},
		call: function (msg) {
			var client = clients.get(msg.client), answered, method, value;
			answered = msg.seq !== null && msg.seq !== undefined;
			if (client === undefined ||
			    states.get(msg.client) !== "accepted")
				return;
			method = callable(client, msg.method);
			if (method === undefined) {
				if (answered)
					host.send({
						t: "error", client: msg.client,
						seq: msg.seq,
						text: "Method not found (" +
						    String(msg.method).slice(0, 100) +
						    ")."
					});
				return;
			}
			try {
				host.enter("Client." + msg.method);
				value = method.apply(client, given(msg.args));
				if (answered)
					host.send({
						t: "return", client: msg.client,
						seq: msg.seq, value: encode(value)
					});
			} catch (e) {
				if (answered)
					host.send({
						t: "error", client: msg.client,
						seq: msg.seq,
						text: "the method failed"
					});
				throw e;
			}
		},
		result: function (msg) {
			take_result(msg, clients.get(msg.client),
			    "Client.call");
		},
		nc_result: function (msg) {
			take_result(msg, connections.get(msg.nc),
			    "NetConnection.call");
		},
		nc: connection_state,
		ns: push_state,
		relay: function (msg) {
			var stream = streams.get(msg.stream);
			if (stream !== undefined)
				status(stream, msg.code, msg.text, "Stream");
		},
		timer: function (msg) {
			fire(msg.id);
		},
		fault: function (msg) {
			status(application, "Application.Script.Error", msg.text,
			    "application", { filename: msg.file, lineno: msg.line });
		}
	};

	return function dispatch(kind, msg) {
		if (!hasOwn(on, kind))
			return undefined;
		return on[kind](msg);
	};
})
