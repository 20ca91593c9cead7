/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/futex.h"
#include "host/base/log.h"
#include "host/base/thread.h"
#include "host/capture/capture.h"
#include "host/capture/synthetic_cursor.h"
#include "host/capture/synthetic_mark.h"
#include "host/media/clock.h"

#define SECOND_NS   1000000000ull
#define N_SLOTS	    4u	/* one being drawn, one in a mailbox, one in the encoder, one to spare */
#define TILE_ROWS   64u /* the background repeats downwards after this many rows */
#define PIXEL_ALIGN 64u
#define BLACK	    0x00000000u
#define WHITE	    0x00ffffffu

/* A box of the picture. */
struct box {
	uint32_t x, y, width, height;
};

/*
 * A picture buffer. What is drawn in it is remembered, so that a frame costs only what differs: the
 * blocks of the mark that flipped, and the square at its old and its new place.
 */
struct slot {
	struct frame frame;
	struct pool *pool;
	_Atomic bool taken;
	bool painted;
	uint32_t *pixels;
	uint32_t square_x, square_y;
	struct box cursor; /* with width 0: none is drawn */
	uint8_t mark[SYNTHETIC_MARK_BITS / 8];
};

/* Everything of one mode. Frames that are out keep it alive after a mode change or destroy(). */
struct pool {
	_Atomic int refs;
	uint32_t width, height, refresh_mhz;
	size_t stride_px;
	struct synthetic_mark_layout mark;
	uint32_t top, side; /* first row below the mark; side of the square */
	uint32_t range_x, range_y;
	uint32_t *tile, *square;
	struct slot slots[N_SLOTS];
};

struct synthetic {
	struct capture base;
	struct pool *pool;		/* the thread's while it runs */
	_Atomic(struct pool *) pending; /* the next mode, for the thread to pick up */
	struct synthetic_cursor cursor;
	struct cursor_state told; /* of the last on_cursor(); serial 0 = none */
	_Atomic bool draws_cursor;
	struct box last_cursor; /* of the frame before */
	uint32_t last_square_y; /* of the frame before, UINT32_MAX = none of this mode */
	struct thread thread;
	_Atomic uint32_t wake; /* futex word: bumped by stop() and set_mode() */
	_Atomic bool quit;
	uint64_t seq;
};

static struct synthetic *synthetic_from(struct capture *base)
{
	pf_check(base->impl == &capture_synthetic_impl);
	return (struct synthetic *)base;
}

static void unref_pool(struct pool *p)
{
	if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < N_SLOTS; i++)
		free(p->slots[i].pixels);
	free(p->tile);
	free(p->square);
	free(p);
}

static void release_slot(struct frame *f)
{
	struct slot *s = f->owner;
	struct pool *p = s->pool;
	atomic_store_explicit(&s->taken, false, memory_order_release);
	unref_pool(p);
}

static uint32_t *new_pixels(size_t stride_px, size_t rows)
{
	return aligned_alloc(PIXEL_ALIGN, stride_px * rows * sizeof(uint32_t));
}

/* A soft gradient under a grid, like a desktop: flat areas, edges and some colour. */
static void paint_tile(struct pool *p)
{
	for (uint32_t y = 0; y < TILE_ROWS; y++)
		for (uint32_t x = 0; x < p->stride_px; x++) {
			uint32_t shade = 64 + x * 96 / (uint32_t)p->stride_px;
			uint32_t tone = y < TILE_ROWS / 2 ? y : TILE_ROWS - 1 - y;
			bool line = x % 64 == 0 || y == 0;
			p->tile[y * p->stride_px + x] = line
				? 0x00303030u
				: shade << 16 | (shade / 2 + tone) << 8 | (192 - shade);
		}
}

static void paint_square(struct pool *p)
{
	for (uint32_t y = 0; y < p->side; y++)
		for (uint32_t x = 0; x < p->side; x++) {
			uint32_t v = (x * 255 / p->side) ^ (y * 255 / p->side);
			p->square[y * p->side + x] = v << 16 | (255 - v) << 8 | (v * 3 & 0xff);
		}
}

static int create_pool(struct pool **out, uint32_t width, uint32_t height, uint32_t refresh_mhz)
{
	*out = NULL;
	struct synthetic_mark_layout mark;
	if (width < SYNTHETIC_MIN_SIZE || height < SYNTHETIC_MIN_SIZE ||
		!synthetic_mark_layout(&mark, width, height)) {
		log_error("synthetic: %ux%u is too small for the frame mark; take at least %ux%u",
			width, height, SYNTHETIC_MIN_SIZE, SYNTHETIC_MIN_SIZE);
		return PF_E_INVALID;
	}
	struct pool *p = calloc(1, sizeof(*p));
	if (!p)
		return PF_E_NOMEM;
	atomic_init(&p->refs, 1);
	p->width = width;
	p->height = height;
	p->refresh_mhz = refresh_mhz;
	p->stride_px = (width + PIXEL_ALIGN / 4 - 1) / (PIXEL_ALIGN / 4) * (PIXEL_ALIGN / 4);
	p->mark = mark;
	p->top = mark.rows * mark.block;
	p->side = (height - p->top) / 3;
	if (p->side > width / 3)
		p->side = width / 3;
	p->range_x = width - p->side;
	p->range_y = height - p->top - p->side;
	p->tile = new_pixels(p->stride_px, TILE_ROWS);
	p->square = calloc((size_t)p->side * p->side, sizeof(uint32_t));
	if (!p->tile || !p->square)
		goto fail;
	for (unsigned i = 0; i < N_SLOTS; i++) {
		p->slots[i].pool = p;
		p->slots[i].pixels = new_pixels(p->stride_px, height);
		if (!p->slots[i].pixels)
			goto fail;
	}
	paint_tile(p);
	paint_square(p);
	*out = p;
	return 0;
fail:
	unref_pool(p);
	return PF_E_NOMEM;
}

static uint32_t *pixel_at(const struct slot *s, uint32_t x, uint32_t y)
{
	return s->pixels + y * s->pool->stride_px + x;
}

static void draw_background(struct slot *s, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	const struct pool *p = s->pool;
	for (uint32_t row = y; row < y + height; row++)
		memcpy(pixel_at(s, x, row), p->tile + row % TILE_ROWS * p->stride_px + x,
			width * sizeof(uint32_t));
}

static void draw_block(struct slot *s, unsigned index, bool white)
{
	const struct pool *p = s->pool;
	uint32_t x = index % p->mark.columns * p->mark.block;
	uint32_t y = index / p->mark.columns * p->mark.block;
	uint32_t width = p->mark.block;
	if (width > p->width - x)
		width = p->width - x; /* an odd width, see synthetic_mark_layout() */
	uint32_t colour = white ? WHITE : BLACK;
	for (uint32_t row = y; row < y + p->mark.block; row++) {
		uint32_t *pixel = pixel_at(s, x, row);
		for (uint32_t i = 0; i < width; i++)
			pixel[i] = colour;
	}
}

static void draw_mark(struct slot *s, const uint8_t bits[SYNTHETIC_MARK_BITS / 8])
{
	for (unsigned i = 0; i < SYNTHETIC_MARK_BITS; i++) {
		unsigned shift = 7 - i % 8;
		bool now = bits[i / 8] >> shift & 1, before = s->mark[i / 8] >> shift & 1;
		if (now != before)
			draw_block(s, i, now);
	}
	memcpy(s->mark, bits, sizeof(s->mark));
}

/* Back and forth over 0..range. */
static uint32_t bounce(uint64_t step, uint32_t range)
{
	if (!range)
		return 0;
	uint32_t at = (uint32_t)(step % (2u * range));
	return at <= range ? at : 2u * range - at;
}

/* What of the shape lies in the picture. */
static struct box cursor_box(
	const struct pool *p, const struct cursor_shape *shape, const struct cursor_state *at)
{
	int32_t x0 = at->x - shape->hot_x, y0 = at->y - shape->hot_y;
	int32_t x1 = x0 + shape->width, y1 = y0 + shape->height;
	x0 = x0 < 0 ? 0 : x0;
	x1 = x1 > (int32_t)p->width ? (int32_t)p->width : x1;
	y1 = y1 > (int32_t)p->height ? (int32_t)p->height : y1;
	return (struct box){(uint32_t)x0, (uint32_t)y0, (uint32_t)(x1 - x0), (uint32_t)(y1 - y0)};
}

static void draw_cursor(struct synthetic *c, struct slot *s, uint64_t seq)
{
	const struct pool *p = s->pool;
	struct cursor_state at;
	struct cursor_shape *shape = synthetic_cursor_at(&c->cursor, seq,
		p->refresh_mhz < 1000 ? 1 : p->refresh_mhz / 1000, p->width, p->height, p->top,
		&at);
	if (atomic_load_explicit(&c->draws_cursor, memory_order_relaxed)) {
		s->cursor = cursor_box(p, shape, &at);
		cursor_shape_paint(shape, (uint8_t *)s->pixels, p->stride_px * sizeof(uint32_t),
			p->width, p->height, FRAME_BGRX, at.x, at.y);
	}
	if (!c->base.params.on_cursor ||
		(at.serial == c->told.serial && at.x == c->told.x && at.y == c->told.y))
		return;
	c->base.params.on_cursor(
		at.serial == c->told.serial ? NULL : shape, &at, c->base.params.userdata);
	c->told = at;
}

static void draw(struct slot *s, uint64_t seq)
{
	struct pool *p = s->pool;
	if (!s->painted) {
		memset(s->pixels, 0, p->stride_px * p->top * sizeof(uint32_t));
		draw_background(s, 0, p->top, (uint32_t)p->stride_px, p->height - p->top);
		memset(s->mark, 0, sizeof(s->mark));
		s->painted = true;
	} else {
		draw_background(s, s->square_x, s->square_y, p->side, p->side);
		draw_background(s, s->cursor.x, s->cursor.y, s->cursor.width, s->cursor.height);
	}
	s->cursor = (struct box){0};
	s->square_x = bounce(seq * (1 + p->width / 200), p->range_x);
	s->square_y = p->top + bounce(seq * (1 + p->height / 200), p->range_y);
	for (uint32_t y = 0; y < p->side; y++)
		memcpy(pixel_at(s, s->square_x, s->square_y + y), p->square + (size_t)y * p->side,
			p->side * sizeof(uint32_t));

	uint8_t bits[SYNTHETIC_MARK_BITS / 8];
	synthetic_mark_make(bits, seq, clock_realtime_ns());
	draw_mark(s, bits);
}

static struct slot *take_slot(struct pool *p)
{
	for (unsigned i = 0; i < N_SLOTS; i++)
		if (!atomic_load_explicit(&p->slots[i].taken, memory_order_acquire)) {
			atomic_store_explicit(&p->slots[i].taken, true, memory_order_relaxed);
			atomic_fetch_add(&p->refs, 1);
			return &p->slots[i];
		}
	return NULL;
}

static void tell_damage(struct synthetic *c, struct slot *s)
{
	struct frame_damage *d = &s->frame.damage;
	d->known = c->last_square_y != UINT32_MAX;
	if (d->known) {
		frame_damage_add(d, 0, s->pool->top);
		frame_damage_add(d, c->last_square_y, c->last_square_y + s->pool->side);
		frame_damage_add(d, s->square_y, s->square_y + s->pool->side);
		frame_damage_add(d, c->last_cursor.y, c->last_cursor.y + c->last_cursor.height);
		frame_damage_add(d, s->cursor.y, s->cursor.y + s->cursor.height);
	}
	c->last_cursor = s->cursor;
	c->last_square_y = s->square_y;
}

static void make_frame(struct synthetic *c)
{
	struct slot *s = take_slot(c->pool);
	if (!s) {
		atomic_fetch_add_explicit(&c->base.n_skipped, 1, memory_order_relaxed);
		return;
	}
	draw(s, c->seq);
	draw_cursor(c, s, c->seq);
	struct frame *f = &s->frame;
	frame_init(f);
	f->width = s->pool->width;
	f->height = s->pool->height;
	f->stride = s->pool->stride_px * sizeof(uint32_t);
	f->format = FRAME_BGRX;
	f->pixels = (const uint8_t *)s->pixels;
	f->times.captured_ns = clock_now_ns();
	f->times.presented_ns = f->times.captured_ns;
	f->seq = c->seq++;
	tell_damage(c, s);
	f->release = release_slot;
	f->owner = s;
	atomic_fetch_add_explicit(&c->base.n_frames, 1, memory_order_relaxed);
	c->base.params.on_frame(f, c->base.params.userdata);
	frame_unref(f);
}

static bool pick_up_mode(struct synthetic *c)
{
	struct pool *next = atomic_exchange(&c->pending, NULL);
	if (!next)
		return false;
	unref_pool(c->pool);
	c->pool = next;
	c->last_square_y = UINT32_MAX;
	return true;
}

/* As many frames as the rate has thousandths of a hertz take so long. */
#define LONG_TURN_NS (1000 * SECOND_NS)

/* Frame n of a mode is due so long after its start: counted from there, so rounding never adds up. */
static uint64_t due_at(uint64_t n, uint32_t mhz)
{
	return n / mhz * LONG_TURN_NS + n % mhz * LONG_TURN_NS / mhz;
}

static uint64_t due_by(uint64_t ns, uint32_t mhz)
{
	return ns / LONG_TURN_NS * mhz + ns % LONG_TURN_NS * mhz / LONG_TURN_NS;
}

static void run(void *userdata)
{
	struct synthetic *c = userdata;
	uint64_t start_ns = clock_now_ns(), n = 0;
	for (;;) {
		uint32_t seen = atomic_load(&c->wake);
		if (atomic_load(&c->quit))
			return;
		if (pick_up_mode(c)) {
			start_ns = clock_now_ns();
			n = 0;
		}
		uint32_t mhz = c->pool->refresh_mhz;
		uint64_t due_ns = start_ns + due_at(n, mhz);
		uint64_t now_ns = clock_now_ns();
		if (now_ns < due_ns) {
			futex_wait(&c->wake, seen, due_ns);
			continue;
		}
		uint64_t n_due = due_by(now_ns - start_ns, mhz);
		if (n_due > n) { /* a burst would only make the pictures late that follow */
			atomic_fetch_add_explicit(
				&c->base.n_skipped, n_due - n, memory_order_relaxed);
			n = n_due;
		}
		make_frame(c);
		n++;
	}
}

static void wake_thread(struct synthetic *c)
{
	atomic_fetch_add(&c->wake, 1);
	futex_wake_one(&c->wake);
}

static void synthetic_destroy(struct capture *base)
{
	struct synthetic *c = synthetic_from(base);
	unref_pool(atomic_load(&c->pending));
	unref_pool(c->pool);
	synthetic_cursor_finish(&c->cursor);
	free(c);
}

static int synthetic_create(struct capture **out, const struct capture_params *params)
{
	struct synthetic *c = calloc(1, sizeof(*c));
	if (!c)
		return PF_E_NOMEM;
	c->base.impl = &capture_synthetic_impl;
	c->base.caps.resizes = true;
	c->base.caps.cursor = true;
	atomic_init(&c->draws_cursor, params->cursor);
	c->last_square_y = UINT32_MAX;
	c->base.params = *params;
	c->base.params.wayland_display = NULL;
	c->base.params.output_name = NULL;
	int err = create_pool(&c->pool, params->width, params->height, params->refresh_mhz);
	if (err >= 0)
		err = synthetic_cursor_init(&c->cursor);
	if (err < 0) {
		synthetic_destroy(&c->base);
		return err;
	}
	*out = &c->base;
	return 0;
}

static int synthetic_start(struct capture *base)
{
	struct synthetic *c = synthetic_from(base);
	atomic_store(&c->quit, false);
	c->told = (struct cursor_state){0};
	return thread_start(&c->thread, "capture", THREAD_MEDIA, run, c);
}

static void synthetic_stop(struct capture *base)
{
	struct synthetic *c = synthetic_from(base);
	atomic_store(&c->quit, true);
	wake_thread(c);
	thread_join(&c->thread);
}

static int synthetic_set_mode(
	struct capture *base, uint32_t width, uint32_t height, uint32_t refresh_mhz)
{
	struct synthetic *c = synthetic_from(base);
	struct pool *next;
	int err = create_pool(&next, width, height, refresh_mhz);
	if (err < 0)
		return err;
	base->params.width = width;
	base->params.height = height;
	base->params.refresh_mhz = refresh_mhz;
	unref_pool(atomic_exchange(&c->pending, next));
	wake_thread(c);
	return 0;
}

static void synthetic_draw_cursor(struct capture *base, bool drawn)
{
	atomic_store(&synthetic_from(base)->draws_cursor, drawn);
}

const struct capture_impl capture_synthetic_impl = {
	.name = "synthetic",
	.create = synthetic_create,
	.destroy = synthetic_destroy,
	.start = synthetic_start,
	.stop = synthetic_stop,
	.set_mode = synthetic_set_mode,
	.draw_cursor = synthetic_draw_cursor,
};
