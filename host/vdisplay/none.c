/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "core/wire/handshake.h"
#include "host/vdisplay/vdisplay.h"

/* Outputs that exist only as numbers, for sources that need no desktop. */

static int none_create(struct vdisplay **out, const struct vdisplay_params *params)
{
	struct vdisplay *v = calloc(1, sizeof(*v));
	if (!v)
		return PF_E_NOMEM;
	v->impl = &vdisplay_none_impl;
	v->params = *params;
	*out = v;
	return PF_OK;
}

static void none_destroy(struct vdisplay *base)
{
	free(base);
}

static int none_set_mode(struct vdisplay *base, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz)
{
	output->width = width;
	output->height = height;
	output->refresh_mhz = refresh_mhz;
	return PF_OK;
}

static int none_add_output(struct vdisplay *base, uint32_t width, uint32_t height,
	uint32_t refresh_mhz, struct vdisplay_output *out)
{
	snprintf(out->name, sizeof(out->name), "none");
	return none_set_mode(base, out, width, height, refresh_mhz);
}

static void none_remove_output(struct vdisplay *base, struct vdisplay_output *output)
{
}

const struct vdisplay_impl vdisplay_none_impl = {
	.name = "none",
	.compositor = PF_COMPOSITOR_AUTO,
	.create = none_create,
	.destroy = none_destroy,
	.add_output = none_add_output,
	.set_mode = none_set_mode,
	.remove_output = none_remove_output,
};
