#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "script/fault.h"
#include "script/guard.h"
#include "script/inst.h"
#include "script/json.h"
#include "common/proto.h"

enum { STACK = 512 * 1024, LOOK_S = 1 };

static struct {
	struct inst *inst;
	unsigned depth;
	char entry[128];
	sigjmp_buf give_up;
} the;

static char stack[STACK];

static void
set_timer(uint32_t ms)
{
	struct itimerval t = { .it_value = { ms / 1000,
				   (suseconds_t)(ms % 1000) * 1000 } };
	(void)setitimer(ITIMER_REAL, &t, NULL);
}

/* Looking failed. */
static void
on_trouble(int sig)
{
	(void)sig;
	siglongjmp(the.give_up, 1);
}

static void catch (int sig, void (*fn)(int))
{
	struct sigaction a = { .sa_handler = fn,
		.sa_flags = SA_ONSTACK | SA_NODEFER };
	sigemptyset(&a.sa_mask);
	(void)sigaction(sig, &a, NULL);
}

/* Where the engine is, or nothing. */
static void
look(struct fault_place *where)
{
	struct sigaction a = { .sa_handler = SIG_DFL };
	if (sigsetjmp(the.give_up, 1) != 0) {
		*where = (struct fault_place){ .line = 0 };
		return;
	}
	catch (SIGSEGV, on_trouble);
	catch (SIGBUS, on_trouble);
	catch (SIGABRT, on_trouble);
	catch (SIGFPE, on_trouble);
	catch (SIGALRM, on_trouble);
	set_timer(LOOK_S * 1000);
	heap_die(&the.inst->heap);
	fault_where(the.inst->heap.ctx, where);
	(void)sigaction(SIGALRM, &a, NULL);
}

static size_t
add(char *to, size_t o, size_t cap, const char *name, const char *value)
{
	int n = snprintf(to + o, cap - o, "\"%s\":", name);
	o += n > 0 ? (size_t)n : 0;
	o += json_quote(to + o, cap - o - 64, value);
	to[o++] = ',';
	return o;
}

static void
tell(const struct fault_place *where)
{
	char text[4096];
	const struct host *h = the.inst->host;
	size_t o = (size_t)snprintf(text, sizeof text, "{\"t\":\"hung\",");
	o = add(text, o, sizeof text, "app", h->app);
	o = add(text, o, sizeof text, "inst", the.inst->name);
	o = add(text, o, sizeof text, "entry", the.entry);
	o = add(text, o, sizeof text, "function", where->function);
	o = add(text, o, sizeof text, "file", where->file);
	o += (size_t)snprintf(
	    text + o, sizeof text - o, "\"line\":%u}", where->line);
	(void)send(h->link.fd, text, o, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
on_alarm(int sig)
{
	struct fault_place where = { .line = 0 };
	(void)sig;
	if (the.depth == 0)
		return;
	look(&where);
	tell(&where);
	_exit(PROTO_EXIT_HUNG);
}

int
guard_init(void)
{
	stack_t s = { .ss_sp = stack, .ss_size = sizeof stack };
	if (sigaltstack(&s, NULL) != 0)
		return -errno;
	catch (SIGALRM, on_alarm);
	return 0;
}

void
guard_begin(struct inst *i, const char *entry)
{
	if (the.depth == 0) {
		the.inst = i;
		guard_enter(entry);
	}
	if (the.depth++ == 0 && i->host->call_ms != 0)
		set_timer(i->host->call_ms);
}

void
guard_end(void)
{
	if (--the.depth == 0)
		set_timer(0);
}

void
guard_enter(const char *entry)
{
	snprintf(the.entry, sizeof the.entry, "%s", entry);
}

const char *
guard_entry(void)
{
	return the.entry;
}
