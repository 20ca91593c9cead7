/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/capture.h"

#include <string.h>
#include <unistd.h>

#include "host/base/log.h"

#if defined(HAVE_WLROOTS) && HAVE_WLROOTS
#define WLR_BUILT 1
#else
#define WLR_BUILT 0
#endif

#if defined(HAVE_PIPEWIRE) && HAVE_PIPEWIRE
#define PIPEWIRE_BUILT 1
#else
#define PIPEWIRE_BUILT 0
#endif

static const struct capture_impl *const impls[] = {
#if WLR_BUILT
	&capture_wlr_impl,
#endif
#if PIPEWIRE_BUILT
	&capture_pipewire_impl,
#endif
	&capture_synthetic_impl,
};

static const struct capture_impl *find_impl(const char *name)
{
	for (size_t i = 0; i < sizeof(impls) / sizeof(impls[0]); i++)
		if (!strcmp(impls[i]->name, name))
			return impls[i];
	return NULL;
}

static bool mode_is_sane(uint32_t width, uint32_t height, uint32_t refresh_mhz)
{
	return width && width <= CAPTURE_MAX_SIZE && height && height <= CAPTURE_MAX_SIZE &&
		refresh_mhz && refresh_mhz <= CAPTURE_MAX_HZ * 1000u;
}

static int create(struct capture **out, const char *name, const struct capture_params *params)
{
	*out = NULL;
	if (!name || !params->on_frame)
		return PF_E_INVALID;
	const struct capture_impl *impl = find_impl(name);
	if (!impl) {
		log_error("capture: no backend '%s' in this build; it has%s%s synthetic", name,
			WLR_BUILT ? " wlr," : "", PIPEWIRE_BUILT ? " pipewire," : "");
		return PF_E_UNSUPPORTED;
	}
	/* Backends that follow their output take the mode as it is there: zeros are fine. */
	if (impl->set_mode && !mode_is_sane(params->width, params->height, params->refresh_mhz)) {
		log_error("capture: %ux%u at %u Hz is out of range; at most %ux%u at %u Hz",
			params->width, params->height, params->refresh_mhz / 1000, CAPTURE_MAX_SIZE,
			CAPTURE_MAX_SIZE, CAPTURE_MAX_HZ);
		return PF_E_INVALID;
	}
	int err = impl->create(out, params);
	if (err < 0)
		*out = NULL;
	return err;
}

int capture_create(struct capture **out, const char *name, const struct capture_params *params)
{
	int err = create(out, name, params);
	if (err < 0 && params->node_fd > 0)
		close(params->node_fd);
	return err;
}

void capture_destroy(struct capture *c)
{
	if (!c)
		return;
	capture_stop(c);
	c->impl->destroy(c);
}

int capture_start(struct capture *c)
{
	if (c->started)
		return PF_E_INVALID;
	int err = c->impl->start(c);
	c->started = err >= 0;
	return err;
}

void capture_stop(struct capture *c)
{
	if (!c->started)
		return;
	c->impl->stop(c);
	c->started = false;
}

int capture_set_mode(struct capture *c, uint32_t width, uint32_t height, uint32_t refresh_mhz)
{
	if (!c->impl->set_mode)
		return PF_E_UNSUPPORTED;
	if (!mode_is_sane(width, height, refresh_mhz))
		return PF_E_INVALID;
	return c->impl->set_mode(c, width, height, refresh_mhz);
}

void capture_draw_cursor(struct capture *c, bool drawn)
{
	if (c->caps.cursor)
		c->impl->draw_cursor(c, drawn);
}
