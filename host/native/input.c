/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/datagram.h"
#include "host/base/log.h"
#include "host/media/clock.h"
#include "host/native/access.h"
#include "host/native/control.h"
#include "host/native/internal.h"

/* Input datagrams (wire 6.1), and the key edges that come by the control stream. */

/* Mice report 8,000 times a second at most; a burst is what a stalled network hands over at once. */
#define INPUT_PER_SECOND 16000u
#define INPUT_BURST	 4000u

static bool is_release(const struct pf_input *e)
{
	return e->kind == PF_INPUT_KEY_UP || e->kind == PF_INPUT_BUTTON_UP ||
		e->kind == PF_INPUT_TOUCH_UP;
}

/* Each event is a system call toward the compositor: a flood of them would be the host's whole time. */
static bool within_budget(struct native_client *c, const struct pf_input *event)
{
	struct input_budget *b = &c->input;
	uint64_t per_event_ns = 1000000000ull / INPUT_PER_SECOND;
	if (!b->left) {
		uint64_t n = (clock_now_ns() - b->refilled_ns) / per_event_ns;
		b->left = n < INPUT_BURST ? (uint32_t)n : INPUT_BURST;
		b->refilled_ns += n * per_event_ns;
	}
	if (b->left) {
		b->left--;
		return true;
	}
	b->n_dropped++;
	/* The record of what is pressed swallows a release of what is not: it costs next to nothing. */
	return is_release(event);
}

static void take(struct native_client *c, const struct pf_input *event)
{
	if (within_budget(c, event) && c->grants & access_input_grant(event))
		session_input(c->session, event);
}

static void take_rich(struct native_client *c, const struct pf_rich *event)
{
	static const struct pf_input any = {.kind = PF_INPUT_KIND_COUNT};
	const uint8_t grant = event->kind == PF_RICH_PEN ? PF_GRANT_POINTER : PF_GRANT_GAMEPAD;
	if (within_budget(c, &any) && c->grants & grant)
		session_rich_input(c->session, event);
}

void input_datagram(struct native_client *c, const uint8_t *data, size_t len)
{
	struct pf_input event;
	struct pf_rich rich;
	if (pf_input_read(&event, data, len) == PF_OK)
		take(c, &event);
	else if (len && data[0] == PF_DGRAM_RICH_INPUT && pf_rich_read(&rich, data, len) == PF_OK)
		take_rich(c, &rich);
}

/*
 * The reliable form of a key's press or release. The set of what is down makes a second one of the same kind
 * harmless, so that a client may send both forms.
 */
void input_edge(struct native_client *c, const struct pf_msg *m)
{
	const struct pf_input *event = &m->input_edge;
	bool key = event->kind == PF_INPUT_KEY_DOWN || event->kind == PF_INPUT_KEY_UP;
	if (key && c->state == CLIENT_STREAM)
		take(c, event);
}

void input_open(struct native_client *c)
{
	c->input = (struct input_budget){.refilled_ns = clock_now_ns(), .left = INPUT_BURST};
}

void input_close(struct native_client *c)
{
	if (c->input.n_dropped)
		log_info("native: %s: %llu input events above %u a second were dropped", c->name,
			(unsigned long long)c->input.n_dropped, INPUT_PER_SECOND);
}
