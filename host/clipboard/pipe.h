/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CLIPBOARD_PIPE_H
#define HOST_CLIPBOARD_PIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"
#include "host/clipboard/text.h"

/*
 * Text through the pipes that Wayland programs hand each other, beside the loop's other work. The program at the
 * other end may be slow, dead or hostile: it gets PIPE_WAIT_NS from one piece to the next. Thread: the loop.
 */

struct loop;
struct loop_source;

#define PIPE_WAIT_NS 5000000000ull /* as long as a person waits for a paste */
#define PIPE_ALL_NS \
	30000000000ull /* for the whole of it: who gives a byte at a time is no program that pastes */

struct pipe_read {
	struct loop_source *readable, *timer;
	int fd;
	uint64_t end_ns;
	struct clip_build build;
	/* text is the callee's; NULL = there is none, or it is empty. May start the next read; must not free r. */
	void (*done)(struct clip_text *text, void *userdata);
	void *userdata;
};

struct pipe_write {
	struct loop_source *writable, *timer;
	int fd;
	uint64_t end_ns;
	struct clip_text *text;
	size_t sent;
};

/* Both take fd, also when they fail; it becomes nonblocking. Errors: PF_E_NOMEM, PF_E_IO. */
int pipe_read_start(struct pipe_read *r, struct loop *loop, int fd,
	void (*done)(struct clip_text *text, void *userdata), void *userdata) PF_MUST_CHECK;
bool pipe_read_busy(const struct pipe_read *r);
void pipe_read_stop(struct pipe_read *r); /* takes a zeroed one; done() is not called */

/* Keeps a reference to text until it is written, or cannot be. */
int pipe_write_start(
	struct pipe_write *w, struct loop *loop, int fd, struct clip_text *text) PF_MUST_CHECK;
bool pipe_write_busy(const struct pipe_write *w);
void pipe_write_stop(struct pipe_write *w); /* takes a zeroed one */

/* Is fd something that a write cannot hang on once it is nonblocking: a pipe or a socket? Makes it so. */
bool pipe_prepare(int fd);

#endif
