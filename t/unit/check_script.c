/*
 * check_script - script/serve.h and all below it: scripts in real heaps, spoken
 * to by the protocol of common/proto.h, and what they log.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "script/guard.h"
#include "script/json.h"
#include "common/proto.h"
#include "script/serve.h"

enum { HEAP = 8 << 20, CALL_MS = 20000, TEXT = 65536 };

static struct host host;
static int peer, log_peer;
static char dir[] = "/tmp/check-script.XXXXXX";
static struct mono now;

/* The world. ----------------------------------------------------------------- */

static void
setup_world(void)
{
	int sv[2], lv[2];
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv), 0);
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, lv), 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	peer = sv[1];
	log_peer = lv[1];
	log_open(lv[0], LOG_LEVEL_DEBUG);
	link_init(&host.link, sv[0]);
	ck_assert_int_eq(guard_init(), 0);
	now = clock_now();
}

static void
end_world(void)
{
	char cmd[64];
	serve_fini(&host);
	close(peer);
	close(log_peer);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void
write_file(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* A message to the script, in which ' stands for ". */
__attribute__((format(printf, 1, 2))) static int
say(const char *format, ...)
{
	static char text[TEXT];
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	for (char *p = text; (p = strchr(p, '\'')) != NULL; p++)
		*p = '"';
	int r = serve_message(&host, text, (size_t)n);
	(void)link_flush(&host.link);
	return r;
}

/* The next message of the script, "" if there is none. */
static const char *
hear_any(void)
{
	static char text[TEXT];
	ssize_t n = recv(peer, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	for (char *p = text; (p = strchr(p, '"')) != NULL; p++)
		*p = '\'';
	return text;
}

/* The same without what only tells how the script is. */
static const char *
hear(void)
{
	const char *text;
	do
		text = hear_any();
	while (strncmp(text, "{'t':'fault'", 12) == 0);
	return text;
}

static void
expect(const char *text)
{
	ck_assert_str_eq(hear(), text);
}

/* The next line of the log has all of these; NULL ends. */
static void
expect_log(const char *first, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;
	ssize_t n = recv(log_peer, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	va_start(ap, first);
	for (const char *s = first; s != NULL; s = va_arg(ap, const char *))
		ck_assert_msg(strstr(text, s) != NULL, "%s is not in %s", s,
		    n > 0 ? text : "an empty log");
	va_end(ap);
}

static void
trace_is(const char *text)
{
	char want[512];
	snprintf(want, sizeof want, "\"trace\":\"%s\"", text);
	expect_log("\"script.trace\"", want, NULL);
}

static void
set_up_with(const char *script, unsigned heap, unsigned ms)
{
	if (script != NULL)
		write_file("main.asc", script);
	ck_assert_int_eq(
	    say("{'t':'setup','app':'live','vhost':'v','file':'%s/main.asc',"
		"'lib':'%s/lib','heap_bytes':%u,'call_ms':%u,'server':'S 1',"
		"'host':'h'}",
		dir, dir, heap, ms),
	    SERVE_ON);
	expect("{'t':'ready'}");
}

static void
start_with(const char *script, unsigned heap, unsigned ms)
{
	set_up_with(script, heap, ms);
	ck_assert_int_eq(say("{'t':'start','inst':'i'}"), SERVE_ON);
	now = clock_now();
}

/* A script that loads without a word. */
static void
run_script(const char *script)
{
	start_with(script, HEAP, CALL_MS);
	expect("{'t':'started','inst':'i'}");
}

static void
started(void)
{
	expect_log("\"script.start\"", "\"instance\":\"i\"", NULL);
}

static void
later(unsigned ms)
{
	uint64_t next;
	now = mono_add_ms(now, ms);
	ck_assert_int_eq(serve_time(&host, now, &next), SERVE_ON);
	(void)link_flush(&host.link);
}

static void
connects(const char *client, const char *args)
{
	ck_assert_int_eq(
	    say("{'t':'connect','inst':'i','client':'%s',"
		"'addr':'192.0.2.7','agent':'A','uri':'rtmp://h/live/"
		"i','args':%s}",
		client, args),
	    SERVE_ON);
}

static void
calls(const char *method)
{
	ck_assert_int_eq(say("{'t':'call','inst':'i','client':'1','seq':5,"
			     "'method':'%s','args':[1]}",
			     method),
	    SERVE_ON);
}

/* Loading. ------------------------------------------------------------------- */

/* Both streams share the globals nc and ns, and one statement at top level fails. */
static const char multi_point[] =
    "application.onPublish = function(client, s) {\n"
    "trace(s.name + \" into \" + application.name);\n"
    "if (application.name == \"live/i\"){\n"
    "nc = new NetConnection();\n"
    "nc.connect( \"rtmp://localhost/live/other\" );\n"
    "ns = new NetStream(nc);\n"
    "ns.onStatus = function(info) {\n"
    "trace(\"status \" + info.code)\n"
    "if (info.code == \"NetStream.Publish.Start\") {\n"
    "trace(\"publishing\");\n"
    "}\n"
    "}\n"
    "ns.setBufferTime(2);\n"
    "ns.attach(s);\n"
    "ns.publish( s.name, \"live\" );\n"
    "}\n"
    "}\n"
    "ns.onStatus = function(info) {\n"
    "trace(\"never\");\n"
    "}\n"
    "application.onUnpublish = function( client, s ) {\n"
    "trace(s.name + \" ends\" );\n"
    "}\n";

START_TEST(a_statement_that_fails_is_left_out)
{
	run_script("trace(f());\n"
		   "a.b = 1\n"
		   "trace('two ' + late)\n"
		   "x = = 1\n"
		   "var late = 1\n"
		   "if (late) { throw 'up' }\n"
		   "function f() { return 'one' }\n"
		   "trace('three ' + late)\n");
	trace_is("one");
	expect_log("\"script.error\"", "main.asc\",\"line\":2", "'a'",
	    "the top level", NULL);
	trace_is("two undefined");
	expect_log("\"script.error\"", "\"line\":4", "SyntaxError", NULL);
	expect_log("\"script.error\"", "\"text\":\"up\"", NULL);
	trace_is("three 1");
	started();
}
END_TEST

START_TEST(the_multi_point_program_runs_as_it_stands)
{
	run_script(multi_point);
	expect_log("\"script.error\"", "\"line\":18", "'ns' undefined", NULL);
	started();
	say("{'t':'publish','inst':'i','client':'1','stream':'a'}");
	trace_is("a into live/i");
	expect("{'t':'nc_open','nc':1,'url':'rtmp://localhost/live/other',"
	       "'auto':false,'args':[],'inst':'i'}");
	/* the second overwrites nc and ns before the first is up */
	say("{'t':'publish','inst':'i','client':'2','stream':'b'}");
	trace_is("b into live/i");
	ck_assert_ptr_nonnull(strstr(hear(), "'nc':2"));
	expect("");
	say("{'t':'nc','inst':'i','nc':1,"
	    "'code':'NetConnection.Connect.Success'}");
	expect("{'t':'push','ns':1,'nc':1,'stream':'a','target':'a',"
	       "'mode':'live','buffer_ms':2000,'inst':'i'}");
	say("{'t':'nc','inst':'i','nc':2,"
	    "'code':'NetConnection.Connect.Success'}");
	expect("{'t':'push','ns':2,'nc':2,'stream':'b','target':'b',"
	       "'mode':'live','buffer_ms':2000,'inst':'i'}");
	say("{'t':'ns','inst':'i','ns':1,'code':'NetStream.Publish.Start'}");
	trace_is("status NetStream.Publish.Start");
	trace_is("publishing");
	say("{'t':'unpublish','inst':'i','client':'1','stream':'a'}");
	trace_is("a ends");
}
END_TEST

START_TEST(load_looks_beside_the_file_and_in_lib)
{
	char lib[256];
	snprintf(lib, sizeof lib, "mkdir %s/lib", dir);
	ck_assert_int_eq(system(lib), 0);
	write_file("a.asc", "trace('a'); load('b.asc'); trace('a again')");
	write_file("lib/b.asc", "trace('b')\nnot.there = 1\ntrace('b2')");
	write_file("loop.asc", "load('loop.asc')");
	run_script("load('a.asc'); trace('main')\n"
		   "load('none.asc')\n"
		   "load('../etc/passwd')\n"
		   "load('/etc/passwd')\n"
		   "load('loop.asc')\n");
	trace_is("a");
	trace_is("b");
	expect_log("\"script.error\"", "b.asc\",\"line\":2", NULL);
	trace_is("b2");
	trace_is("a again");
	trace_is("main");
	expect_log("main.asc\",\"line\":2", "none.asc: No such file", NULL);
	expect_log("main.asc\",\"line\":3", "without", NULL);
	expect_log("main.asc\",\"line\":4", "without", NULL);
	expect_log("loop.asc\",\"line\":1", "load each other", NULL);
	started();
}
END_TEST

START_TEST(a_script_that_cannot_be_read_is_told)
{
	start_with(NULL, HEAP, CALL_MS);
	const char *m = hear();
	ck_assert_ptr_nonnull(strstr(m, "'t':'failed','inst':'i'"));
	ck_assert_ptr_nonnull(strstr(m, "main.asc: No such file"));
	expect_log("\"script.fault\"", "No such file", NULL);
}
END_TEST

/* Clients. ------------------------------------------------------------------- */

START_TEST(connections_are_accepted_refused_sent_away_and_deferred)
{
	run_script(
	    "application.onConnect = function (c, how, more) {\n"
	    "trace(c.ip + ' ' + c.id + ' ' + c.agent + ' ' + c.uri)\n"
	    "if (how == 'yes') return true\n"
	    "if (how == 'no') return false\n"
	    "if (how == 'info') application.rejectConnection(c, 'go', {x: "
	    "more})\n"
	    "if (how == 'only') application.rejectConnection(c, {x: 2})\n"
	    "if (how == 'away') application.redirectConnection(c, "
	    "'rtmp://b/l')\n"
	    "if (how == 'bad') nothing.here()\n"
	    "if (how == 'wait') setTimeout(function () {\n"
	    "  application.acceptConnection(c) }, 2000)\n"
	    "}\n"
	    "application.onDisconnect = function (c) { trace('gone ' + c.id) "
	    "}\n");
	started();
	connects("1", "['yes']");
	trace_is("192.0.2.7 1 A rtmp://h/live/i");
	expect("{'t':'accept','client':'1','inst':'i'}");
	connects("2", "['no']");
	expect("{'t':'reject','client':'2','text':'','info':null,'inst':'i'}");
	connects("3", "['info',[1,null,'\\u00fc']]");
	expect("{'t':'reject','client':'3','text':'go','info':{'x':[1,null,"
	       "'\\u00fc']},'inst':'i'}");
	connects("4", "['only']");
	expect("{'t':'reject','client':'4','text':'','info':{'x':2},"
	       "'inst':'i'}");
	connects("5", "['away']");
	expect("{'t':'redirect','client':'5','url':'rtmp://b/l','text':'',"
	       "'info':null,'inst':'i'}");
	connects("6", "['bad']");
	ck_assert_ptr_nonnull(strstr(hear(), "'t':'reject','client':'6'"));
	connects("7", "['wait']");
	expect("{'t':'pending','client':'7','inst':'i'}");
	expect("");
	later(1000);
	expect("");
	later(1500);
	expect("{'t':'accept','client':'7','inst':'i'}");
	for (unsigned i = 0; i < 4; i++)
		expect_log("\"script.trace\"", "192.0.2.7", NULL);
	expect_log("192.0.2.7 6", NULL);
	expect_log(
	    "\"script.error\"", "\"line\":8", "application.onConnect", NULL);
	expect_log("192.0.2.7 7", NULL);
	/* who was refused never was there */
	say("{'t':'gone','inst':'i','client':'2'}");
	say("{'t':'gone','inst':'i','client':'1'}");
	trace_is("gone 1");
	expect_log("", NULL);
}
END_TEST

START_TEST(who_waits_and_leaves_is_not_accepted_later)
{
	run_script("var who; application.onConnect = function (c) { who = c }\n"
		   "application.onPublish = function () {\n"
		   "trace(application.acceptConnection(who) + ' ' +\n"
		   "application.clients.length) }");
	started();
	connects("1", "[]");
	expect("{'t':'pending','client':'1','inst':'i'}");
	say("{'t':'gone','inst':'i','client':'1'}");
	say("{'t':'publish','inst':'i','stream':'s','client':'9'}");
	trace_is("false 0");
	expect("");
}
END_TEST

START_TEST(what_json_has_not_comes_and_goes_by_marks)
{
	run_script(
	    "function show(v) { trace(Object.prototype.toString.call(v) + ' ' "
	    "+\n"
	    "(v instanceof Date ? v.getTime() : v instanceof Uint8Array ?\n"
	    "Array.prototype.join.call(v) : v && typeof v == 'object' ?\n"
	    "Object.keys(v).map(function (k) { return k + '=' + v[k] }).join() "
	    ":\n"
	    "String(v))) }\n"
	    "application.onConnect = function (c) {\n"
	    "for (var i = 1; i < arguments.length; i++) show(arguments[i])\n"
	    "c.back = function () { return "
	    "Array.prototype.slice.call(arguments) }\n"
	    "c.self = function () { var o = {}; o.o = o; return o }\n"
	    "c.odd = function () { return { $: 'x', f: show, __proto__: null,\n"
	    "s: new String('y'), u: undefined, '__proto': 1 } }\n"
	    "c.none = function () {}\n"
	    "return true }\n");
	started();
	connects("1",
	    "[{'$':'undefined'},{'$':'number','v':'NaN'},"
	    "{'$':'number','v':'-Infinity'},{'$':'date','v':86400000},"
	    "{'$':'date','v':null},{'$':'xml','v':'<a/>'},"
	    "{'$':'bytes','v':'AP8H'},{'$':'bytes','v':'/w=='},"
	    "{'$':'array','v':{'1':2,'n':3,'length':9}},"
	    "{'$':'array','v':{'70000':1}},"
	    "{'$':'object','class':'C','v':{'a':1}},"
	    "{'$$':'date','$$v':1,'__proto__':{'b':2}},"
	    "{'$':'reference','v':0},{'$':'nonsense'},{'$':'__proto__'}]");
	/* clang-format off */
	static const char *const shown[] = { "[object Undefined] undefined", "[object Number] NaN",
		"[object Number] -Infinity", "[object Date] 86400000", "[object Date] NaN",
		"[object String] <a/>", "[object Uint8Array] 0,255,7", "[object Uint8Array] 255",
		"[object Array] 1=2,n=3", "[object Object] 70000=1", "[object Object] a=1",
		"[object Object] $=date,$v=1", "[object Undefined] undefined",
		"[object Undefined] undefined", "[object Undefined] undefined" };
	/* clang-format on */
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
		trace_is(shown[i]);
	expect("{'t':'accept','client':'1','inst':'i'}");
	say("{'t':'call','inst':'i','client':'1','seq':1,'method':'back','args'"
	    ":"
	    "[{'$':'undefined'},{'$':'number','v':'NaN'},{'$':'date','v':5},"
	    "{'$':'date','v':null},{'$':'bytes','v':'AP8H'},"
	    "{'$':'bytes','v':'/w=='},{'$$':1},-0.5,null]}");
	expect("{'t':'return','client':'1','seq':1,'value':[{'$':'undefined'},"
	       "{'$':'number','v':'NaN'},{'$':'date','v':5},"
	       "{'$':'date','v':null},{'$':'bytes','v':'AP8H'},"
	       "{'$':'bytes','v':'/w=='},{'$$':1},-0.5,null],'inst':'i'}");
	calls("self");
	expect("{'t':'error','client':'1','seq':5,'text':'the method failed',"
	       "'inst':'i'}");
	expect_log("\"script.error\"", "contains itself", NULL);
	calls("odd");
	expect("{'t':'return','client':'1','seq':5,'value':{'$$':'x','s':'y',"
	       "'u':{'$':'undefined'},'__proto':1},'inst':'i'}");
	calls("none");
	expect("{'t':'return','client':'1','seq':5,'value':{'$':'undefined'},"
	       "'inst':'i'}");
}
END_TEST

START_TEST(access_is_told_when_it_changes)
{
	run_script(
	    "var c; application.onConnect = function (x) { c = x\n"
	    "trace(c.readAccess + c.writeAccess)\n"
	    "c.readAccess = '/'; c.writeAccess = 'a;b/c'\n"
	    "trace(c.readAccess + c.writeAccess); return true }\n"
	    "application.onDisconnect = function () {\n"
	    "try { c.readAccess = 'x' } catch (e) { trace('gone') } }\n"
	    "application.onPublish = function () { c.readAccess = null }");
	started();
	connects("1", "[]");
	trace_is("//");
	expect("{'t':'access','client':'1','read':'/','write':'a;b/c',"
	       "'inst':'i'}");
	trace_is("/a;b/c");
	expect("{'t':'accept','client':'1','inst':'i'}");
	say("{'t':'publish','inst':'i','stream':'s','client':'9'}");
	expect("{'t':'access','client':'1','read':'','write':'a;b/c',"
	       "'inst':'i'}");
	say("{'t':'gone','inst':'i','client':'1'}");
	trace_is("gone");
	expect("");
}
END_TEST

/* Each of these is on something that a client can name, and is not callable. */
/* clang-format off */
static const char *const forbidden[] = {
	"constructor", "__proto__", "prototype", "toString", "hasOwnProperty", "valueOf",
	"__defineGetter__", "call", "ping", "getStats", "a.b", "application.shutdown",
	"trace", "load", "global", "globalFunction", "eval", "Function", "onStatus",
	"publish", "play", "connect", "", "text", "trap", "f ", "f()", "Client", "id", "inherited",
};
/* clang-format on */

START_TEST(only_methods_of_the_client_are_callable)
{
	run_script("function globalFunction() { trace('reached') }\n"
		   "Object.prototype.inherited = globalFunction\n"
		   "Client.prototype.publish = globalFunction\n"
		   "Client.prototype.f = function (n) { return n + 1 }\n"
		   "application.onConnect = function (c) {\n"
		   "c.text = 'x'; c.call.b = 1\n"
		   "Object.defineProperty(c, 'trap', { get: globalFunction })\n"
		   "c.own = function (n) { return [n, this.id] }\n"
		   "return true }\n");
	started();
	connects("1", "[]");
	expect("{'t':'accept','client':'1','inst':'i'}");
	calls("f");
	expect("{'t':'return','client':'1','seq':5,'value':2,'inst':'i'}");
	calls("own");
	expect(
	    "{'t':'return','client':'1','seq':5,'value':[1,'1'],'inst':'i'}");
	for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
		calls(forbidden[i]);
		ck_assert_msg(strstr(hear(), "Method not found") != NULL,
		    "%s is callable", forbidden[i]);
	}
	say("{'t':'call','inst':'i','client':'1','seq':6,'method':{'a':1}}");
	ck_assert_ptr_nonnull(strstr(hear(), "'t':'error'"));
	/* one that was not accepted calls nothing */
	say("{'t':'call','inst':'i','client':'2','seq':7,'method':'f'}");
	expect("");
	expect_log("", NULL);
}
END_TEST

START_TEST(calls_to_clients_come_back)
{
	run_script(
	    "application.onConnect = function (c) {\n"
	    "application.acceptConnection(c)\n"
	    "c.call('hello', { onResult: function (r) { trace('r ' + r) },\n"
	    "onStatus: function (s) { trace('s ' + s.code) } }, 1)\n"
	    "c.call('bye')\n"
	    "application.broadcastMsg('all', 2)\n"
	    "application.disconnect(c) }\n");
	started();
	connects("1", "[]");
	expect("{'t':'accept','client':'1','inst':'i'}");
	expect("{'t':'invoke','client':'1','method':'hello','call':1,"
	       "'args':[1],'inst':'i'}");
	expect("{'t':'invoke','client':'1','method':'bye','call':null,"
	       "'args':[],'inst':'i'}");
	expect("{'t':'broadcast','method':'all','args':[2],'inst':'i'}");
	expect("{'t':'drop','client':'1','inst':'i'}");
	/* only of whom was asked */
	connects("2", "[]");
	for (unsigned i = 0; i < 4; i++)
		ck_assert_str_ne(hear(), "");
	say("{'t':'result','inst':'i','client':'2','call':1,'ok':true,"
	    "'value':'forged'}");
	say("{'t':'result','inst':'i','client':'3','call':1,'ok':true,"
	    "'value':'forged'}");
	say("{'t':'result','inst':'i','client':'1','call':1,'ok':true,"
	    "'value':'x'}");
	trace_is("r x");
	/* once */
	say("{'t':'result','inst':'i','client':'1','call':1,'ok':true}");
	expect_log("", NULL);
}
END_TEST

/* Pushes. -------------------------------------------------------------------- */

static const char pusher[] =
    "var nc = new NetConnection(), ns\n"
    "nc.onStatus = function (i) { trace('nc ' + i.code + ' ' + "
    "this.isConnected) }\n"
    "application.onPublish = function (c, s) {\n"
    "nc.connect('rtmp://b/live', 7)\n"
    "ns = new NetStream(nc)\n"
    "ns.onStatus = function (i) { trace('ns ' + i.level + ' ' + i.code) }\n"
    "nc.call('FCPublish', null, s.name)\n"
    "ns.attach(s); ns.publish('t') }\n"
    "application.onUnpublish = function () { ns.close() }\n";

START_TEST(what_waits_for_a_connection_fails_with_it)
{
	run_script(pusher);
	started();
	say("{'t':'publish','inst':'i','client':'1','stream':'a'}");
	expect("{'t':'nc_open','nc':1,'url':'rtmp://b/live','auto':false,"
	       "'args':[7],'inst':'i'}");
	say("{'t':'nc','inst':'i','nc':1,'code':'NetConnection.Connect.Failed',"
	    "'text':'refused'}");
	trace_is("nc NetConnection.Connect.Failed false");
	trace_is("ns error NetStream.Failed");
	expect("");
}
END_TEST

START_TEST(calls_keep_their_order_until_the_connection_is_up)
{
	run_script(pusher);
	started();
	say("{'t':'publish','inst':'i','client':'1','stream':'a'}");
	ck_assert_ptr_nonnull(strstr(hear(), "nc_open"));
	say("{'t':'nc','inst':'i','nc':1,"
	    "'code':'NetConnection.Connect.Success'}");
	trace_is("nc NetConnection.Connect.Success true");
	ck_assert_ptr_nonnull(strstr(hear(), "'method':'FCPublish'"));
	ck_assert_ptr_nonnull(strstr(hear(), "'t':'push','ns':1"));
	say("{'t':'unpublish','inst':'i','client':'1','stream':'a'}");
	expect("{'t':'push_end','ns':1,'inst':'i'}");
	say("{'t':'ns','inst':'i','ns':1,'code':'NetStream.Unpublish.Success'"
	    "}");
	trace_is("ns status NetStream.Unpublish.Success");
	say("{'t':'nc','inst':'i','nc':1,'code':'NetConnection.Connect.Closed'"
	    "}");
	trace_is("nc NetConnection.Connect.Closed false");
	expect_log("", NULL);
}
END_TEST

START_TEST(what_is_missing_says_so_by_name)
{
	/* clang-format off */
	static const char *const uses[] = {
		"new SharedObject()", "SharedObject.get('x')", "new XML()", "new LoadVars()",
		"new File('x')", "Stream.get('a').record('x')", "application.registerProxy('x')",
		"new NetStream(new NetConnection()).send('x')", "application.getStats()",
		"Client.prototype.ping()", "new NetConnection().addHeader()", "protectObject({})",
	};
	static const char *const names[] = {
		"SharedObject is", "SharedObject.get is", "XML is", "LoadVars is", "File is",
		"Stream.record is", "application.registerProxy is", "NetStream.send is",
		"application.getStats is", "Client.ping is", "NetConnection.addHeader is",
		"protectObject is",
	};
	/* clang-format on */
	char script[4096] = "";
	for (unsigned i = 0; i < 12; i++)
		snprintf(script + strlen(script),
		    sizeof script - strlen(script), "%s\n", uses[i]);
	run_script(script);
	for (unsigned i = 0; i < 12; i++) {
		char line[32];
		snprintf(line, sizeof line, "\"line\":%u", i + 1);
		expect_log(
		    "\"script.error\"", names[i], "not supported", line, NULL);
	}
	started();
}
END_TEST

/* Time and limits. ------------------------------------------------------------ */

START_TEST(timers_fire_repeat_and_end)
{
	run_script("var n = 0, o = { m: function (x) { trace('m ' + x) } }\n"
		   "var id = setInterval(function (a) { trace('t ' + a + ++n)\n"
		   "if (n == 2) clearInterval(id) }, 100, 'x')\n"
		   "setTimeout(o, 'm', 50, 3)\n"
		   "setInterval(17, 5)\n");
	expect_log("\"script.error\"", "setInterval", "\"line\":5", NULL);
	started();
	later(60);
	trace_is("m 3");
	later(60);
	trace_is("t x1");
	later(1000);
	trace_is("t x2");
	later(1000);
	expect_log("", NULL);
}
END_TEST

START_TEST(a_hundred_thousand_timers_are_refused)
{
	run_script("for (var i = 0; i < 100000; i++)\n"
		   "setInterval(function () {}, 3600000)\n"
		   "trace('on ' + i)\n");
	expect_log("\"script.error\"", "more than 1000 timers", NULL);
	trace_is("on 1000");
	started();
}
END_TEST

START_TEST(deep_recursion_ends_the_call_only)
{
	run_script("function f() { f() }\nf()\ntrace('on')\n"
		   "var s = ''; for (var i = 0; i < 20000; i++) s += '('\n"
		   "try { eval(s) } catch (e) { trace('eval') }\n"
		   "var a = []; for (i = 0; i < 20000; i++) a = [a]\n"
		   "try { application.broadcastMsg('x', a) } catch (e) {\n"
		   "trace('json') }\n");
	expect_log("\"script.error\"", "callstack limit", NULL);
	trace_is("on");
	trace_is("eval");
	trace_is("json");
	started();
}
END_TEST

START_TEST(a_full_heap_ends_the_process)
{
	set_up_with("var a = []; application.onConnect = function () {\n"
		    "for (;;) a.push(String(a.length)) }",
	    2 << 20, CALL_MS);
	ck_assert_int_eq(say("{'t':'start','inst':'i'}"), SERVE_ON);
	expect("{'t':'started','inst':'i'}");
	started();
	ck_assert_int_eq(
	    say("{'t':'connect','inst':'i','client':'1','args':[]}"),
	    PROTO_EXIT_MEMORY);
	expect_log("\"script.error\"", "alloc failed", NULL);
}
END_TEST

START_TEST(a_hung_call_tells_where_and_ends_the_process)
{
	set_up_with("application.onPublish = function (c, s) {\n"
		    "spin(s)\n"
		    "}\n"
		    "function spin(s) {\n"
		    "while (true) { }\n"
		    "}\n",
	    HEAP, 300);
	ck_assert_int_eq(say("{'t':'start','inst':'i'}"), SERVE_ON);
	expect("{'t':'started','inst':'i'}");
	pid_t pid = fork();
	if (pid == 0) {
		say("{'t':'publish','inst':'i','client':'1','stream':'s'}");
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), PROTO_EXIT_HUNG);
	const char *m = hear();
	ck_assert_ptr_nonnull(strstr(m, "'t':'hung','app':'live','inst':'i',"
					"'entry':'application.onPublish',"
					"'function':'spin','file':'"));
	ck_assert_ptr_nonnull(strstr(m, "main.asc','line':5}"));
}
END_TEST

START_TEST(the_master_knows_what_the_script_is_at)
{
	run_script("application.onPublish = function (c, s) {\n"
		   "if (s.name == 'bad')\n"
		   "nothing.here() }\n");
	started();
	say("{'t':'publish','inst':'i','client':'1','stream':'s','n':7}");
	expect("{'t':'enter','n':7}");
	expect("{'t':'leave','n':7}");
	say("{'t':'publish','inst':'i','client':'1','stream':'bad','n':8}");
	ck_assert_str_eq(hear_any(), "{'t':'enter','n':8}");
	const char *m = hear_any();
	ck_assert_ptr_nonnull(strstr(m, "{'t':'fault','inst':'i',"
					"'called':'application.onPublish',"));
	ck_assert_ptr_nonnull(strstr(m, "main.asc','line':3,"));
	ck_assert_ptr_nonnull(strstr(m, "'nothing' undefined"));
	ck_assert_str_eq(hear_any(), "{'t':'leave','n':8}");
	ck_assert_str_eq(hear_any(), "");
}
END_TEST

START_TEST(who_dies_of_a_full_heap_does_not_leave)
{
	set_up_with("application.onPublish = function () {\n"
		    "for (var a = [];;) a.push(String(a.length)) }",
	    2 << 20, CALL_MS);
	ck_assert_int_eq(say("{'t':'start','inst':'i'}"), SERVE_ON);
	expect("{'t':'started','inst':'i'}");
	ck_assert_int_eq(say("{'t':'publish','inst':'i','client':'1',"
			     "'stream':'s','n':7}"),
	    PROTO_EXIT_MEMORY);
	expect("{'t':'enter','n':7}");
	expect("");
}
END_TEST

START_TEST(too_much_or_too_large_is_refused_where_it_is_sent)
{
	start_with(
	    "var s = 'x'; while (s.length < 70000) s += s\n"
	    "application.broadcastMsg(s)\n"
	    "s = s.slice(0, 60000)\n"
	    "for (var i = 0; i < 1000; i++) application.broadcastMsg(s)\n",
	    HEAP, CALL_MS);
	expect_log("\"script.error\"", "larger than", "\"line\":2", NULL);
	expect_log("\"script.error\"", "keep up", "\"line\":4", NULL);
}
END_TEST

/* Life. ----------------------------------------------------------------------- */

START_TEST(instances_share_nothing)
{
	run_script("var n = 0; application.onPublish = function (c, s) {\n"
		   "trace(application.name + ' ' + ++n) }");
	started();
	say("{'t':'start','inst':'j'}");
	expect("{'t':'started','inst':'j'}");
	expect_log("\"script.start\"", "\"instance\":\"j\"", NULL);
	say("{'t':'publish','inst':'i','client':'1','stream':'s'}");
	trace_is("live/i 1");
	say("{'t':'publish','inst':'j','client':'1','stream':'s'}");
	trace_is("live/j 1");
	say("{'t':'stop','inst':'i','code':'Application.GC'}");
	expect("{'t':'stopped','inst':'i'}");
	say("{'t':'publish','inst':'j','client':'1','stream':'s'}");
	expect_log("\"script.stop\"", "Application.GC", NULL);
	trace_is("live/j 2");
}
END_TEST

START_TEST(onAppStop_may_refuse_unless_forced)
{
	run_script("application.onAppStart = function () { trace('start') }\n"
		   "application.onAppStop = function (i) { trace(i.code)\n"
		   "return false }");
	trace_is("start");
	started();
	say("{'t':'stop','inst':'i','code':'Application.GC','force':false}");
	expect("{'t':'kept','inst':'i'}");
	trace_is("Application.GC");
	ck_assert_int_eq(say("{'t':'quit'}"), 0);
	trace_is("Application.Shutdown");
	expect("{'t':'stopped','inst':'i'}");
}
END_TEST

START_TEST(nonsense_of_the_master_does_no_harm)
{
	ck_assert_int_eq(say("{'t':'start','inst':'i'}"), PROTO_EXIT_ENGINE);
	run_script("");
	ck_assert_int_eq(say("[1]"), PROTO_EXIT_ENGINE);
	ck_assert_int_eq(say("{"), PROTO_EXIT_ENGINE);
	ck_assert_int_eq(say("{'t':'setup'}"), PROTO_EXIT_ENGINE);
	static const char *const kinds[] = { "connect", "gone", "publish",
		"unpublish", "call", "result", "nc", "nc_result", "ns", "relay",
		"timer", "fault", "start", "toString", "" };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		say("{'t':'%s','inst':'none'}", kinds[i]);
		say("{'t':'%s','inst':'i'}", kinds[i]);
		say("{'t':'%s','inst':'i','client':{},'args':3,'call':[],"
		    "'stream':'__proto__','nc':'x','ns':null,'seq':1}",
		    kinds[i]);
	}
	ck_assert_int_eq(say("{'t':'ping','n':4}"), SERVE_ON);
	const char *m;
	do
		m = hear();
	while (*m && strstr(m, "pong") == NULL);
	ck_assert_str_eq(m, "{'t':'pong','n':4}");
}
END_TEST

START_TEST(json_becomes_ascii)
{
	/* clang-format off */
	static const struct { const char *from, *to; } cases[] = {
		{ "{\"a\":1}", "{\"a\":1}" }, { "\xc3\xbc", "\\u00fc" },
		{ "\xe2\x82\xac", "\\u20ac" }, { "\xf0\x9f\x98\x80", "\\ud83d\\ude00" },
		{ "\xed\xa0\xbd\xed\xb8\x80", "\\ud83d\\ude00" }, { "\xed\xa0\xbdx", "\\ufffdx" },
		{ "\xed\xb8\x80", "\\ufffd" }, { "\\ud83dx", "\\ufffdx" }, { "\\\\ud83d", "\\\\ud83d" },
		{ "\\ud83d\\ude00", "\\ud83d\\ude00" }, { "\xff\xc0\x80", "\\ufffd\\ufffd" }, { "\xe2\x82", "\\ufffd\\ufffd" },
	};
	/* clang-format on */
	char out[64];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t n = json_ascii(
		    out, sizeof out, cases[i].from, strlen(cases[i].from));
		out[n] = '\0';
		ck_assert_str_eq(out, cases[i].to);
	}
	ck_assert_uint_eq(json_ascii(out, 20, "0123456789", 10), 0);
	out[json_quote(out, sizeof out, "a\"\\\n\xff")] = '\0';
	ck_assert_str_eq(out, "\"a\\\"\\\\\\u000a\\ufffd\"");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("script");
	TCase *t = tcase_create("script");
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup_world, end_world);
	tcase_add_test(t, a_statement_that_fails_is_left_out);
	tcase_add_test(t, the_multi_point_program_runs_as_it_stands);
	tcase_add_test(t, load_looks_beside_the_file_and_in_lib);
	tcase_add_test(t, a_script_that_cannot_be_read_is_told);
	tcase_add_test(
	    t, connections_are_accepted_refused_sent_away_and_deferred);
	tcase_add_test(t, who_waits_and_leaves_is_not_accepted_later);
	tcase_add_test(t, what_json_has_not_comes_and_goes_by_marks);
	tcase_add_test(t, access_is_told_when_it_changes);
	tcase_add_test(t, only_methods_of_the_client_are_callable);
	tcase_add_test(t, calls_to_clients_come_back);
	tcase_add_test(t, what_waits_for_a_connection_fails_with_it);
	tcase_add_test(t, calls_keep_their_order_until_the_connection_is_up);
	tcase_add_test(t, what_is_missing_says_so_by_name);
	tcase_add_test(t, timers_fire_repeat_and_end);
	tcase_add_test(t, a_hundred_thousand_timers_are_refused);
	tcase_add_test(t, deep_recursion_ends_the_call_only);
	tcase_add_test(t, a_full_heap_ends_the_process);
	tcase_add_test(t, a_hung_call_tells_where_and_ends_the_process);
	tcase_add_test(t, the_master_knows_what_the_script_is_at);
	tcase_add_test(t, who_dies_of_a_full_heap_does_not_leave);
	tcase_add_test(t, too_much_or_too_large_is_refused_where_it_is_sent);
	tcase_add_test(t, instances_share_nothing);
	tcase_add_test(t, onAppStop_may_refuse_unless_forced);
	tcase_add_test(t, nonsense_of_the_master_does_no_harm);
	tcase_add_test(t, json_becomes_ascii);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
