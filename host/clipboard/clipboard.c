/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/clipboard/clipboard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct clipboard_impl *const impls[] = {
#if HAVE_WLROOTS
	&clipboard_wlr_impl,
#endif
	&clipboard_memory_impl,
};

int clipboard_create(
	struct clipboard **out, const char *name, const struct clipboard_params *params)
{
	*out = NULL;
	for (size_t i = 0; name && i < sizeof(impls) / sizeof(impls[0]); i++)
		if (!strcmp(impls[i]->name, name))
			return impls[i]->create(out, params);
	return PF_E_UNSUPPORTED;
}

void clipboard_destroy(struct clipboard *c)
{
	if (!c)
		return;
	pipe_read_stop(&c->fetch);
	clipboard_give(c, NULL);
	for (unsigned i = 0; i < CLIPBOARD_PASTES_MAX; i++)
		pipe_write_stop(&c->pastes[i]);
	c->impl->destroy(c);
}

static void no_selection(bool text, void *userdata)
{
	(void)text;
	(void)userdata;
}

bool clipboard_exists(const char *name, struct loop *loop, const char *wayland_display)
{
	struct clipboard *c = NULL;
	struct clipboard_params params = {
		.loop = loop, .wayland_display = wayland_display, .on_selection = no_selection};
	bool exists = clipboard_create(&c, name, &params) >= 0;
	clipboard_destroy(c);
	return exists;
}

int clipboard_offer(struct clipboard *c)
{
	return c->impl->offer(c, true);
}

void clipboard_withdraw(struct clipboard *c)
{
	/* What cannot be said to a compositor that hangs ends with it. */
	(void)!c->impl->offer(c, false);
}

static struct pipe_write *free_paste(struct clipboard *c)
{
	for (unsigned i = 0; i < CLIPBOARD_PASTES_MAX; i++)
		if (!pipe_write_busy(&c->pastes[i]))
			return &c->pastes[i];
	return NULL;
}

void clipboard_give(struct clipboard *c, struct clip_text *text)
{
	for (unsigned i = 0; i < c->n_waiting; i++) {
		struct pipe_write *w = text ? free_paste(c) : NULL;
		/* One that cannot be written to is closed, and so are those that nothing is given to. */
		if (w)
			(void)!pipe_write_start(w, c->params.loop, c->waiting[i], text);
		else
			close(c->waiting[i]);
	}
	c->n_waiting = 0;
}

static void on_fetched(struct clip_text *text, void *userdata)
{
	struct clipboard *c = userdata;
	c->params.on_text(text, c->params.userdata);
}

int clipboard_fetch(struct clipboard *c)
{
	int fds[2];
	if (pipe_read_busy(&c->fetch))
		return PF_OK;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return pf_error_from_errno(errno);
	int err = c->impl->receive(c, fds[1]);
	close(fds[1]);
	if (err < 0) {
		close(fds[0]);
		return err;
	}
	return pipe_read_start(&c->fetch, c->params.loop, fds[0], on_fetched, c);
}

void clipboard_selected(struct clipboard *c, bool text)
{
	bool asked = pipe_read_busy(&c->fetch);
	pipe_read_stop(&c->fetch); /* what it reads is not what is selected now */
	c->params.on_selection(text, c->params.userdata);
	if (asked)
		c->params.on_text(NULL, c->params.userdata);
}

void clipboard_pasted(struct clipboard *c, int fd)
{
	if (c->n_waiting == CLIPBOARD_PASTES_MAX || !pipe_prepare(fd)) {
		close(fd);
		return;
	}
	c->waiting[c->n_waiting++] = fd;
	if (c->n_waiting == 1)
		c->params.on_paste(c->params.userdata);
}
