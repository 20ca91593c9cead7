/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/clipboard/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/loop.h"
#include "host/media/clock.h"

#define PIECE 65536u /* a pipe's own size: no turn of the loop takes longer for it */

bool pipe_prepare(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return false;
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static void extend(struct loop_source *timer, uint64_t end_ns)
{
	uint64_t until_ns = clock_now_ns() + PIPE_WAIT_NS;
	loop_set_deadline(timer, until_ns < end_ns ? until_ns : end_ns);
}

/* --- reading --- */

bool pipe_read_busy(const struct pipe_read *r)
{
	return r->readable;
}

void pipe_read_stop(struct pipe_read *r)
{
	if (pipe_read_busy(r)) {
		loop_remove(&r->readable);
		close(r->fd);
	}
	loop_remove(&r->timer);
	clip_build_drop(&r->build);
}

static void end_read(struct pipe_read *r, bool whole)
{
	struct clip_text *text = NULL;
	void (*done)(struct clip_text *, void *) = r->done;
	void *userdata = r->userdata;
	/* One that died before it wrote anything looks like one that has an empty text. */
	if (whole && r->build.text && clip_build_take(&r->build, &text) < 0)
		text = NULL;
	pipe_read_stop(r);
	done(text, userdata);
}

static void on_readable(uint32_t events, void *userdata)
{
	struct pipe_read *r = userdata;
	static uint8_t piece[PIECE]; /* the loop's thread alone */
	(void)events;
	ssize_t n = read(r->fd, piece, sizeof(piece));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	int err = n > 0 ? clip_build_add(&r->build, piece, (size_t)n) : PF_OK;
	memset(piece, 0, n > 0 ? (size_t)n : 0);
	if (n <= 0 || err < 0)
		end_read(r, n == 0 && err >= 0);
	else
		extend(r->timer, r->end_ns);
}

static void on_read_timer(void *userdata)
{
	end_read(userdata, false);
}

int pipe_read_start(struct pipe_read *r, struct loop *loop, int fd,
	void (*done)(struct clip_text *text, void *userdata), void *userdata)
{
	memset(r, 0, sizeof(*r));
	r->fd = fd;
	r->done = done;
	r->userdata = userdata;
	r->end_ns = clock_now_ns() + PIPE_ALL_NS;
	int err = pipe_prepare(fd) ? loop_add_timer(loop, &r->timer, on_read_timer, r) : PF_E_IO;
	if (err >= 0)
		err = loop_add_fd(loop, &r->readable, fd, EPOLLIN, on_readable, r);
	if (err < 0) {
		loop_remove(&r->timer);
		close(fd);
		return err;
	}
	extend(r->timer, r->end_ns);
	return PF_OK;
}

/* --- writing --- */

bool pipe_write_busy(const struct pipe_write *w)
{
	return w->writable;
}

void pipe_write_stop(struct pipe_write *w)
{
	if (pipe_write_busy(w)) {
		loop_remove(&w->writable);
		close(w->fd);
	}
	loop_remove(&w->timer);
	clip_text_unref(w->text);
	w->text = NULL;
}

static void on_writable(uint32_t events, void *userdata)
{
	struct pipe_write *w = userdata;
	(void)events;
	size_t len = w->text->len - w->sent;
	ssize_t n = len ? write(w->fd, w->text->data + w->sent, len < PIECE ? len : PIECE) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		w->sent += (size_t)n;
	if (n < 0 || w->sent == w->text->len)
		pipe_write_stop(w);
	else
		extend(w->timer, w->end_ns);
}

static void on_write_timer(void *userdata)
{
	pipe_write_stop(userdata);
}

int pipe_write_start(struct pipe_write *w, struct loop *loop, int fd, struct clip_text *text)
{
	memset(w, 0, sizeof(*w));
	w->fd = fd;
	w->end_ns = clock_now_ns() + PIPE_ALL_NS;
	int err = pipe_prepare(fd) ? loop_add_timer(loop, &w->timer, on_write_timer, w) : PF_E_IO;
	if (err >= 0)
		err = loop_add_fd(loop, &w->writable, fd, EPOLLOUT, on_writable, w);
	if (err < 0) {
		loop_remove(&w->timer);
		close(fd);
		return err;
	}
	w->text = clip_text_ref(text);
	extend(w->timer, w->end_ns);
	return PF_OK;
}
