/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/inject/record.h"

#include "core/base/alloc.h"

struct record {
	struct inject base;
	size_t n_events;
	struct record_event events[RECORD_SLOTS];
};

static int create(struct inject **out, const struct inject_params *params);

static struct record *from_base(struct inject *base)
{
	pf_check(base->impl->create == create);
	return (struct record *)base;
}

static void add(struct inject *base, struct record_event event)
{
	struct record *r = from_base(base);
	r->events[r->n_events++ % RECORD_SLOTS] = event;
}

static int create(struct inject **out, const struct inject_params *params)
{
	struct record *r = pf_calloc(1, sizeof(*r));
	if (!r)
		return PF_E_NOMEM;
	r->base.impl = &inject_record_impl;
	r->base.params = *params;
	*out = &r->base;
	return 0;
}

static void destroy(struct inject *base)
{
	pf_free(from_base(base));
}

static void key(struct inject *base, uint32_t code, bool down)
{
	add(base, (struct record_event){RECORD_KEY, (int32_t)code, down});
}

static void button(struct inject *base, uint32_t code, bool down)
{
	add(base, (struct record_event){RECORD_BUTTON, (int32_t)code, down});
}

static void motion(struct inject *base, int32_t dx, int32_t dy)
{
	add(base, (struct record_event){RECORD_MOTION, dx, dy});
}

static void motion_absolute(
	struct inject *base, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	add(base,
		(struct record_event){
			RECORD_ABSOLUTE, (int32_t)x, (int32_t)y, (int32_t)width, (int32_t)height});
}

static void scroll(struct inject *base, bool horizontal, int32_t amount_120)
{
	add(base, (struct record_event){RECORD_SCROLL, horizontal, amount_120});
}

static void scroll_smooth(
	struct inject *base, bool horizontal, int32_t amount_q8, enum inject_scroll source)
{
	add(base, (struct record_event){RECORD_SMOOTH, horizontal, amount_q8, (int32_t)source});
}

static void text(struct inject *base, uint32_t scalar)
{
	add(base, (struct record_event){RECORD_TEXT, (int32_t)scalar});
}

static void touch(struct inject *base, const struct inject_touch *t)
{
	add(base,
		(struct record_event){
			RECORD_TOUCH, t->kind, (int32_t)t->id, (int32_t)t->x, (int32_t)t->y});
}

static void pad(struct inject *base, const struct pf_input *e)
{
	add(base,
		(struct record_event){
			RECORD_PAD, e->kind, (int32_t)e->code, e->x, e->y, (int32_t)e->flags});
}

static void rich(struct inject *base, const struct pf_rich *e)
{
	add(base, (struct record_event){RECORD_RICH, e->kind, e->pad});
}

static void claim(struct inject *base)
{
	add(base, (struct record_event){.kind = RECORD_CLAIM});
}

static void flush(struct inject *base)
{
	(void)base;
}

const struct inject_impl inject_record_impl = {
	.name = "record",
	.create = create,
	.destroy = destroy,
	.key = key,
	.motion = motion,
	.motion_absolute = motion_absolute,
	.button = button,
	.scroll = scroll,
	.scroll_smooth = scroll_smooth,
	.flush = flush,
	.text = text,
	.touch = touch,
	.pad = pad,
	.rich = rich,
	.claim = claim,
};

static const struct inject_impl without_touch = {
	.name = "record",
	.create = create,
	.destroy = destroy,
	.key = key,
	.motion = motion,
	.motion_absolute = motion_absolute,
	.button = button,
	.scroll = scroll,
	.scroll_smooth = scroll_smooth,
	.flush = flush,
};

void record_without_touch(struct inject *base)
{
	base->impl = &without_touch;
}

size_t record_count(const struct inject *base)
{
	return from_base((struct inject *)base)->n_events;
}

const struct record_event *record_get(const struct inject *base, size_t n)
{
	const struct record *r = from_base((struct inject *)base);
	if (n >= r->n_events || r->n_events - n > RECORD_SLOTS)
		return NULL;
	return &r->events[n % RECORD_SLOTS];
}

void record_clear(struct inject *base)
{
	from_base(base)->n_events = 0;
}
