/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/clip.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/control.h"
#include "host/native/internal.h"

/* A person copies once in a second at most: of more, on either side, only the newest of each gap counts. */
#define OFFER_GAP_NS 50000000ull
/* To turn it on asks the compositor, for a millisecond of the loop; for one that hangs it is no more than a fifth. */
#define CONTROL_GAP_NS	   200000000ull
#define CONTROL_GAP_FACTOR 4u

#define POLICY_NONE 0u
#define POLICY_TEXT 1u

static bool policy_on(const struct native_client *c)
{
	return strcmp(c->native->host->config->clipboard, "off") != 0;
}

void clip_rearm(struct native_client *c)
{
	struct clip *k = c->clip;
	uint64_t at_ns = clip_move_expire(c, clock_now_ns());
	if (k->control_due && k->next_control_ns < at_ns)
		at_ns = k->next_control_ns;
	if (k->board && (k->lost || k->paste_due))
		at_ns = 0;
	if (k->board && k->offer_due && k->next_offer_ns < at_ns)
		at_ns = k->next_offer_ns;
	if (k->board && k->take_due && k->next_take_ns < at_ns)
		at_ns = k->next_take_ns;
	loop_set_deadline(k->timer, at_ns);
}

static void tell_state(struct native_client *c, enum pf_clip_reason reason)
{
	struct pf_msg m = {.type = PF_MSG_CLIP_STATE};
	m.clip_state.enabled = c->clip->board != NULL;
	m.clip_state.policy = policy_on(c) ? POLICY_TEXT : POLICY_NONE;
	m.clip_state.reason = reason;
	control_send(c, &m);
}

static void turn_off(struct native_client *c)
{
	struct clip *k = c->clip;
	clip_move_stop(c);
	clipboard_destroy(k->board);
	k->board = NULL;
	k->offer_due = k->take_due = k->paste_due = k->has_text = k->told_text = false;
	k->peer_text = false;
	k->lost = NULL;
}

/* --- what the clipboard says: noted, and done by the timer --- */

static void on_selection(bool text, void *userdata)
{
	struct native_client *c = userdata;
	struct clip *k = c->clip;
	k->has_text = text;
	k->take_due = false; /* what the client offered is older */
	k->offer_due = text || k->told_text;
	clip_rearm(c);
}

static void on_paste(void *userdata)
{
	struct native_client *c = userdata;
	c->clip->paste_due = true;
	clip_rearm(c);
}

static void on_lost(const char *why, void *userdata)
{
	struct native_client *c = userdata;
	c->clip->lost = why;
	clip_rearm(c);
}

/* --- on and off --- */

/* One desktop has one clipboard, and two clients on it would read each other's: the newer one has it. */
static void take_over(const struct native_client *c)
{
	for (struct native_client *o = c->native->clients; o; o = o->next) {
		if (o == c || o->state == CLIENT_ENDING || !o->clip->board)
			continue;
		log_debug("native: %s: the clipboard goes to %s", o->name, c->name);
		turn_off(o);
		tell_state(o, PF_CLIP_TAKEN_OVER);
	}
}

static enum pf_clip_reason turn_on(struct native_client *c)
{
	struct clip *k = c->clip;
	struct clipboard_params params = {
		.loop = c->native->host->loop,
		.wayland_display = session_wayland_display(c->session),
		.on_selection = on_selection,
		.on_paste = on_paste,
		.on_text = clip_text_came,
		.on_lost = on_lost,
		.userdata = c,
	};
	if (!policy_on(c))
		return PF_CLIP_POLICY_OFF;
	if (!(c->grants & PF_GRANT_CLIPBOARD))
		return PF_CLIP_NOT_PERMITTED;
	if (!k->board) {
		int err = clipboard_create(&k->board, c->native->host->clipboard_name, &params);
		if (err < 0) {
			turn_off(c);
			if (!k->warned)
				log_warn("native: %s: the desktop has no clipboard for this host: "
					 "%s",
					c->name, pf_strerror(err));
			k->warned = true;
			return PF_CLIP_NO_BACKEND;
		}
		log_debug("native: %s: the clipboard is shared", c->name);
		take_over(c);
	}
	return k->wanted_files ? PF_CLIP_NO_FILES : PF_CLIP_OK;
}

static void make_wanted(struct native_client *c)
{
	struct clip *k = c->clip;
	enum pf_clip_reason reason = PF_CLIP_OK;
	uint64_t start_ns = clock_now_ns();
	k->control_due = false;
	if (k->wanted)
		reason = turn_on(c);
	else
		turn_off(c);
	uint64_t end_ns = clock_now_ns(), gap_ns = CONTROL_GAP_FACTOR * (end_ns - start_ns);
	k->next_control_ns = end_ns + (gap_ns > CONTROL_GAP_NS ? gap_ns : CONTROL_GAP_NS);
	tell_state(c, reason);
}

void clip_wanted(struct native_client *c, const struct pf_msg *m)
{
	struct clip *k = c->clip;
	k->wanted = m->clip_control.enabled;
	k->wanted_files = m->clip_control.files;
	k->control_due = true;
	clip_rearm(c);
}

void clip_access(struct native_client *c)
{
	if (!c->clip->board || c->grants & PF_GRANT_CLIPBOARD)
		return;
	turn_off(c);
	tell_state(c, PF_CLIP_NOT_PERMITTED);
}

/* --- offers --- */

static bool is_text(const struct pf_span *mime)
{
	return mime->len == sizeof(PF_CLIP_MIME_TEXT) - 1 &&
		!memcmp(mime->data, PF_CLIP_MIME_TEXT, mime->len);
}

static void tell_offer(struct native_client *c)
{
	struct clip *k = c->clip;
	struct pf_msg m = {.type = PF_MSG_CLIP_OFFER};
	k->offer_due = false;
	k->told_text = k->has_text;
	k->next_offer_ns = clock_now_ns() + OFFER_GAP_NS;
	m.clip_offer.seq = ++k->seq;
	m.clip_offer.n_kinds = k->has_text;
	m.clip_offer.kinds[0].mime = (struct pf_span){
		(const uint8_t *)PF_CLIP_MIME_TEXT, sizeof(PF_CLIP_MIME_TEXT) - 1};
	control_send(c, &m);
}

static void take_offer(struct native_client *c)
{
	struct clip *k = c->clip;
	k->take_due = false;
	k->next_take_ns = clock_now_ns() + OFFER_GAP_NS;
	if (!k->peer_text) {
		clipboard_withdraw(k->board);
		return;
	}
	clip_paste_cancel(c); /* that is of an older offer */
	if (clipboard_offer(k->board) < 0)
		return; /* a compositor that hangs, or is gone: on_lost() tells */
	/* From now on what the desktop has is the client's own. */
	k->has_text = false;
	k->offer_due = false;
}

void clip_offered(struct native_client *c, const struct pf_msg *m)
{
	struct clip *k = c->clip;
	if (!k->board)
		return;
	k->peer_seq = m->clip_offer.seq;
	k->peer_text = false;
	for (unsigned i = 0; i < m->clip_offer.n_kinds; i++)
		k->peer_text |= is_text(&m->clip_offer.kinds[i].mime);
	k->take_due = true;
	clip_rearm(c);
}

/* --- the rest --- */

static void on_timer(void *userdata)
{
	struct native_client *c = userdata;
	struct clip *k = c->clip;
	uint64_t now_ns = clock_now_ns();
	if (!c->session)
		return;
	if (k->lost && k->board) {
		log_warn("native: %s: the clipboard is not shared any more: %s", c->name, k->lost);
		turn_off(c);
		tell_state(c, PF_CLIP_NO_BACKEND);
	}
	/* A client that does not read its control stream may end at each of these, and its board with it. */
	if (k->control_due && now_ns >= k->next_control_ns && c->session)
		make_wanted(c);
	if (k->take_due && now_ns >= k->next_take_ns && k->board)
		take_offer(c);
	if (k->offer_due && now_ns >= k->next_offer_ns && k->board)
		tell_offer(c);
	if (k->paste_due && k->board)
		clip_paste_begin(c);
	if (c->session)
		clip_rearm(c);
	native_flush(c->native);
}

uint8_t clip_host_caps(const struct native_client *c)
{
	const struct host *h = c->native->host;
	return policy_on(c) &&
			clipboard_exists(
				h->clipboard_name, h->loop, session_wayland_display(c->session))
		? PF_HCAP_CLIPBOARD
		: 0;
}

void clip_stop(struct native_client *c)
{
	if (!c->clip)
		return;
	turn_off(c);
	c->clip->control_due = false;
	loop_set_deadline(c->clip->timer, UINT64_MAX);
}

int clip_open(struct native_client *c)
{
	c->clip = calloc(1, sizeof(*c->clip));
	if (!c->clip)
		return PF_E_NOMEM;
	for (unsigned i = 0; i < CLIP_TRANSFERS; i++)
		c->clip->serves[i].stream = -1;
	c->clip->paste.stream = -1;
	int err = loop_add_timer(c->native->host->loop, &c->clip->timer, on_timer, c);
	if (err < 0) {
		free(c->clip);
		c->clip = NULL;
	}
	return err;
}

void clip_close(struct native_client *c)
{
	if (!c->clip)
		return;
	clip_stop(c);
	loop_remove(&c->clip->timer);
	free(c->clip);
	c->clip = NULL;
}
