/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/thread.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREAD_MEDIA_NICE    (-10)
#define THREAD_NAME_LEN	     16 /* the kernel's limit, with the 0 */
#define THREAD_TIMERSLACK_NS 1ul

struct start {
	char name[THREAD_NAME_LEN];
	enum thread_kind kind;
	void (*fn)(void *);
	void *userdata;
};

static void *run(void *arg)
{
	struct start start = *(struct start *)arg;
	free(arg);
	pthread_setname_np(pthread_self(), start.name);
	prctl(PR_SET_TIMERSLACK, THREAD_TIMERSLACK_NS, 0, 0, 0);
	if (start.kind == THREAD_MEDIA)
		(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), THREAD_MEDIA_NICE);
	start.fn(start.userdata);
	return NULL;
}

int thread_start(struct thread *t, const char *name, enum thread_kind kind, void (*fn)(void *),
	void *userdata)
{
	struct start *start = calloc(1, sizeof(*start));
	if (!start)
		return PF_E_NOMEM;
	snprintf(start->name, sizeof(start->name), "%s", name);
	start->kind = kind;
	start->fn = fn;
	start->userdata = userdata;

	/* A fault of the thread's own must still reach its handler, or the kernel ends us mutely. */
	sigset_t block, old;
	sigfillset(&block);
	const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&block, faults[i]);
	pthread_sigmask(SIG_BLOCK, &block, &old);
	int err = pthread_create(&t->id, NULL, run, start);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		free(start);
		return pf_error_from_errno(err);
	}
	t->running = true;
	return 0;
}

void thread_join(struct thread *t)
{
	if (!t->running)
		return;
	pf_check(!pthread_equal(t->id, pthread_self()));
	pthread_join(t->id, NULL);
	t->running = false;
}
