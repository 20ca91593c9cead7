/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "kde-fake-input-server.h"
#include "tests/support/fake_kwin_private.h"

static struct fake_kwin *from(struct wl_resource *r)
{
	return wl_resource_get_user_data(r);
}

static void authenticate(
	struct wl_client *client, struct wl_resource *r, const char *who, const char *reason)
{
	fake_kwin_note(from(r), "authenticate %s", who);
}

static void motion(struct wl_client *client, struct wl_resource *r, wl_fixed_t x, wl_fixed_t y)
{
	fake_kwin_note(from(r), "motion %.2f %.2f", wl_fixed_to_double(x), wl_fixed_to_double(y));
}

static void button(struct wl_client *client, struct wl_resource *r, uint32_t code, uint32_t state)
{
	fake_kwin_note(from(r), "button %u %u", code, state);
}

static void axis(struct wl_client *client, struct wl_resource *r, uint32_t which, wl_fixed_t value)
{
	fake_kwin_note(from(r), "axis %u %.2f", which, wl_fixed_to_double(value));
}

static void touch_down(
	struct wl_client *client, struct wl_resource *r, uint32_t id, wl_fixed_t x, wl_fixed_t y)
{
	fake_kwin_note(from(r), "touch_down %u %.2f %.2f", id, wl_fixed_to_double(x),
		wl_fixed_to_double(y));
}

static void touch_motion(
	struct wl_client *client, struct wl_resource *r, uint32_t id, wl_fixed_t x, wl_fixed_t y)
{
	fake_kwin_note(from(r), "touch_motion %u %.2f %.2f", id, wl_fixed_to_double(x),
		wl_fixed_to_double(y));
}

static void touch_up(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	fake_kwin_note(from(r), "touch_up %u", id);
}

static void touch_cancel(struct wl_client *client, struct wl_resource *r)
{
	fake_kwin_note(from(r), "touch_cancel");
}

static void touch_frame(struct wl_client *client, struct wl_resource *r)
{
}

static void absolute(struct wl_client *client, struct wl_resource *r, wl_fixed_t x, wl_fixed_t y)
{
	fake_kwin_note(from(r), "absolute %.2f %.2f", wl_fixed_to_double(x), wl_fixed_to_double(y));
}

static void key(struct wl_client *client, struct wl_resource *r, uint32_t code, uint32_t state)
{
	fake_kwin_note(from(r), "key %u %u", code, state);
}

static void destroy(struct wl_client *client, struct wl_resource *r)
{
	fake_kwin_note(from(r), "input_destroy");
	wl_resource_destroy(r);
}

static void keysym(struct wl_client *client, struct wl_resource *r, uint32_t sym, uint32_t state)
{
	fake_kwin_note(from(r), "keysym %x %u", sym, state);
}

static const struct org_kde_kwin_fake_input_interface input_impl = {authenticate, motion, button,
	axis, touch_down, touch_motion, touch_up, touch_cancel, touch_frame, absolute, key, destroy,
	keysym};

static void bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(
		client, &org_kde_kwin_fake_input_interface, (int)version, id);
	wl_resource_set_implementation(r, &input_impl, data, NULL);
}

void fake_input_init(struct fake_kwin *f)
{
	if (f->params.input_version)
		wl_global_create(f->display, &org_kde_kwin_fake_input_interface,
			(int)f->params.input_version, f, bind);
}
