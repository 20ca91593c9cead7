/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/kwin_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wayland-client.h>

#include "core/wire/text.h"
#include "host/vdisplay/kwin_link.h"
#include "kde-output-device-v2-client.h"
#include "kde-output-management-v2-client.h"

/* Versions that are bound: what is newer says nothing that is used here. */
#define NAME_SINCE	 2u
#define CUSTOM_SINCE	 18u /* of the device's capability and of the management's requests */
#define DEVICE_MAX	 20u /* as a global; later ones come from the registry */
#define REGISTRY_VERSION 21u

/* Events by number, as the protocol lists them: of forty only these matter. */
enum device_event {
	DEVICE_MODE = 2,
	DEVICE_CAPABILITIES = 10,
	DEVICE_NAME = 14,
	DEVICE_REMOVED = 36
};
enum mode_event { MODE_SIZE, MODE_REFRESH, MODE_PREFERRED, MODE_REMOVED };
enum config_event { CONFIG_APPLIED, CONFIG_FAILED, CONFIG_REASON };
enum registry_event { REGISTRY_FINISHED, REGISTRY_OUTPUT };

/*
 * A made mode's rate is what a timing formula gives, which counts the pixels' clock in steps: up to half a hertz less
 * than asked. So some more are asked for, and the nearest is taken.
 */
#define NEAR_MHZ 1000u
static const uint32_t tries_mhz[] = {0, 50, 100, 150, 200, 300, 400, 500};

struct kwin_mode {
	struct kde_output_device_mode_v2 *proxy;
	struct kwin_device *device;
	struct kwin_mode *next;
	uint32_t width, height, mhz;
};

/* --- what KWin tells --- */

static void drop_mode(struct kwin_mode *mode)
{
	struct kwin_mode **at = &mode->device->modes;
	while (*at != mode)
		at = &(*at)->next;
	*at = mode->next;
	mode->device->n_modes--;
	kde_output_device_mode_v2_destroy(mode->proxy);
	free(mode);
}

static int on_mode(const void *impl, void *target, uint32_t opcode,
	const struct wl_message *message, union wl_argument *args)
{
	struct kwin_mode *mode = wl_proxy_get_user_data(target);
	if (opcode == MODE_SIZE && args[0].i > 0 && args[1].i > 0) {
		mode->width = (uint32_t)args[0].i;
		mode->height = (uint32_t)args[1].i;
	} else if (opcode == MODE_REFRESH && args[0].i > 0) {
		mode->mhz = (uint32_t)args[0].i;
	} else if (opcode == MODE_REMOVED) {
		drop_mode(mode);
	}
	return 0;
}

static void add_mode(struct kwin_device *dev, struct wl_proxy *proxy)
{
	struct kwin_mode *mode = dev->n_modes < KWIN_MAX_MODES ? calloc(1, sizeof(*mode)) : NULL;
	if (!mode) {
		wl_proxy_destroy(proxy);
		return;
	}
	mode->proxy = (struct kde_output_device_mode_v2 *)proxy;
	mode->device = dev;
	mode->next = dev->modes;
	dev->modes = mode;
	dev->n_modes++;
	wl_proxy_add_dispatcher(proxy, on_mode, NULL, mode);
}

static void drop_device(struct kwin_device *dev)
{
	while (dev->modes)
		drop_mode(dev->modes);
	if (dev->proxy && kde_output_device_v2_get_version(dev->proxy) >= REGISTRY_VERSION)
		kde_output_device_v2_release(dev->proxy);
	else if (dev->proxy)
		kde_output_device_v2_destroy(dev->proxy);
	memset(dev, 0, sizeof(*dev));
}

static int on_device(const void *impl, void *target, uint32_t opcode,
	const struct wl_message *message, union wl_argument *args)
{
	struct kwin_device *dev = wl_proxy_get_user_data(target);
	if (opcode == DEVICE_MODE && args[0].o)
		add_mode(dev, (struct wl_proxy *)args[0].o);
	else if (opcode == DEVICE_CAPABILITIES)
		dev->capabilities = args[0].u;
	else if (opcode == DEVICE_NAME)
		snprintf(dev->name, sizeof(dev->name), "%s", args[0].s);
	else if (opcode == DEVICE_REMOVED)
		drop_device(dev);
	return 0;
}

static void add_device(struct kwin_devices *d, struct kde_output_device_v2 *proxy, uint32_t global)
{
	struct kwin_device *dev = d->devices;
	while (dev < d->devices + KWIN_MAX_DEVICES && dev->proxy)
		dev++;
	if (dev == d->devices + KWIN_MAX_DEVICES) {
		kde_output_device_v2_destroy(proxy);
		return;
	}
	dev->proxy = proxy;
	dev->global = global;
	wl_proxy_add_dispatcher((struct wl_proxy *)proxy, on_device, NULL, dev);
}

static int on_registry(const void *impl, void *target, uint32_t opcode,
	const struct wl_message *message, union wl_argument *args)
{
	if (opcode == REGISTRY_OUTPUT && args[0].o)
		add_device(wl_proxy_get_user_data(target), (struct kde_output_device_v2 *)args[0].o,
			0);
	return 0;
}

void kwin_devices_global(struct kwin_devices *d, struct wl_registry *registry, uint32_t global,
	const char *interface, uint32_t version)
{
	if (!strcmp(interface, kde_output_management_v2_interface.name) && !d->management) {
		d->management_version = version < CUSTOM_SINCE ? version : CUSTOM_SINCE;
		d->management = wl_registry_bind(registry, global,
			&kde_output_management_v2_interface, d->management_version);
	} else if (!strcmp(interface, kde_output_device_registry_v2_interface.name) &&
		!d->registry && version >= REGISTRY_VERSION) {
		d->registry = wl_registry_bind(registry, global,
			&kde_output_device_registry_v2_interface, REGISTRY_VERSION);
		if (d->registry)
			wl_proxy_add_dispatcher(
				(struct wl_proxy *)d->registry, on_registry, NULL, d);
	} else if (!strcmp(interface, kde_output_device_v2_interface.name) &&
		version >= NAME_SINCE) {
		struct kde_output_device_v2 *proxy = wl_registry_bind(registry, global,
			&kde_output_device_v2_interface,
			version < DEVICE_MAX ? version : DEVICE_MAX);
		if (proxy)
			add_device(d, proxy, global);
	}
}

void kwin_devices_global_remove(struct kwin_devices *d, uint32_t global)
{
	for (size_t i = 0; i < KWIN_MAX_DEVICES; i++) {
		if (d->devices[i].proxy && d->devices[i].global == global)
			drop_device(&d->devices[i]);
	}
}

void kwin_devices_finish(struct kwin_devices *d)
{
	for (size_t i = 0; i < KWIN_MAX_DEVICES; i++)
		drop_device(&d->devices[i]);
	if (d->registry)
		kde_output_device_registry_v2_destroy(d->registry);
	if (d->management)
		kde_output_management_v2_destroy(d->management);
	memset(d, 0, sizeof(*d));
}

bool kwin_devices_has_custom(const struct kwin_devices *d)
{
	return d->management_version >= CUSTOM_SINCE;
}

/* --- what is set --- */

struct answer {
	bool done, good;
	char *reason;
	size_t cap;
};

static int on_config(const void *impl, void *target, uint32_t opcode,
	const struct wl_message *message, union wl_argument *args)
{
	struct answer *a = wl_proxy_get_user_data(target);
	if (opcode == CONFIG_REASON) {
		pf_text_clean(a->reason, a->cap, args[0].s, strlen(args[0].s));
		return 0;
	}
	a->done = true;
	a->good = opcode == CONFIG_APPLIED;
	return 0;
}

static bool is_answered(void *userdata)
{
	const struct answer *a = userdata;
	return a->done;
}

/* Takes config. */
static int apply(struct kwin_link *l, struct kde_output_configuration_v2 *config, struct answer *a,
	uint64_t until_ns)
{
	a->done = false;
	wl_proxy_add_dispatcher((struct wl_proxy *)config, on_config, NULL, a);
	kde_output_configuration_v2_apply(config);
	int err = kwin_link_wait(l, is_answered, a, until_ns);
	kde_output_configuration_v2_destroy(config);
	return err < 0 ? err : a->good ? PF_OK : PF_E_UNSUPPORTED;
}

static struct kwin_device *find_device(struct kwin_devices *d, const char *name)
{
	for (size_t i = 0; i < KWIN_MAX_DEVICES; i++) {
		if (d->devices[i].proxy && !strcmp(d->devices[i].name, name))
			return &d->devices[i];
	}
	return NULL;
}

static uint32_t distance(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

static struct kwin_mode *find_mode(
	struct kwin_device *dev, uint32_t width, uint32_t height, uint32_t mhz, uint32_t near_mhz)
{
	struct kwin_mode *best = NULL;
	for (struct kwin_mode *m = dev ? dev->modes : NULL; m; m = m->next) {
		const uint32_t off = distance(m->mhz, mhz);
		if (m->width == width && m->height == height && off <= near_mhz &&
			(!best || off < distance(best->mhz, mhz)))
			best = m;
	}
	return best;
}

static int make_mode(struct kwin_link *l, const char *name, uint32_t width, uint32_t height,
	uint32_t mhz, struct answer *a, uint64_t until_ns)
{
	struct kwin_devices *d = &l->devices;
	struct kwin_device *dev = find_device(d, name);
	if (!dev || !kwin_devices_has_custom(d) ||
		!(dev->capabilities & KDE_OUTPUT_DEVICE_V2_CAPABILITY_CUSTOM_MODES))
		return PF_E_UNSUPPORTED;
	struct kde_mode_list_v2 *list = kde_output_management_v2_create_mode_list(d->management);
	struct kde_output_configuration_v2 *config = list
		? kde_output_management_v2_create_configuration(d->management)
		: NULL;
	if (config) {
		for (size_t i = 0; i < sizeof(tries_mhz) / sizeof(tries_mhz[0]); i++) {
			kde_mode_list_v2_set_resolution(list, width, height);
			kde_mode_list_v2_set_refresh_rate(list, mhz + tries_mhz[i]);
			kde_mode_list_v2_set_reduced_blanking(list, 1);
			kde_mode_list_v2_add_mode(list);
		}
		kde_output_configuration_v2_set_custom_modes(config, dev->proxy, list);
	}
	if (list)
		kde_mode_list_v2_destroy(list);
	return config ? apply(l, config, a, until_ns) : PF_E_NOMEM;
}

int kwin_device_set_mode(struct kwin_link *l, const char *name, uint32_t width, uint32_t height,
	uint32_t refresh_mhz, uint64_t until_ns, char *reason, size_t reason_cap)
{
	struct kwin_devices *d = &l->devices;
	struct answer a = {.reason = reason, .cap = reason_cap};
	int err = PF_OK;
	reason[0] = 0;
	if (!find_mode(find_device(d, name), width, height, refresh_mhz, 0))
		err = make_mode(l, name, width, height, refresh_mhz, &a, until_ns);
	if (err < 0 && err != PF_E_UNSUPPORTED)
		return err;
	/* Asked for again: with every wait it may have gone. */
	struct kwin_device *dev = find_device(d, name);
	struct kwin_mode *mode = find_mode(dev, width, height, refresh_mhz, NEAR_MHZ);
	/* A made mode's width is a multiple of 8. Others have only the rate that an output is made with. */
	if (!mode)
		mode = find_mode(dev, width, height, refresh_mhz, UINT32_MAX);
	if (!mode || !d->management)
		return PF_E_UNSUPPORTED;
	struct kde_output_configuration_v2 *config = kde_output_management_v2_create_configuration(
		d->management);
	if (!config)
		return PF_E_NOMEM;
	kde_output_configuration_v2_mode(config, dev->proxy, mode->proxy);
	kde_output_configuration_v2_scale(config, dev->proxy, wl_fixed_from_int(1));
	return apply(l, config, &a, until_ns);
}
