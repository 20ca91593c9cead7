/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/wayland/main_device.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wayland-client.h>

#include "host/wayland/wlconn.h"
#include "linux-dmabuf-v1-client.h"

#define FEEDBACK_VERSION 4u
#define MAX_SOCKETS	 4u /* desktops of one user at a time */

struct answer {
	dev_t device;
	bool known;
};

static void done(void *data, struct zwp_linux_dmabuf_feedback_v1 *f)
{
}

static void format_table(
	void *data, struct zwp_linux_dmabuf_feedback_v1 *f, int32_t fd, uint32_t size)
{
	close(fd);
}

static void main_device(void *data, struct zwp_linux_dmabuf_feedback_v1 *f, struct wl_array *device)
{
	struct answer *a = data;
	a->known = device->size == sizeof(a->device);
	if (a->known)
		memcpy(&a->device, device->data, sizeof(a->device));
}

static void tranche_done(void *data, struct zwp_linux_dmabuf_feedback_v1 *f)
{
}

static void tranche_target_device(
	void *data, struct zwp_linux_dmabuf_feedback_v1 *f, struct wl_array *device)
{
}

static void tranche_formats(
	void *data, struct zwp_linux_dmabuf_feedback_v1 *f, struct wl_array *indices)
{
}

static void tranche_flags(void *data, struct zwp_linux_dmabuf_feedback_v1 *f, uint32_t flags)
{
}

static const struct zwp_linux_dmabuf_feedback_v1_listener listener = {
	.done = done,
	.format_table = format_table,
	.main_device = main_device,
	.tranche_done = tranche_done,
	.tranche_target_device = tranche_target_device,
	.tranche_formats = tranche_formats,
	.tranche_flags = tranche_flags,
};

static int ask_feedback(struct wlconn *c, struct zwp_linux_dmabuf_v1 *dmabuf, dev_t *out)
{
	struct answer a = {0};
	struct zwp_linux_dmabuf_feedback_v1 *f = zwp_linux_dmabuf_v1_get_default_feedback(dmabuf);
	if (!f)
		return PF_E_NOMEM;
	zwp_linux_dmabuf_feedback_v1_add_listener(f, &listener, &a);
	int err = wlconn_round_trip(c);
	zwp_linux_dmabuf_feedback_v1_destroy(f);
	if (err < 0)
		return err;
	*out = a.device;
	return a.known && a.device ? PF_OK : PF_E_UNSUPPORTED;
}

int main_device_ask(const char *display, dev_t *out)
{
	struct wlconn c = {0};
	struct zwp_linux_dmabuf_v1 *dmabuf = NULL;
	const struct wlconn_bind bind = {
		&zwp_linux_dmabuf_v1_interface, FEEDBACK_VERSION, (void **)&dmabuf};
	int err = wlconn_open(&c, display, NULL, &bind, 1);
	if (err >= 0)
		err = dmabuf ? ask_feedback(&c, dmabuf, out) : PF_E_UNSUPPORTED;
	if (dmabuf)
		zwp_linux_dmabuf_v1_destroy(dmabuf);
	wlconn_close(&c);
	return err;
}

int main_device_find(const char *runtime_dir, dev_t *out)
{
	const char *own = getenv("WAYLAND_DISPLAY");
	char path[128];
	int n = snprintf(path, sizeof(path), "%s%s%s", own && own[0] != '/' ? runtime_dir : "",
		own && own[0] != '/' ? "/" : "", own ? own : "");
	if (own && *own && n > 0 && (size_t)n < sizeof(path) && main_device_ask(path, out) >= 0)
		return PF_OK;
	for (unsigned i = 0; i < MAX_SOCKETS; i++) {
		n = snprintf(path, sizeof(path), "%s/wayland-%u", runtime_dir, i);
		if (n > 0 && (size_t)n < sizeof(path) && access(path, W_OK) == 0 &&
			main_device_ask(path, out) >= 0)
			return PF_OK;
	}
	return PF_E_NO_FRAME;
}
