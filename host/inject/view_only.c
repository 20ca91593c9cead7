/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "host/inject/inject.h"

/* For desktops that take no input: all of it is dropped, and caps.view_only has told the client so. */

static void key(struct inject *base, uint32_t code, bool down)
{
	(void)base, (void)code, (void)down;
}

static void motion(struct inject *base, int32_t dx, int32_t dy)
{
	(void)base, (void)dx, (void)dy;
}

static void motion_absolute(
	struct inject *base, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	(void)base, (void)x, (void)y, (void)width, (void)height;
}

static void scroll(struct inject *base, bool horizontal, int32_t amount)
{
	(void)base, (void)horizontal, (void)amount;
}

static void scroll_smooth(
	struct inject *base, bool horizontal, int32_t amount_q8, enum inject_scroll source)
{
	(void)base, (void)horizontal, (void)amount_q8, (void)source;
}

static void flush(struct inject *base)
{
	(void)base;
}

static void destroy(struct inject *base)
{
	free(base);
}

static int create(struct inject **out, const struct inject_params *params)
{
	struct inject *i = calloc(1, sizeof(*i));
	if (!i)
		return PF_E_NOMEM;
	i->impl = &inject_view_only_impl;
	i->params = *params;
	*out = i;
	return PF_OK;
}

const struct inject_impl inject_view_only_impl = {
	.name = "view-only",
	.view_only = true,
	.create = create,
	.destroy = destroy,
	.key = key,
	.motion = motion,
	.motion_absolute = motion_absolute,
	.button = key,
	.scroll = scroll,
	.scroll_smooth = scroll_smooth,
	.flush = flush,
};
