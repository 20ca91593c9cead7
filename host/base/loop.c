/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define TIMER_ACCURACY_US \
	100u /* sd-event may be late by this much to join wake-ups; 0 would mean 250 ms */

/* turn says whose turn the slot is: index = a producer's, index + 1 = the loop's. */
struct post_slot {
	_Atomic uint32_t turn;
	uint32_t len;
	void (*fn)(const void *data, size_t len);
	_Alignas(16) unsigned char data[LOOP_POST_MAX];
};

struct loop {
	sd_event *event;
	sd_event_source *on_post, *on_sigint, *on_sigterm;
	int post_fd;
	bool mask_saved;
	sigset_t old_mask;
	_Atomic bool signalled; /* post_fd is readable or about to be: no second write */
	_Atomic bool quit;
	_Atomic int quit_code;
	_Atomic uint32_t post_head; /* producers */
	uint32_t post_tail;	    /* the loop */
	struct post_slot slots[LOOP_POST_SLOTS];
};

struct loop_source {
	sd_event_source *source;
	void *userdata;
	union {
		void (*fd)(uint32_t events, void *userdata);
		void (*timer)(void *userdata);
		void (*child)(int pid, int status, void *userdata);
	} fn;
};

_Static_assert((LOOP_POST_SLOTS & (LOOP_POST_SLOTS - 1)) == 0, "indices run freely");

static void signal_loop(struct loop *l)
{
	if (atomic_exchange(&l->signalled, true))
		return;
	uint64_t one = 1;
	ssize_t n = write(l->post_fd, &one, sizeof(one));
	pf_check(n == (ssize_t)sizeof(one)); /* one write between two reads cannot overflow */
}

static bool run_one_post(struct loop *l)
{
	struct post_slot *slot = &l->slots[l->post_tail % LOOP_POST_SLOTS];
	if (atomic_load_explicit(&slot->turn, memory_order_acquire) != l->post_tail + 1)
		return false;
	_Alignas(16) unsigned char data[LOOP_POST_MAX];
	size_t len = slot->len;
	void (*fn)(const void *, size_t) = slot->fn;
	memcpy(data, slot->data, len);
	atomic_store_explicit(&slot->turn, l->post_tail + LOOP_POST_SLOTS, memory_order_release);
	l->post_tail++;
	fn(data, len);
	return true;
}

static int handle_post(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct loop *l = userdata;
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));
	(void)n;
	/* Before the ring is emptied: who posts from here on writes again. */
	atomic_exchange(&l->signalled, false);
	if (atomic_load(&l->quit))
		return sd_event_exit(l->event, atomic_load(&l->quit_code));
	/* Bounded, so that a callback that posts again cannot starve the other sources. */
	unsigned done = 0;
	while (done < LOOP_POST_SLOTS && run_one_post(l))
		done++;
	if (done == LOOP_POST_SLOTS)
		signal_loop(l);
	return 0;
}

static int handle_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
	struct loop *l = userdata;
	return sd_event_exit(l->event, 0);
}

int loop_create(struct loop **out)
{
	*out = NULL;
	struct loop *l = calloc(1, sizeof(*l));
	if (!l)
		return PF_E_NOMEM;
	for (uint32_t i = 0; i < LOOP_POST_SLOTS; i++)
		atomic_init(&l->slots[i].turn, i);

	int err = PF_E_IO;
	l->post_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->post_fd < 0) {
		err = pf_error_from_errno(errno);
		goto fail;
	}
	sigset_t block;
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGCHLD);
	sigaddset(&block, SIGPIPE); /* a reader that left is an error of write() */
	pthread_sigmask(SIG_BLOCK, &block, &l->old_mask);
	l->mask_saved = true;

	int r = sd_event_new(&l->event);
	if (r >= 0)
		r = sd_event_add_io(l->event, &l->on_post, l->post_fd, EPOLLIN, handle_post, l);
	if (r >= 0)
		r = sd_event_add_signal(l->event, &l->on_sigint, SIGINT, handle_signal, l);
	if (r >= 0)
		r = sd_event_add_signal(l->event, &l->on_sigterm, SIGTERM, handle_signal, l);
	if (r < 0) {
		err = pf_error_from_errno(-r);
		goto fail;
	}
	*out = l;
	return 0;
fail:
	loop_destroy(l);
	return err;
}

void loop_destroy(struct loop *l)
{
	if (!l)
		return;
	sd_event_source_disable_unref(l->on_sigterm);
	sd_event_source_disable_unref(l->on_sigint);
	sd_event_source_disable_unref(l->on_post);
	sd_event_unref(l->event);
	if (l->post_fd >= 0)
		close(l->post_fd);
	if (l->mask_saved) {
		static const struct timespec now;
		sigset_t pipe;
		sigemptyset(&pipe);
		sigaddset(&pipe, SIGPIPE);
		while (!sigismember(&l->old_mask, SIGPIPE) && sigtimedwait(&pipe, NULL, &now) > 0)
			;
		pthread_sigmask(SIG_SETMASK, &l->old_mask, NULL);
	}
	free(l);
}

struct sd_event *loop_sd_event(struct loop *l)
{
	return l->event;
}

int loop_run(struct loop *l)
{
	int r = sd_event_loop(l->event);
	if (atomic_load(&l->quit))
		return atomic_load(&l->quit_code);
	return r < 0 ? pf_error_from_errno(-r) : r;
}

void loop_quit(struct loop *l, int code)
{
	atomic_store(&l->quit_code, code);
	atomic_store(&l->quit, true);
	signal_loop(l);
}

int loop_post(
	struct loop *l, void (*fn)(const void *data, size_t len), const void *data, size_t len)
{
	if (len > LOOP_POST_MAX)
		return PF_E_INVALID;
	uint32_t head = atomic_load_explicit(&l->post_head, memory_order_relaxed);
	struct post_slot *slot;
	for (;;) {
		slot = &l->slots[head % LOOP_POST_SLOTS];
		uint32_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
		int32_t lag = (int32_t)(turn - head);
		if (lag < 0)
			return PF_E_FULL;
		if (lag > 0)
			head = atomic_load_explicit(&l->post_head, memory_order_relaxed);
		else if (atomic_compare_exchange_weak_explicit(&l->post_head, &head, head + 1,
				 memory_order_relaxed, memory_order_relaxed))
			break;
	}
	slot->fn = fn;
	slot->len = (uint32_t)len;
	if (len)
		memcpy(slot->data, data, len);
	atomic_store_explicit(&slot->turn, head + 1, memory_order_release);
	signal_loop(l);
	return 0;
}

/* Callbacks may remove their own source: nothing of it is touched after fn. */
static int handle_fd(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct loop_source *src = userdata;
	src->fn.fd(revents, src->userdata);
	return 0;
}

static int handle_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct loop_source *src = userdata;
	src->fn.timer(src->userdata);
	return 0;
}

static int handle_child(sd_event_source *s, const siginfo_t *si, void *userdata)
{
	struct loop_source *src = userdata;
	int status = si->si_status;
	if (si->si_code == CLD_EXITED)
		status = (si->si_status & 0xff) << 8;
	else if (si->si_code == CLD_DUMPED)
		status |= WCOREFLAG;
	src->fn.child(si->si_pid, status, src->userdata);
	return 0;
}

static struct loop_source *new_source(void *userdata)
{
	struct loop_source *s = calloc(1, sizeof(*s));
	if (s)
		s->userdata = userdata;
	return s;
}

static int publish_source(struct loop_source **out, struct loop_source *s, int r)
{
	if (r < 0) {
		free(s);
		return pf_error_from_errno(-r);
	}
	*out = s;
	return 0;
}

int loop_add_fd(struct loop *l, struct loop_source **out, int fd, uint32_t events,
	void (*fn)(uint32_t events, void *userdata), void *userdata)
{
	*out = NULL;
	struct loop_source *s = new_source(userdata);
	if (!s)
		return PF_E_NOMEM;
	s->fn.fd = fn;
	return publish_source(
		out, s, sd_event_add_io(l->event, &s->source, fd, events, handle_fd, s));
}

void loop_set_events(struct loop_source *s, uint32_t events)
{
	pf_check(sd_event_source_set_io_events(s->source, events) >= 0);
}

int loop_add_timer(
	struct loop *l, struct loop_source **out, void (*fn)(void *userdata), void *userdata)
{
	*out = NULL;
	struct loop_source *s = new_source(userdata);
	if (!s)
		return PF_E_NOMEM;
	s->fn.timer = fn;
	int r = sd_event_add_time(l->event, &s->source, CLOCK_MONOTONIC, UINT64_MAX,
		TIMER_ACCURACY_US, handle_timer, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->source, SD_EVENT_OFF);
	if (r < 0)
		sd_event_source_disable_unref(s->source);
	return publish_source(out, s, r);
}

void loop_set_deadline(struct loop_source *s, uint64_t deadline_ns)
{
	/* What is torn down when the loop is over rearms its timers like always; nothing will fire. */
	if (sd_event_get_state(sd_event_source_get_event(s->source)) == SD_EVENT_FINISHED)
		return;
	if (deadline_ns == UINT64_MAX) {
		pf_check(sd_event_source_set_enabled(s->source, SD_EVENT_OFF) >= 0);
		return;
	}
	/* Rounded up: a timer that fires early would only be armed again. */
	uint64_t usec = deadline_ns / 1000 + (deadline_ns % 1000 != 0);
	pf_check(sd_event_source_set_time(s->source, usec) >= 0);
	pf_check(sd_event_source_set_enabled(s->source, SD_EVENT_ONESHOT) >= 0);
}

int loop_add_child(struct loop *l, struct loop_source **out, int pid,
	void (*fn)(int pid, int status, void *userdata), void *userdata)
{
	*out = NULL;
	struct loop_source *s = new_source(userdata);
	if (!s)
		return PF_E_NOMEM;
	s->fn.child = fn;
	return publish_source(
		out, s, sd_event_add_child(l->event, &s->source, pid, WEXITED, handle_child, s));
}

void loop_remove(struct loop_source **s)
{
	if (!*s)
		return;
	sd_event_source_disable_unref((*s)->source);
	free(*s);
	*s = NULL;
}
