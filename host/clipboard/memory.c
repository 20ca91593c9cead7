/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "host/clipboard/clipboard.h"

/*
 * No desktop, but a clipboard as one with a clipboard manager has it: what is offered is pasted at once, and the
 * copy is selected then.
 */

struct memory {
	struct clipboard base;
	struct pipe_read copy;
	struct pipe_write answer;
	struct clip_text *text; /* selected; NULL = nothing */
};

static struct memory *from_base(struct clipboard *base)
{
	pf_check(base->impl == &clipboard_memory_impl);
	return (struct memory *)base;
}

static void on_copied(struct clip_text *text, void *userdata)
{
	struct memory *m = userdata;
	if (!text)
		return;
	clip_text_unref(m->text);
	m->text = text;
	clipboard_selected(&m->base, true);
}

static int offer(struct clipboard *base, bool on)
{
	struct memory *m = from_base(base);
	int fds[2];
	pipe_read_stop(&m->copy);
	if (!on)
		return PF_OK;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return pf_error_from_errno(errno);
	int err = pipe_read_start(&m->copy, base->params.loop, fds[0], on_copied, m);
	if (err < 0)
		close(fds[1]);
	else
		clipboard_pasted(base, fds[1]);
	return err;
}

static int receive(struct clipboard *base, int fd)
{
	struct memory *m = from_base(base);
	if (!m->text)
		return PF_E_IO;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return pf_error_from_errno(errno);
	pipe_write_stop(&m->answer);
	return pipe_write_start(&m->answer, base->params.loop, own, m->text);
}

static void destroy(struct clipboard *base)
{
	struct memory *m = from_base(base);
	pipe_read_stop(&m->copy);
	pipe_write_stop(&m->answer);
	clip_text_unref(m->text);
	pf_free(m);
}

static int create(struct clipboard **out, const struct clipboard_params *params)
{
	struct memory *m = pf_calloc(1, sizeof(*m));
	if (!m)
		return PF_E_NOMEM;
	m->base.impl = &clipboard_memory_impl;
	m->base.params = *params;
	*out = &m->base;
	return PF_OK;
}

const struct clipboard_impl clipboard_memory_impl = {
	.name = "memory",
	.create = create,
	.destroy = destroy,
	.offer = offer,
	.receive = receive,
};
