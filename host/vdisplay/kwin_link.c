/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/kwin_link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <wayland-client.h>

#include "host/base/local.h"
#include "host/media/clock.h"
#include "kde-fake-input-client.h"
#include "kde-output-device-v2-client.h"
#include "kde-output-management-v2-client.h"
#include "zkde-screencast-unstable-v1-client.h"

/* The last that says more of virtual outputs than the one before. */
#define SCREENCAST_MAX 4u
#define INPUT_MAX      6u

static bool is_kwins(const char *interface)
{
	/* What KWin shows to everybody, and others who took over parts of KDE's protocols do not. */
	return !strcmp(interface, kde_output_management_v2_interface.name) ||
		!strcmp(interface, zkde_screencast_unstable_v1_interface.name);
}

static void bind_input(
	struct kwin_link *l, struct wl_registry *registry, uint32_t name, uint32_t version)
{
	l->input_version = version;
	if (l->wants_input && !l->input)
		l->input = wl_registry_bind(registry, name, &org_kde_kwin_fake_input_interface,
			version < INPUT_MAX ? version : INPUT_MAX);
}

static void bind_screencast(
	struct kwin_link *l, struct wl_registry *registry, uint32_t name, uint32_t version)
{
	l->screencast_version = version;
	if (!l->wants_input && !l->screencast)
		l->screencast = wl_registry_bind(registry, name,
			&zkde_screencast_unstable_v1_interface,
			version < SCREENCAST_MAX ? version : SCREENCAST_MAX);
}

static void registry_global(void *data, struct wl_registry *registry, uint32_t name,
	const char *interface, uint32_t version)
{
	struct kwin_link *l = data;
	l->is_kwin |= is_kwins(interface);
	wlspace_global(&l->space, registry, name, interface, version);
	if (!l->wants_input)
		kwin_devices_global(&l->devices, registry, name, interface, version);
	if (!strcmp(interface, org_kde_kwin_fake_input_interface.name))
		bind_input(l, registry, name, version);
	else if (!strcmp(interface, zkde_screencast_unstable_v1_interface.name))
		bind_screencast(l, registry, name, version);
}

static void registry_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
	struct kwin_link *l = data;
	wlspace_global_remove(&l->space, name);
	kwin_devices_global_remove(&l->devices, name);
}

static const struct wl_registry_listener registry_listener = {
	.global = registry_global,
	.global_remove = registry_global_remove,
};

int kwin_link_wait(
	struct kwin_link *l, bool (*done)(void *userdata), void *userdata, uint64_t until_ns)
{
	int err = wlconn_dispatch_pending(&l->conn);
	while (err >= 0 && !done(userdata)) {
		const uint64_t now_ns = clock_now_ns();
		if (now_ns >= until_ns)
			return PF_E_TIMEOUT;
		err = wlconn_turn(&l->conn, (int)((until_ns - now_ns) / 1000000u) + 1, -1);
	}
	return err;
}

static void sync_done(void *data, struct wl_callback *callback, uint32_t serial)
{
	*(bool *)data = true;
}

static const struct wl_callback_listener sync_listener = {.done = sync_done};

static bool is_set(void *userdata)
{
	return *(bool *)userdata;
}

int kwin_link_sync(struct kwin_link *l, uint64_t until_ns)
{
	bool done = false;
	struct wl_callback *sync = wl_display_sync(l->conn.display);
	if (!sync)
		return PF_E_NOMEM;
	wl_callback_add_listener(sync, &sync_listener, &done);
	const int err = kwin_link_wait(l, is_set, &done, until_ns);
	wl_callback_destroy(sync);
	return err;
}

/* Without waiting: one that hangs may take no connection. */
static int connect_to(struct kwin_link *l, const char *path, uid_t owner)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct ucred cred;
	socklen_t cred_len = sizeof(cred);
	const size_t len = strlen(path);
	if (!len || len >= sizeof(addr.sun_path) || len >= sizeof(l->path))
		return PF_E_INVALID;
	memcpy(addr.sun_path, path, len + 1);
	memcpy(l->path, path, len + 1);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return pf_error_from_errno(errno);
	int err = PF_OK;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		err = errno == EAGAIN ? PF_E_TIMEOUT : PF_E_IO;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) < 0)
		err = pf_error_from_errno(errno);
	else if (owner == (uid_t)-1)
		err = local_check(fd, path);
	else if (cred.uid != owner && cred.uid != geteuid())
		err = PF_E_DENIED;
	if (err < 0) {
		close(fd);
		return err;
	}
	l->peer_uid = cred.uid;
	l->conn.display = wl_display_connect_to_fd(fd); /* which closes it when it fails */
	return l->conn.display ? PF_OK : PF_E_NOMEM;
}

int kwin_link_open(struct kwin_link *l, const char *path, uid_t owner, uint64_t until_ns)
{
	int err = connect_to(l, path, owner);
	if (err < 0)
		return err;
	l->registry = wl_display_get_registry(l->conn.display);
	if (!l->registry)
		return PF_E_NOMEM;
	wl_registry_add_listener(l->registry, &registry_listener, l);
	err = kwin_link_sync(l, until_ns); /* the globals */
	if (err >= 0 && !l->is_kwin)
		err = PF_E_NO_FRAME;
	if (err >= 0)
		err = kwin_link_sync(l, until_ns); /* the outputs */
	return err;
}

void kwin_link_close(struct kwin_link *l)
{
	kwin_devices_finish(&l->devices);
	wlspace_finish(&l->space);
	if (l->screencast)
		zkde_screencast_unstable_v1_destroy(l->screencast);
	if (l->input &&
		org_kde_kwin_fake_input_get_version(l->input) >=
			ORG_KDE_KWIN_FAKE_INPUT_DESTROY_SINCE_VERSION)
		org_kde_kwin_fake_input_destroy(l->input);
	else if (l->input)
		wl_proxy_destroy((struct wl_proxy *)l->input);
	if (l->registry)
		wl_registry_destroy(l->registry);
	if (l->conn.display)
		wl_display_flush(l->conn.display);
	wlconn_close(&l->conn);
	memset(l, 0, sizeof(*l));
}
