/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "host/base/log.h"
#include "host/config/config.h"
#include "host/ctl/ctl.h"
#include "host/encode/encoder.h"
#include "host/gpu/display.h"
#include "host/gpu/node.h"
#include "host/session/kept.h"
#include "host/session/session.h"
#include "host/vdisplay/detect.h"
#include "host/vdisplay/vdisplay.h"
#include "host/wayland/main_device.h"
#include "net/identity.h"

static void on_desktop_lost(const char *why, void *userdata)
{
	struct host *h = userdata;
	log_error("desktop: %s; sessions on it end, the next one starts afresh", why);
	kept_forget_lost(h->kept);
	session_desktop_lost(h, why);
}

/* Streaming goes on without it, as paired clients need no person. */
static int open_ctl(struct host *h)
{
	char path[128], why[512];
	int err = ctl_default_path(
		path, sizeof(path), h->config->ctl, h->config->config_dir, why, sizeof(why));
	if (err >= 0)
		err = ctl_create(&h->ctl, h->loop, path, why, sizeof(why));
	if (err < 0 && !h->config->ctl) {
		log_warn("ctl: no control socket, so nobody can pair with this host or unpair; it "
			 "goes on: %s",
			why);
		return PF_OK;
	}
	if (err < 0)
		log_error("ctl: %s", why);
	return err;
}

static int find_config_dir(struct host *h)
{
	char why[256];
	if (h->config->config_dir) {
		int n = snprintf(h->config_dir, sizeof(h->config_dir), "%s", h->config->config_dir);
		if (n > 0 && (size_t)n < sizeof(h->config_dir))
			return PF_OK;
		log_error("identity: the path of --config-dir is empty or too long");
		return PF_E_INVALID;
	}
	int err = identity_config_dir(h->config_dir, sizeof(h->config_dir), why, sizeof(why));
	if (err < 0)
		log_error("identity: %s; or give --config-dir DIR", why);
	return err;
}

/* With several GPUs: pictures stay on the one that draws them, where it can be known. */
static void prefer_gpu(const struct config *config)
{
#if HAVE_WLROOTS
	char dir[128], why[256];
	dev_t device;
	struct gpu_node nodes[GPU_MAX_NODES];
	if (gpu_nodes(nodes) < 2 ||
		detect_runtime_dir(config->session_user, dir, sizeof(dir), why, sizeof(why)) < 0 ||
		main_device_find(dir, &device) < 0)
		return;
	gpu_prefer(device);
	log_info("encoders: the desktop draws on the GPU of device %u:%u", major(device),
		minor(device));
#endif
}

int host_create(struct host **out, struct loop *loop, const struct config *config)
{
	struct host *h = calloc(1, sizeof(*h));
	if (!h)
		return PF_E_NOMEM;
	const char *only = config_compositor(config);
	bool synthetic = !strcmp(config->source, "synthetic") || (only && !strcmp(only, "none"));
	h->loop = loop;
	h->config = config;
	h->next_session_id = 1;
	h->capture_name = "synthetic"; /* where the display names none of its own */
	h->inject_name = "record";
	h->clipboard_name = synthetic ? "memory" : "wlr";
	struct vdisplay_params params = {
		.loop = loop,
		.own_session = config->own_session || (only && !strcmp(only, "own")),
		.compositor = only && strcmp(only, "own") != 0 ? only : NULL,
		.layout = config->layout,
		.config_dir = h->config_dir,
		.app = config->app,
		.user = config->session_user,
		.on_lost = on_desktop_lost,
		.userdata = h,
	};
	const char *why = NULL;
	int err = find_config_dir(h);
	if (err >= 0)
		err = open_ctl(h);
	if (err >= 0)
		prefer_gpu(config);
	if (err >= 0)
		err = encoder_offer(&h->offer, config->encoder, config->codecs);
	if (err < 0) {
		host_destroy(h);
		return err;
	}
	/* Opened here, as its drivers take longer than a session may. */
	const struct gpu_display *importer = encoder_importer(config->encoder);
	if (importer)
		log_info("encoders: pictures stay in the memory of %s", importer->renderer);
	err = vdisplay_create(&h->vdisplay, synthetic ? "none" : "auto", &params, &why);
	if (err < 0) {
		log_error("desktop: %s", why ? why : pf_strerror(err));
		host_destroy(h);
		return err;
	}
	err = kept_create(&h->kept, h);
	if (err < 0) {
		log_error("desktop: the host is out of memory");
		host_destroy(h);
		return err;
	}
	*out = h;
	return PF_OK;
}

void host_destroy(struct host *h)
{
	if (!h)
		return;
	pf_check(!h->sessions);
	kept_destroy(h->kept);
	vdisplay_destroy(h->vdisplay);
	ctl_destroy(h->ctl);
	free(h);
}
