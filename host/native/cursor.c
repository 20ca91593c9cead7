/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "core/base/alloc.h"
#include "host/base/loop.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/media/cursor.h"
#include "host/native/control.h"
#include "host/native/internal.h"

/*
 * The pointer apart from the picture (wire 4.5 0x50 and 0x51, 6.6 0xD0), for a client that draws it: shapes on
 * the control stream, each once, and its place in datagrams.
 */

/* A datagram may get lost, and the pointer that rests would stay where it was before. */
#define REPEATS	  3u
#define REPEAT_NS 100000000ull
/*
 * Shapes share the stream with all that is waited for. An animated pointer of a theme, 4 KiB twenty times a second,
 * fits in this; a larger one loses pictures of its animation.
 */
#define SHAPE_BYTES_PER_S 131072u
#define SHAPE_GAP_NS	  50000000ull
#define SHAPES_KNOWN	  16u /* that a client is taken to remember by their serial */

struct cursor_out {
	struct loop_source *timer;
	bool client_draws;
	struct cursor_state state;
	bool moved; /* there is a state to repeat */
	unsigned repeats_left;
	uint64_t next_repeat_ns;
	struct cursor_shape *shape; /* the newest, as it is sent */
	bool shape_due;
	uint64_t next_shape_ns;
	uint32_t known[SHAPES_KNOWN]; /* serials that were sent, a ring */
	uint64_t n_known;
};

static bool is_on(const struct native_client *c)
{
	return c->session && session_reports_cursor(c->session);
}

static void rearm(struct cursor_out *k)
{
	uint64_t at_ns = UINT64_MAX;
	if (k->client_draws && k->moved && k->repeats_left)
		at_ns = k->next_repeat_ns;
	if (k->client_draws && k->shape_due && k->next_shape_ns < at_ns)
		at_ns = k->next_shape_ns;
	loop_set_deadline(k->timer, at_ns);
}

static bool is_known(const struct cursor_out *k, uint32_t serial)
{
	for (uint64_t i = 0; i < k->n_known && i < SHAPES_KNOWN; i++)
		if (k->known[i] == serial)
			return true;
	return false;
}

/* One that finds no room comes later: the stream has more important things on it. */
static void send_shape(struct native_client *c)
{
	struct cursor_out *k = c->cursor;
	const struct cursor_shape *s = k->shape;
	struct pf_msg m = {.type = PF_MSG_CURSOR_SHAPE};
	m.cursor_shape.serial = s->serial;
	m.cursor_shape.width = s->width;
	m.cursor_shape.height = s->height;
	m.cursor_shape.hot_x = s->hot_x;
	m.cursor_shape.hot_y = s->hot_y;
	m.cursor_shape.rgba = (struct pf_span){s->rgba, (size_t)s->width * s->height * 4};
	int len = pf_msg_framed_len(&m);
	pf_check(len > 0);
	uint64_t pause_ns = (uint64_t)len * 1000000000u / SHAPE_BYTES_PER_S;
	k->next_shape_ns = clock_now_ns() + (pause_ns > SHAPE_GAP_NS ? pause_ns : SHAPE_GAP_NS);
	uint8_t *buf = pf_calloc(1, (size_t)len);
	if (buf && pf_msg_write_framed(buf, (size_t)len, &m) == len &&
		quic_conn_send(c->conn, c->stream, buf, (size_t)len, false) >= 0) {
		k->shape_due = false;
		k->known[k->n_known++ % SHAPES_KNOWN] = s->serial;
	}
	pf_free(buf);
}

static void send_state(struct native_client *c)
{
	struct cursor_out *k = c->cursor;
	uint8_t buf[PF_CURSOR_STATE_LEN];
	struct pf_cursor_state s = {
		.serial = k->state.serial,
		.visible = k->state.visible,
		.x = k->state.x,
		.y = k->state.y,
	};
	pf_cursor_state_write(buf, &s);
	/* One that finds no room is old when there is some. */
	int err = quic_conn_send_datagram(c->conn, buf, sizeof(buf));
	(void)err;
	k->next_repeat_ns = clock_now_ns() + REPEAT_NS;
}

static void tell(struct native_client *c)
{
	struct cursor_out *k = c->cursor;
	if (!k->client_draws)
		return;
	if (k->shape_due && clock_now_ns() >= k->next_shape_ns)
		send_shape(c);
	if (k->moved)
		send_state(c);
	k->repeats_left = REPEATS;
	rearm(k);
	native_flush(c->native);
}

void cursor_moved(struct cursor_shape *shape, const struct cursor_state *state, void *userdata)
{
	struct native_client *c = userdata;
	struct cursor_out *k = c->cursor;
	if (c->state != CLIENT_STREAM)
		return;
	if (shape) {
		cursor_shape_unref(k->shape);
		k->shape = NULL;
		/* Without memory the pointer keeps the shape that it had. */
		if (cursor_shape_fit(&k->shape, shape, PF_CURSOR_MAX_SIDE) < 0)
			k->shape = NULL;
		k->shape_due = k->shape && !is_known(k, k->shape->serial);
	}
	k->state = *state;
	k->moved = true;
	tell(c);
}

void cursor_render(struct native_client *c, const struct pf_msg *m)
{
	if (!is_on(c) || c->cursor->client_draws == m->client_draws_cursor)
		return;
	c->cursor->client_draws = m->client_draws_cursor;
	session_draw_cursor(c->session, !m->client_draws_cursor);
	if (c->state == CLIENT_STREAM)
		tell(c);
}

uint8_t cursor_begin(struct native_client *c)
{
	if (!is_on(c))
		return 0;
	/* A client that says it can, does; from the first picture on. */
	c->cursor->client_draws = true;
	session_draw_cursor(c->session, false);
	return PF_HCAP_CURSOR;
}

static void on_timer(void *userdata)
{
	struct native_client *c = userdata;
	struct cursor_out *k = c->cursor;
	if (c->state != CLIENT_STREAM)
		return;
	if (k->shape_due && clock_now_ns() >= k->next_shape_ns)
		send_shape(c);
	if (k->moved && k->repeats_left && clock_now_ns() >= k->next_repeat_ns) {
		k->repeats_left--;
		send_state(c);
	}
	rearm(k);
	native_flush(c->native);
}

int cursor_open(struct native_client *c)
{
	c->cursor = calloc(1, sizeof(*c->cursor));
	if (!c->cursor)
		return PF_E_NOMEM;
	return loop_add_timer(c->native->host->loop, &c->cursor->timer, on_timer, c);
}

void cursor_close(struct native_client *c)
{
	if (!c->cursor)
		return;
	loop_remove(&c->cursor->timer);
	cursor_shape_unref(c->cursor->shape);
	free(c->cursor);
	c->cursor = NULL;
}
