/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/pipewire_pictures.h"

#include <string.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pipewire/stream.h>
#include <spa/buffer/buffer.h>
#include <spa/buffer/meta.h>

#include "host/media/clock.h"

/* --- buffers --- */

static void give_back(struct pipewire_pictures *p, struct pipewire_buffer *b)
{
	b->out = false;
	if (b->pw && p->stream)
		pw_stream_queue_buffer(p->stream, b->pw);
}

/* Ends what was filled and goes to nobody (any more). */
static void drop(struct pipewire_buffer **b)
{
	struct pipewire_buffer *old = *b;
	*b = NULL;
	if (old)
		frame_unref(&old->frame);
}

int pipewire_pictures_add(struct pipewire_pictures *p, struct pw_buffer *pw)
{
	struct pipewire_buffer *b;
	pw->user_data = NULL;
	if (p->n_buffers == PIPEWIRE_MAX_BUFFERS)
		return PF_E_FULL;
	int err = pipewire_buffer_create(&b, p->wake, pw, &p->format, p->must_map);
	if (err < 0) {
		p->unreadable |= p->format.gpu && p->must_map;
		return err;
	}
	pw->user_data = b;
	p->buffers[p->n_buffers++] = b;
	return PF_OK;
}

static void forget(struct pipewire_pictures *p, struct pipewire_buffer *b)
{
	if (p->pending == b)
		drop(&p->pending);
	if (p->last == b)
		drop(&p->last);
	b->pw = NULL;
	pipewire_buffer_unref(b);
}

void pipewire_pictures_remove(struct pipewire_pictures *p, struct pw_buffer *pw)
{
	for (uint32_t i = 0; i < p->n_buffers; i++)
		if (p->buffers[i]->pw == pw) {
			forget(p, p->buffers[i]);
			p->buffers[i] = p->buffers[--p->n_buffers];
			return;
		}
}

void pipewire_pictures_clear(struct pipewire_pictures *p)
{
	while (p->n_buffers)
		forget(p, p->buffers[--p->n_buffers]);
	p->damage = (struct frame_damage){.known = false};
	p->repaint = false;
	p->n_bad = 0;
	p->unreadable = false;
}

void pipewire_pictures_finish(struct pipewire_pictures *p)
{
	pipewire_pictures_clear(p);
	for (uint32_t i = 0; i < PIPEWIRE_COPIES; i++)
		pipewire_buffer_unref(p->copies[i]);
	cursor_shape_unref(p->shape);
	memset(p, 0, sizeof(*p));
}

static void collect(struct pipewire_pictures *p)
{
	for (uint32_t i = 0; i < p->n_buffers; i++)
		if (pipewire_buffer_came_back(p->buffers[i]))
			give_back(p, p->buffers[i]);
	for (uint32_t i = 0; i < PIPEWIRE_COPIES; i++)
		if (p->copies[i] && pipewire_buffer_came_back(p->copies[i]))
			p->copies[i]->out = false;
}

static bool node_has_one(const struct pipewire_pictures *p)
{
	for (uint32_t i = 0; i < p->n_buffers; i++)
		if (!p->buffers[i]->out)
			return true;
	return false;
}

static struct pipewire_buffer *free_copy(struct pipewire_pictures *p, size_t len)
{
	for (uint32_t i = 0; i < PIPEWIRE_COPIES; i++) {
		struct pipewire_buffer **c = &p->copies[i];
		if (*c && (*c)->out)
			continue;
		/* Of another size: once a mode. */
		if (*c && ((*c)->len < len || (*c)->len > 2 * len + 4096)) {
			pipewire_buffer_unref(*c);
			*c = NULL;
		}
		if (!*c && pipewire_buffer_create_copy(c, p->wake, len) < 0)
			return NULL;
		return *c;
	}
	return NULL;
}

/* --- the pointer --- */

static bool same_state(const struct cursor_state *a, const struct cursor_state *b)
{
	return a->serial == b->serial && a->visible == b->visible && a->x == b->x && a->y == b->y;
}

static void look_at_cursor(struct pipewire_pictures *p, const struct spa_buffer *spa)
{
	struct pipewire_cursor c;
	const struct spa_meta *m = spa_buffer_find_meta(spa, SPA_META_Cursor);
	if (!m || !pipewire_meta_cursor(m->data, m->size, &c))
		return;
	struct cursor_state before = p->cursor;
	/* Nodes that draw it themselves have the room for it, and leave that empty for ever. */
	p->apart |= c.inside;
	if (c.shape && (!p->shape || p->shape->serial != c.shape->serial)) {
		cursor_shape_unref(p->shape);
		p->shape = c.shape;
		p->shape_told = false;
	} else {
		cursor_shape_unref(c.shape);
	}
	if (c.empty) {
		cursor_shape_unref(p->shape);
		p->shape = NULL;
	}
	p->cursor.visible = c.inside && p->shape;
	p->cursor.serial = p->shape ? p->shape->serial : 0;
	if (c.inside) {
		p->cursor.x = c.x;
		p->cursor.y = c.y;
	}
	p->repaint |= p->drawn && !same_state(&before, &p->cursor);
}

static void tell_cursor(struct pipewire_pictures *p)
{
	const struct capture_params *params = &p->base->params;
	if (!p->apart || !params->on_cursor || (p->was_told && same_state(&p->told, &p->cursor)))
		return;
	/* Without a picture there is nothing to show a place of. */
	if (!p->shape && !p->was_told)
		return;
	bool new = p->shape && !p->shape_told;
	params->on_cursor(new ? p->shape : NULL, &p->cursor, params->userdata);
	p->shape_told |= new;
	p->was_told = true;
	p->told = p->cursor;
}

static uint32_t row(int64_t y, uint32_t height)
{
	return y < 0 ? 0 : y > height ? height : (uint32_t)y;
}

static void paint(struct pipewire_pictures *p, struct pipewire_buffer *b)
{
	struct frame *f = &b->frame;
	int64_t top = (int64_t)p->cursor.y - p->shape->hot_y;
	cursor_shape_paint(p->shape, b->map, f->stride, f->width, f->height, f->format, p->cursor.x,
		p->cursor.y);
	uint32_t y0 = row(top, f->height), y1 = row(top + p->shape->height, f->height);
	if (f->damage.known)
		frame_damage_add(&f->damage, y0, y1);
	p->painted_y0 = y0;
	p->painted_y1 = y1;
}

/* --- pictures --- */

static void *meta_of(const struct spa_buffer *spa, uint32_t type, size_t *size)
{
	const struct spa_meta *m = spa_buffer_find_meta(spa, type);
	*size = m ? m->size : 0;
	return m ? m->data : NULL;
}

/* Some buffers only tell of the pointer. */
static bool has_picture(const struct spa_buffer *spa, const struct pipewire_header *header)
{
	struct spa_chunk chunk;
	memcpy(&chunk, spa->datas[0].chunk, sizeof(chunk));
	if (header->corrupted || (uint32_t)chunk.flags & SPA_CHUNK_FLAG_CORRUPTED)
		return false;
	return chunk.size || spa->datas[0].type == SPA_DATA_DmaBuf;
}

/* Returns whether b now is the newest picture. */
static bool take_picture(struct pipewire_pictures *p, struct pipewire_buffer *b)
{
	const struct spa_buffer *spa = b->pw->buffer;
	struct pipewire_header header = {0};
	struct pipewire_box crop;
	size_t size;
	const void *meta = meta_of(spa, SPA_META_Header, &size);
	(void)pipewire_meta_header(meta, size, &header);
	if (!has_picture(spa, &header)) {
		p->n_words++;
		return false;
	}
	meta = meta_of(spa, SPA_META_VideoTransform, &size);
	uint32_t transform = pipewire_meta_transform(meta, size);
	meta = meta_of(spa, SPA_META_VideoCrop, &size);
	bool cropped = pipewire_meta_crop(meta, size, p->format.width, p->format.height, &crop);
	if (pipewire_buffer_fill(b, spa, &p->format, cropped ? &crop : NULL, transform) < 0) {
		p->n_bad++;
		return false;
	}
	p->n_bad = 0;
	p->n_taken++;
	struct frame *f = &b->frame;
	f->times.captured_ns = clock_now_ns();
	f->times.presented_ns = pipewire_meta_presented(header.pts_ns, f->times.captured_ns);
	meta = meta_of(spa, SPA_META_VideoDamage, &size);
	pipewire_meta_damage(meta, size, f->height, &p->damage);
	if (cropped || transform) /* rows of something else */
		p->damage = (struct frame_damage){.known = false};
	return true;
}

static void skip_one(struct pipewire_pictures *p)
{
	atomic_fetch_add_explicit(&p->base->n_skipped, 1, memory_order_relaxed);
}

static void send(struct pipewire_pictures *p, struct pipewire_buffer *b)
{
	struct frame *f = &b->frame;
	f->seq = p->seq++;
	atomic_fetch_add_explicit(&p->base->n_frames, 1, memory_order_relaxed);
	p->base->params.on_frame(f, p->base->params.userdata);
	p->next_repaint_ns = clock_now_ns() + p->interval_ns;
}

/* With the rows where the pointer was painted in the one before. */
static void set_damage(struct pipewire_pictures *p, struct pipewire_buffer *b)
{
	b->frame.damage = p->damage;
	if (b->frame.damage.known)
		frame_damage_add(&b->frame.damage, p->painted_y0, p->painted_y1);
	p->painted_y0 = p->painted_y1 = 0;
}

/* The copy with the pointer, if that is wanted, goes out. Returns false when there is no room for one. */
static bool send_copy(
	struct pipewire_pictures *p, struct pipewire_buffer *from, bool painted, bool again)
{
	struct pipewire_buffer *b = free_copy(p, pipewire_buffer_copy_len(from));
	if (!b)
		return false;
	if (pipewire_buffer_copy(b, from) < 0) {
		b->out = false;
		p->n_bad++;
		return true;
	}
	if (again) /* what is new in it is of now */
		b->frame.times.captured_ns = b->frame.times.presented_ns = clock_now_ns();
	set_damage(p, b);
	if (painted)
		paint(p, b);
	send(p, b);
	frame_unref(&b->frame);
	return true;
}

static bool must_copy(const struct pipewire_pictures *p, const struct pipewire_buffer *b)
{
	return !pipewire_buffer_is_plain(b) || !node_has_one(p);
}

/* Gives out what waits. What finds no room waits on, for a frame that comes back. */
static void send_waiting(struct pipewire_pictures *p)
{
	struct pipewire_buffer *b = p->pending;
	bool again = !b;
	if (again && (!p->repaint || !p->last || clock_now_ns() < p->next_repaint_ns))
		return;
	b = b ? b : p->last;
	bool readable = pipewire_buffer_is_readable(b);
	bool painted = p->drawn && p->cursor.visible && readable;
	if (again || painted || (must_copy(p, b) && readable)) {
		if (!send_copy(p, b, painted, again)) {
			if (!p->counted)
				skip_one(p);
			p->counted = true;
			return;
		}
	} else {
		set_damage(p, b);
		send(p, b);
	}
	p->counted = false;
	p->repaint = false;
	p->damage = (struct frame_damage){.known = true};
	if (again)
		return;
	drop(&p->last);
	p->last = b;
	p->pending = NULL;
	/* Kept only for the pointer, and not when it is the last one that the node can draw in. */
	if (!p->apart || !readable || !node_has_one(p))
		drop(&p->last);
	collect(p);
}

void pipewire_pictures_process(struct pipewire_pictures *p)
{
	struct pw_buffer *pw;
	while ((pw = pw_stream_dequeue_buffer(p->stream))) {
		struct pipewire_buffer *b = pw->user_data;
		if (!b) { /* one that cannot be read */
			pw_stream_queue_buffer(p->stream, pw);
			continue;
		}
		/* Which one is next is told in memory that the node can write: this one it never got back. */
		if (b->out) {
			p->n_bad++;
			continue;
		}
		b->out = true;
		look_at_cursor(p, pw->buffer);
		if (!take_picture(p, b)) {
			give_back(p, b);
			continue;
		}
		if (p->pending && !p->counted)
			skip_one(p);
		p->counted = false;
		drop(&p->pending);
		p->pending = b;
	}
	collect(p);
	send_waiting(p);
	tell_cursor(p);
}

void pipewire_pictures_turn(struct pipewire_pictures *p, bool drawn)
{
	p->repaint |= drawn != p->drawn && p->apart;
	p->drawn = drawn;
	collect(p);
	send_waiting(p);
}

uint64_t pipewire_pictures_due(const struct pipewire_pictures *p)
{
	return p->repaint && p->last && !p->pending ? p->next_repaint_ns : UINT64_MAX;
}
