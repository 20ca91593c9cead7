/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/inject/record.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/alloc.h"
#include "host/base/log.h"

struct record {
	struct inject base;
	FILE *file; /* NULL = none */
	size_t n_events;
	struct record_event events[RECORD_SLOTS];
};

static int create(struct inject **out, const struct inject_params *params);

static struct record *from_base(struct inject *base)
{
	pf_check(base->impl->create == create);
	return (struct record *)base;
}

static void write_line(FILE *f, const struct record_event *e)
{
	static const char *const names[] = {[RECORD_KEY] = "key",
		[RECORD_BUTTON] = "button",
		[RECORD_MOTION] = "motion",
		[RECORD_ABSOLUTE] = "absolute",
		[RECORD_SCROLL] = "scroll",
		[RECORD_SMOOTH] = "smooth",
		[RECORD_TEXT] = "text",
		[RECORD_TOUCH] = "touch",
		[RECORD_PAD] = "pad",
		[RECORD_CLAIM] = "claim"};
	fprintf(f, "%s %" PRId32 " %" PRId32 " %" PRId32 " %" PRId32 " %" PRId32 "\n",
		names[e->kind], e->a, e->b, e->c, e->d, e->e);
	fflush(f);
}

static void add(struct inject *base, struct record_event event)
{
	struct record *r = from_base(base);
	r->events[r->n_events++ % RECORD_SLOTS] = event;
	if (r->file && event.kind != RECORD_RICH)
		write_line(r->file, &event);
}

static int create(struct inject **out, const struct inject_params *params)
{
	struct record *r = pf_calloc(1, sizeof(*r));
	if (!r)
		return PF_E_NOMEM;
	r->base.impl = &inject_record_impl;
	r->base.params = *params;
	r->file = params->record_path ? fopen(params->record_path, "ae") : NULL;
	if (params->record_path && !r->file)
		log_warn("record: cannot write %s: check the folder and its permissions",
			params->record_path);
	*out = &r->base;
	return 0;
}

static void destroy(struct inject *base)
{
	struct record *r = from_base(base);
	if (r->file)
		fclose(r->file);
	pf_free(r);
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

/* The bytes that a client of our own would send. */
static void write_rich(FILE *f, const struct pf_rich *e)
{
	uint8_t bytes[PF_RICH_MAX_LEN];
	const int n = pf_rich_write(bytes, sizeof(bytes), e);
	fputs("rich ", f);
	for (int i = 0; i < n; i++)
		fprintf(f, "%02x", bytes[i]);
	fputc('\n', f);
	fflush(f);
}

static void rich(struct inject *base, const struct pf_rich *e)
{
	struct record *r = from_base(base);
	if (r->file)
		write_rich(r->file, e);
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
