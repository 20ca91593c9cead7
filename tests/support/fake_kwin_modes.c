/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "kde-output-device-v2-server.h"
#include "kde-output-management-v2-server.h"
#include "tests/support/fake_kwin_private.h"

#define OUR_VERSION(offered, known) ((int)((offered) < (known) ? (offered) : (known)))

/* What a client put together before it applied it; one at a time is enough. */
struct fake_config {
	struct fake_output *output;
	struct fake_mode *mode;
	bool custom;
	double scale;
};

#define LIST_MAX ((FAKE_MODES - 1) / 2)

static struct fake_config config;
static struct fake_mode next, list[LIST_MAX];
static size_t n_list;

static void forget_device(struct wl_resource *r)
{
	struct fake_output *o = wl_resource_get_user_data(r);
	if (o && o->device == r)
		o->device = NULL;
}

static void forget_mode(struct wl_resource *r)
{
	struct fake_mode *m = wl_resource_get_user_data(r);
	if (m && m->resource == r)
		m->resource = NULL;
}

static void device_release(struct wl_client *client, struct wl_resource *r)
{
	wl_resource_destroy(r);
}

static const struct kde_output_device_v2_interface device_impl = {.release = device_release};

static void tell_mode(struct fake_output *o, struct fake_mode *m)
{
	const int version = wl_resource_get_version(o->device);
	m->resource = wl_resource_create(wl_resource_get_client(o->device),
		&kde_output_device_mode_v2_interface, version, 0);
	wl_resource_set_implementation(m->resource, NULL, m, forget_mode);
	kde_output_device_v2_send_mode(o->device, m->resource);
	kde_output_device_mode_v2_send_size(m->resource, (int32_t)m->width, (int32_t)m->height);
	kde_output_device_mode_v2_send_refresh(m->resource, (int32_t)m->mhz);
}

static void tell_device(struct fake_output *o, struct wl_resource *device)
{
	o->device = device;
	wl_resource_set_implementation(device, &device_impl, o, forget_device);
	for (size_t i = 0; i < FAKE_MODES; i++) {
		if (o->modes[i].width)
			tell_mode(o, &o->modes[i]);
	}
	kde_output_device_v2_send_current_mode(device, o->modes[o->current].resource);
	kde_output_device_v2_send_name(device, o->name);
	if (wl_resource_get_version(device) >= 18)
		kde_output_device_v2_send_capabilities(device,
			o->f->params.no_custom_modes
				? 0
				: KDE_OUTPUT_DEVICE_V2_CAPABILITY_CUSTOM_MODES);
	kde_output_device_v2_send_done(device);
}

static void bind_device(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	tell_device(data,
		wl_resource_create(client, &kde_output_device_v2_interface, (int)version, id));
}

void fake_modes_announce(struct fake_output *o)
{
	struct fake_kwin *f = o->f;
	if (f->params.device_globals) {
		o->device_global = wl_global_create(f->display, &kde_output_device_v2_interface,
			OUR_VERSION(f->params.management_version, 20), o, bind_device);
	} else if (f->devices) {
		struct wl_resource *device = wl_resource_create(wl_resource_get_client(f->devices),
			&kde_output_device_v2_interface, wl_resource_get_version(f->devices), 0);
		kde_output_device_registry_v2_send_output(f->devices, device);
		tell_device(o, device);
	}
}

void fake_modes_drop(struct fake_output *o)
{
	if (o->device_global)
		wl_global_destroy(o->device_global);
	if (o->device && !o->device_global)
		kde_output_device_v2_send_removed(o->device);
	if (o->device)
		wl_resource_set_user_data(o->device, NULL);
	for (size_t i = 0; i < FAKE_MODES; i++) {
		if (o->modes[i].resource)
			wl_resource_set_user_data(o->modes[i].resource, NULL);
	}
	if (config.output == o)
		config = (struct fake_config){0};
}

static void forget_devices(struct wl_resource *r)
{
	struct fake_kwin *f = wl_resource_get_user_data(r);
	if (f->devices == r)
		f->devices = NULL;
}

static void devices_stop(struct wl_client *client, struct wl_resource *r)
{
}

static const struct kde_output_device_registry_v2_interface devices_impl = {.stop = devices_stop};

static void bind_devices(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct fake_kwin *f = data;
	f->devices = wl_resource_create(
		client, &kde_output_device_registry_v2_interface, (int)version, id);
	wl_resource_set_implementation(f->devices, &devices_impl, f, forget_devices);
	for (size_t i = 0; i < FAKE_OUTPUTS; i++) {
		if (f->outputs[i].f)
			fake_modes_announce(&f->outputs[i]);
	}
}

/* --- what is set --- */

static void config_mode(struct wl_client *client, struct wl_resource *r, struct wl_resource *device,
	struct wl_resource *mode)
{
	config.output = wl_resource_get_user_data(device);
	config.mode = wl_resource_get_user_data(mode);
}

static void config_scale(struct wl_client *client, struct wl_resource *r,
	struct wl_resource *device, wl_fixed_t scale)
{
	config.scale = wl_fixed_to_double(scale);
}

static void config_custom(struct wl_client *client, struct wl_resource *r,
	struct wl_resource *device, struct wl_resource *modes)
{
	config.output = wl_resource_get_user_data(device);
	config.custom = true;
}

/* Those that are there go, but for the one in use. KWin's formula hits no rate quite. */
static void add_custom(struct fake_output *o)
{
	for (size_t i = 1; i < FAKE_MODES; i++) {
		struct fake_mode *m = &o->modes[i];
		if (i == o->current || !m->width)
			continue;
		if (m->resource) {
			wl_resource_set_user_data(m->resource, NULL);
			kde_output_device_mode_v2_send_removed(m->resource);
		}
		*m = (struct fake_mode){0};
	}
	for (size_t i = 1, n = 0; i < FAKE_MODES && n < n_list; i++) {
		struct fake_mode *m = &o->modes[i];
		if (m->width)
			continue;
		*m = list[n++];
		m->output = o;
		if (o->f->params.coarse_modes)
			m->mhz -= m->mhz % 240;
		if (o->f->params.step_widths)
			m->width -= m->width % 8;
		tell_mode(o, m);
		fake_kwin_note(o->f, "custom %u %u %u", m->width, m->height, m->mhz);
	}
	kde_output_device_v2_send_done(o->device);
}

static void config_apply(struct wl_client *client, struct wl_resource *r)
{
	struct fake_output *o = config.output;
	if (!o || o->f->params.refuses_modes || (config.custom && o->f->params.no_custom_modes)) {
		if (wl_resource_get_version(r) >= 12)
			kde_output_configuration_v2_send_failure_reason(r, "not\x1b[31m today");
		kde_output_configuration_v2_send_failed(r);
		return;
	}
	if (config.custom)
		add_custom(o);
	if (config.mode) {
		o->current = (size_t)(config.mode - o->modes);
		fake_kwin_note(o->f, "mode %u %u %u", config.mode->width, config.mode->height,
			config.mode->mhz);
	}
	if (config.scale > 0)
		o->scale = config.scale;
	fake_output_tell(o);
	kde_output_configuration_v2_send_applied(r);
}

static void config_destroy(struct wl_client *client, struct wl_resource *r)
{
	wl_resource_destroy(r);
}

static const struct kde_output_configuration_v2_interface config_impl = {
	.mode = config_mode,
	.scale = config_scale,
	.apply = config_apply,
	.destroy = config_destroy,
	.set_custom_modes = config_custom,
};

static void list_add(struct wl_client *client, struct wl_resource *r)
{
	if (n_list < LIST_MAX)
		list[n_list++] = next;
}

static void list_size(struct wl_client *client, struct wl_resource *r, uint32_t w, uint32_t h)
{
	next = (struct fake_mode){.width = w, .height = h, .mhz = next.mhz, .custom = true};
}

static void list_rate(struct wl_client *client, struct wl_resource *r, uint32_t mhz)
{
	next.mhz = mhz;
}

static void list_blanking(struct wl_client *client, struct wl_resource *r, uint32_t reduced)
{
}

static const struct kde_mode_list_v2_interface list_impl = {
	config_destroy, list_add, list_size, list_rate, list_blanking};

static void create_config(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	struct wl_resource *c = wl_resource_create(
		client, &kde_output_configuration_v2_interface, wl_resource_get_version(r), id);
	wl_resource_set_implementation(c, &config_impl, NULL, NULL);
	config = (struct fake_config){0};
}

static void create_list(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	struct wl_resource *l = wl_resource_create(
		client, &kde_mode_list_v2_interface, wl_resource_get_version(r), id);
	wl_resource_set_implementation(l, &list_impl, NULL, NULL);
	n_list = 0;
}

static const struct kde_output_management_v2_interface management_impl = {
	create_config, create_list};

static void bind_management(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(
		client, &kde_output_management_v2_interface, (int)version, id);
	wl_resource_set_implementation(r, &management_impl, data, NULL);
}

void fake_modes_init(struct fake_kwin *f)
{
	const uint32_t version = f->params.management_version;
	if (!version)
		return;
	wl_global_create(f->display, &kde_output_management_v2_interface, OUR_VERSION(version, 18),
		f, bind_management);
	if (!f->params.device_globals)
		wl_global_create(
			f->display, &kde_output_device_registry_v2_interface, 21, f, bind_devices);
}
