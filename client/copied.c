/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/copied.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/clock.h"
#include "client/file.h"
#include "client/run.h"

#define LOOK_NS (500 * NS_PER_MS) /* how late a change of the file is seen */
#define AT_ONCE 16		  /* events in one go */

void copied_init(struct copied *c, bool on, const char *path, bool quiet)
{
	*c = (struct copied){.on = on || path, .path = path, .quiet = quiet};
}

static void drop_text(struct copied *c)
{
	if (c->text)
		explicit_bzero(c->text, c->len);
	free(c->text);
	c->text = NULL;
	c->len = 0;
}

void copied_finish(struct copied *c)
{
	drop_text(c);
}

static int keep(struct copied *c, const char *text, size_t len, bool ours)
{
	if (len > COPIED_TEXT_MAX)
		return PUNKTFUNK_E_FULL;
	char *copy = malloc(len + 1);
	if (!copy)
		return PUNKTFUNK_E_NOMEM;
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	drop_text(c);
	c->text = copy;
	c->len = len;
	c->ours = c->offer_due = ours;
	return PUNKTFUNK_OK;
}

int copied_set(struct copied *c, const char *text, size_t len)
{
	return keep(c, text, len, true);
}

void copied_connected(struct copied *c, struct punktfunk_connection *pc)
{
	c->fetching = c->wanted = false;
	c->offer_due = c->text && c->ours;
	if (!c->on)
		return;
	if (!(punktfunk_connection_host_caps(pc) & PUNKTFUNK_HOST_CAP_CLIPBOARD)) {
		if (!c->quiet && !c->refused)
			run_say("The host shares no clipboard (it may be started with --clipboard "
				"text); this session goes without.");
		c->refused = true;
		return;
	}
	c->refused = false;
	punktfunk_connection_clipboard_control(pc, 1, 0);
}

static uint64_t stamp(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * NS_PER_S + (uint64_t)st->st_mtim.tv_nsec;
}

static void write_out(struct copied *c)
{
	struct stat st;
	if (!c->path)
		return;
	if (file_write_atomic(c->path, c->text, c->len, 0600) != PUNKTFUNK_OK) {
		run_say("The host's clipboard could not be written to %s (%s); check that its "
			"folder is yours to write.",
			c->path, strerror(errno));
		return;
	}
	if (stat(c->path, &st) == 0) {
		c->file_ns = stamp(&st);
		c->file_len = (uint64_t)st.st_size;
	}
}

/* Somebody may have written the file: what is new there is ours to offer. */
static void look(struct copied *c)
{
	struct stat st;
	char *text = NULL;
	size_t len;
	int fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 &&
		(stamp(&st) != c->file_ns || (uint64_t)st.st_size != c->file_len)) {
		c->file_ns = stamp(&st);
		c->file_len = (uint64_t)st.st_size;
		int err = file_read(fd, COPIED_TEXT_MAX, &text, &len);
		if (err == PUNKTFUNK_E_FULL)
			run_say("%s is larger than 8 MiB and not offered to the host.", c->path);
		else if (!err && (!c->text || len != c->len || memcmp(text, c->text, len) != 0))
			err = copied_set(c, text, len);
	}
	close(fd);
	free(text);
}

static void offer(struct copied *c, struct punktfunk_connection *pc)
{
	const struct punktfunk_clip_kind kind = {PUNKTFUNK_CLIP_TEXT, c->len};
	/* Full: again on the next round. */
	if (punktfunk_connection_clipboard_offer(pc, &kind, 1, &c->seq) != PUNKTFUNK_E_FULL)
		c->offer_due = false;
}

static void take_offer(
	struct copied *c, struct punktfunk_connection *pc, const struct punktfunk_clip_event *e)
{
	if (c->fetching)
		punktfunk_connection_clipboard_cancel(pc, c->fetch);
	c->fetching = c->wanted = false;
	for (uint32_t i = 0; i < e->n_kinds && !c->wanted; i++)
		c->wanted = !strcmp(e->kinds[i].mime, PUNKTFUNK_CLIP_TEXT) &&
			e->kinds[i].size_hint <= COPIED_TEXT_MAX;
	c->wanted_seq = e->seq;
}

static void fetch(struct copied *c, struct punktfunk_connection *pc)
{
	int err = punktfunk_connection_clipboard_fetch(
		pc, c->wanted_seq, PUNKTFUNK_CLIP_TEXT, PUNKTFUNK_CLIP_NO_FILE, &c->fetch);
	/* Full: the one before is not out of the way yet. */
	c->wanted = err == PUNKTFUNK_E_FULL;
	c->fetching = !err;
}

static void take_data(struct copied *c, const struct punktfunk_clip_event *e)
{
	if (!c->fetching || e->id != c->fetch)
		return;
	c->fetching = false;
	if (e->status != PUNKTFUNK_CLIP_OK ||
		keep(c, (const char *)e->data, e->len, false) != PUNKTFUNK_OK)
		return;
	c->n_from_host++;
	write_out(c);
}

static void answer(
	struct copied *c, struct punktfunk_connection *pc, const struct punktfunk_clip_event *e)
{
	uint32_t status = !c->ours || e->seq != c->seq ? PUNKTFUNK_CLIP_STALE
		: strcmp(e->mime, PUNKTFUNK_CLIP_TEXT) ? PUNKTFUNK_CLIP_UNAVAILABLE
						       : PUNKTFUNK_CLIP_OK;
	bool good = status == PUNKTFUNK_CLIP_OK;
	int err = punktfunk_connection_clipboard_serve(
		pc, e->id, status, good ? c->text : NULL, good ? c->len : 0);
	c->n_to_host += good && !err;
}

static void take_state(struct copied *c, const struct punktfunk_clip_event *e)
{
	static const char *const words[] = {"", "there is no clipboard",
		"another client has taken it over", "it is switched off at the host", "",
		"this client may not use it"};
	bool off = !e->status && e->reason;
	if (off && !c->quiet && !c->refused)
		run_say("The host does not share its clipboard: %s.",
			e->reason < sizeof(words) / sizeof(words[0]) ? words[e->reason]
								     : "it does not say why");
	c->refused = off;
}

void copied_poll(struct copied *c, struct punktfunk_connection *pc, uint64_t now_ns)
{
	if (!c->on)
		return;
	if (c->path && now_ns - c->looked_ns >= LOOK_NS) {
		c->looked_ns = now_ns;
		look(c);
	}
	for (int i = 0; i < AT_ONCE; i++) {
		struct punktfunk_clip_event e = {.size = sizeof(e)};
		if (punktfunk_connection_next_clipboard(pc, &e, 0) != PUNKTFUNK_OK)
			break;
		if (e.kind == PUNKTFUNK_CLIP_EVENT_OFFER)
			take_offer(c, pc, &e);
		else if (e.kind == PUNKTFUNK_CLIP_EVENT_DATA)
			take_data(c, &e);
		else if (e.kind == PUNKTFUNK_CLIP_EVENT_FETCH)
			answer(c, pc, &e);
		else if (e.kind == PUNKTFUNK_CLIP_EVENT_STATE)
			take_state(c, &e);
	}
	if (c->wanted)
		fetch(c, pc);
	if (c->offer_due && !c->refused)
		offer(c, pc);
}
