/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/session/hold.h"

#include <string.h>

#include "host/base/loop.h"
#include "host/media/clock.h"

static bool is_away(const struct hold *h)
{
	return h->params.away(h->params.userdata) & 1;
}

static void look_in(struct hold *h, uint64_t ns)
{
	loop_set_deadline(h->timer, clock_now_ns() + ns);
}

static void deliver(struct hold *h, const struct pf_input *e)
{
	if (e->kind == PF_INPUT_MOUSE_ABS) {
		h->place = *e;
		h->placed = true;
		h->place_away = h->params.away(h->params.userdata);
		h->until_ns = clock_now_ns() + HOLD_NS;
		look_in(h, HOLD_LOOK_NS);
	} else if (e->kind == PF_INPUT_MOUSE_REL) {
		h->placed = false;
	}
	h->params.deliver(e, h->params.userdata);
}

static void flush(struct hold *h)
{
	const size_t n = h->n;
	h->n = 0;
	for (size_t i = 0; i < n; i++)
		deliver(h, &h->events[i]);
}

static void put_again(struct hold *h)
{
	const struct pf_input e = h->place;
	if (h->placed && h->params.away(h->params.userdata) != h->place_away)
		deliver(h, &e);
}

static void on_timer(void *userdata)
{
	struct hold *h = userdata;
	if (is_away(h) && clock_now_ns() < h->until_ns) {
		look_in(h, HOLD_POLL_NS);
		return;
	}
	put_again(h);
	flush(h);
}

/* What follows a move of the same pointer at once takes its place. */
static bool joined(struct hold *h, const struct pf_input *e)
{
	struct pf_input *last = h->n ? &h->events[h->n - 1] : NULL;
	if (!last || last->kind != e->kind)
		return false;
	if (e->kind == PF_INPUT_MOUSE_ABS ||
		(e->kind == PF_INPUT_TOUCH_MOVE && last->code == e->code)) {
		*last = *e;
		return true;
	}
	int32_t x, y;
	if (e->kind != PF_INPUT_MOUSE_REL || __builtin_add_overflow(last->x, e->x, &x) ||
		__builtin_add_overflow(last->y, e->y, &y))
		return false;
	last->x = x;
	last->y = y;
	return true;
}

void hold_input(struct hold *h, const struct pf_input *event)
{
	if (!h->n && !is_away(h)) {
		deliver(h, event);
		return;
	}
	if (joined(h, event))
		return;
	if (h->n == HOLD_EVENTS)
		flush(h);
	if (!h->n) {
		h->until_ns = clock_now_ns() + HOLD_NS;
		look_in(h, HOLD_POLL_NS);
	}
	h->events[h->n++] = *event;
}

void hold_drop(struct hold *h)
{
	h->n = 0;
	h->placed = false;
}

int hold_init(struct hold *h, const struct hold_params *params)
{
	memset(h, 0, sizeof(*h));
	h->params = *params;
	return loop_add_timer(params->loop, &h->timer, on_timer, h);
}

void hold_finish(struct hold *h)
{
	loop_remove(&h->timer);
	h->n = 0;
}
