/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_BASE_LOOP_H
#define HOST_BASE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * The control thread's event loop: sd-event with a cross-thread post. Callbacks of the loop must not
 * take longer than a millisecond.
 * Thread: everything is for the loop's own thread, except loop_post() and loop_quit().
 */

struct loop;
struct sd_event;
struct loop_source; /* one watched descriptor, timer or child */

/*
 * Blocks SIGINT, SIGTERM, SIGCHLD and SIGPIPE in the calling thread until loop_destroy(): create the loop before
 * any thread. A forked child inherits the mask and clears it before exec.
 */
int loop_create(struct loop **out) PF_MUST_CHECK;
/* Takes NULL. Sources are removed first; posted calls that did not run are dropped. */
void loop_destroy(struct loop *l);
struct sd_event *loop_sd_event(struct loop *l);

/*
 * Runs until loop_quit(). SIGINT and SIGTERM quit with code 0. Returns the code given to loop_quit(), or
 * a pf_error when the system failed.
 */
int loop_run(struct loop *l) PF_MUST_CHECK;
void loop_quit(struct loop *l, int code); /* Thread: any */

/*
 * Runs fn(data copy) on the loop thread, in order. Never blocks, never allocates: at most
 * LOOP_POST_SLOTS calls wait. Errors: PF_E_FULL, PF_E_INVALID (len > LOOP_POST_MAX). Thread: any.
 */
#define LOOP_POST_MAX	64u
#define LOOP_POST_SLOTS 256u
int loop_post(struct loop *l, void (*fn)(const void *data, size_t len), const void *data,
	size_t len) PF_MUST_CHECK;

/* events: EPOLLIN, EPOLLOUT. fn gets the events that are there. The source does not own fd. */
int loop_add_fd(struct loop *l, struct loop_source **out, int fd, uint32_t events,
	void (*fn)(uint32_t events, void *userdata), void *userdata) PF_MUST_CHECK;
void loop_set_events(struct loop_source *s, uint32_t events);

/*
 * One-shot timer on CLOCK_MONOTONIC, made unarmed. deadline UINT64_MAX = disarm. Accuracy 100 us. After loop_run()
 * nothing fires, and a deadline may still be set.
 */
int loop_add_timer(struct loop *l, struct loop_source **out, void (*fn)(void *userdata),
	void *userdata) PF_MUST_CHECK;
void loop_set_deadline(struct loop_source *s, uint64_t deadline_ns);

/* fn gets the wait status when the child pid ends. The source reaps it. */
int loop_add_child(struct loop *l, struct loop_source **out, int pid,
	void (*fn)(int pid, int status, void *userdata), void *userdata) PF_MUST_CHECK;

/* Takes NULL. After it returns the callback does not run any more. Sets *s to NULL. */
void loop_remove(struct loop_source **s);

#endif
