/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/eis_server.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const enum eis_device_capability all_caps[] = {EIS_DEVICE_CAP_POINTER,
	EIS_DEVICE_CAP_POINTER_ABSOLUTE, EIS_DEVICE_CAP_KEYBOARD, EIS_DEVICE_CAP_TOUCH,
	EIS_DEVICE_CAP_SCROLL, EIS_DEVICE_CAP_BUTTON};

#define N_CAPS (sizeof(all_caps) / sizeof(all_caps[0]))

static void add_line(struct eis_server *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_line(struct eis_server *s, const char *format, ...)
{
	va_list ap;
	if (s->n_lines == EIS_SERVER_LINES)
		return;
	va_start(ap, format);
	vsnprintf(s->lines[s->n_lines++], sizeof(s->lines[0]), format, ap);
	va_end(ap);
}

static void be_quiet(struct eis *eis, enum eis_log_priority priority, const char *message,
	struct eis_log_context *context)
{
	(void)eis;
	(void)priority;
	(void)message;
	(void)context;
}

int eis_server_init(
	struct eis_server *s, const struct eis_server_config *config, const char *socket)
{
	memset(s, 0, sizeof(*s));
	s->config = *config;
	s->eis = eis_new(NULL);
	if (!s->eis)
		return -1;
	eis_log_set_handler(s->eis, be_quiet);
	for (const struct eis_server_device *d = config->devices; d && d->caps; d++)
		s->n_devices++;
	if (s->n_devices > EIS_SERVER_DEVICES)
		return -1;
	return socket ? eis_setup_backend_socket(s->eis, socket) : eis_setup_backend_fd(s->eis);
}

void eis_server_finish(struct eis_server *s)
{
	for (size_t i = 0; i < EIS_SERVER_DEVICES; i++)
		eis_server_remove_device(s, i);
	if (s->seat)
		eis_seat_unref(s->seat);
	if (s->client)
		eis_client_unref(s->client);
	if (s->eis)
		eis_unref(s->eis);
	memset(s, 0, sizeof(*s));
}

int eis_server_connect(struct eis_server *s)
{
	return eis_backend_fd_add_client(s->eis);
}

static void add_keymap(struct eis_server *s, struct eis_device *d)
{
	const size_t len = strlen(s->config.keymap) + 1;
	const int fd = memfd_create("keymap", MFD_CLOEXEC);
	if (fd < 0 || write(fd, s->config.keymap, len) != (ssize_t)len)
		return;
	struct eis_keymap *k = eis_device_new_keymap(
		d, EIS_KEYMAP_TYPE_XKB, fd, s->config.keymap_size ? s->config.keymap_size : len);
	if (k) {
		eis_keymap_add(k);
		eis_keymap_unref(k);
	}
	close(fd);
}

static void add_regions(struct eis_device *d, const struct eis_server_device *config)
{
	for (size_t i = 0; i < EIS_SERVER_REGIONS; i++) {
		const struct eis_server_region *r = &config->regions[i];
		if (config->n_regions ? i == config->n_regions : !r->width && !r->height)
			break;
		struct eis_region *region = eis_device_new_region(d);
		eis_region_set_offset(region, r->x, r->y);
		eis_region_set_size(region, r->width, r->height);
		if (r->mapping_id)
			eis_region_set_mapping_id(region, r->mapping_id);
		eis_region_add(region);
		eis_region_unref(region);
	}
}

void eis_server_add_device(struct eis_server *s, size_t i)
{
	const struct eis_server_device *config = &s->config.devices[i];
	struct eis_device *d = eis_seat_new_device(s->seat);
	if (!d)
		return;
	eis_device_configure_name(d, config->name ? config->name : "device");
	for (size_t k = 0; k < N_CAPS; k++) {
		if (config->caps & all_caps[k])
			eis_device_configure_capability(d, all_caps[k]);
	}
	if (s->config.keymap && config->caps & EIS_DEVICE_CAP_KEYBOARD)
		add_keymap(s, d);
	add_regions(d, config);
	eis_device_add(d);
	if (!s->config.asleep)
		eis_device_resume(d);
	s->devices[i] = d;
}

void eis_server_remove_device(struct eis_server *s, size_t i)
{
	if (!s->devices[i])
		return;
	eis_device_remove(s->devices[i]);
	eis_device_unref(s->devices[i]);
	s->devices[i] = NULL;
}

static void welcome(struct eis_server *s, struct eis_client *client)
{
	if (s->client) {
		eis_client_disconnect(client);
		return;
	}
	s->client = eis_client_ref(client);
	eis_client_connect(client);
	if (s->config.no_seat)
		return;
	s->seat = eis_client_new_seat(client, "seat");
	for (size_t k = 0; k < N_CAPS; k++) {
		for (size_t i = 0; i < s->n_devices; i++) {
			if (s->config.devices[i].caps & all_caps[k])
				eis_seat_configure_capability(s->seat, all_caps[k]);
		}
	}
	eis_seat_add(s->seat);
}

static void give_devices(struct eis_server *s, struct eis_event *e)
{
	uint32_t bound = 0;
	for (size_t k = 0; k < N_CAPS; k++) {
		if (eis_event_seat_has_capability(e, all_caps[k]))
			bound |= all_caps[k];
	}
	add_line(s, "bind %u", bound);
	for (size_t i = 0; !s->config.no_devices && i < s->n_devices; i++) {
		if (!s->devices[i] && s->config.devices[i].caps & bound)
			eis_server_add_device(s, i);
	}
}

static void closed(struct eis_server *s, struct eis_device *d)
{
	add_line(s, "close");
	for (size_t i = 0; i < EIS_SERVER_DEVICES; i++) {
		if (s->devices[i] == d)
			eis_server_remove_device(s, i);
	}
}

static void forget_client(struct eis_server *s, struct eis_client *client)
{
	if (client != s->client)
		return;
	s->left = true;
	for (size_t i = 0; i < EIS_SERVER_DEVICES; i++)
		eis_server_remove_device(s, i);
	if (s->seat)
		eis_seat_unref(s->seat);
	eis_client_disconnect(s->client);
	eis_client_unref(s->client);
	s->seat = NULL;
	s->client = NULL;
}

static void take(struct eis_server *s, struct eis_event *e)
{
	switch (eis_event_get_type(e)) {
	case EIS_EVENT_CLIENT_CONNECT:
		welcome(s, eis_event_get_client(e));
		break;
	case EIS_EVENT_CLIENT_DISCONNECT:
		forget_client(s, eis_event_get_client(e));
		break;
	case EIS_EVENT_SEAT_BIND:
		give_devices(s, e);
		break;
	case EIS_EVENT_DEVICE_CLOSED:
		closed(s, eis_event_get_device(e));
		break;
	case EIS_EVENT_DEVICE_START_EMULATING:
		add_line(s, "start %u", eis_event_emulating_get_sequence(e));
		break;
	case EIS_EVENT_DEVICE_STOP_EMULATING:
		add_line(s, "stop");
		break;
	case EIS_EVENT_POINTER_MOTION:
		add_line(s, "rel %g %g", eis_event_pointer_get_dx(e), eis_event_pointer_get_dy(e));
		break;
	case EIS_EVENT_POINTER_MOTION_ABSOLUTE:
		add_line(s, "abs %.9g %.9g", eis_event_pointer_get_absolute_x(e),
			eis_event_pointer_get_absolute_y(e));
		break;
	case EIS_EVENT_BUTTON_BUTTON:
		add_line(s, "button %u %d", eis_event_button_get_button(e),
			eis_event_button_get_is_press(e));
		break;
	case EIS_EVENT_SCROLL_DELTA:
		add_line(s, "scroll %g %g", eis_event_scroll_get_dx(e), eis_event_scroll_get_dy(e));
		break;
	case EIS_EVENT_SCROLL_STOP:
		add_line(s, "scroll stop %d %d", eis_event_scroll_get_stop_x(e),
			eis_event_scroll_get_stop_y(e));
		break;
	case EIS_EVENT_SCROLL_DISCRETE:
		add_line(s, "wheel %d %d", eis_event_scroll_get_discrete_dx(e),
			eis_event_scroll_get_discrete_dy(e));
		break;
	case EIS_EVENT_KEYBOARD_KEY:
		add_line(s, "key %u %d", eis_event_keyboard_get_key(e),
			eis_event_keyboard_get_key_is_press(e));
		break;
	case EIS_EVENT_TOUCH_DOWN:
		add_line(s, "down %.9g %.9g", eis_event_touch_get_x(e), eis_event_touch_get_y(e));
		break;
	case EIS_EVENT_TOUCH_MOTION:
		add_line(s, "move %.9g %.9g", eis_event_touch_get_x(e), eis_event_touch_get_y(e));
		break;
	case EIS_EVENT_TOUCH_UP:
		add_line(s, "up");
		break;
	case EIS_EVENT_FRAME:
		add_line(s, "frame");
		break;
	default:
		break;
	}
}

void eis_server_turn(struct eis_server *s)
{
	struct eis_event *e;
	eis_dispatch(s->eis);
	while ((e = eis_get_event(s->eis)) != NULL) {
		take(s, e);
		eis_event_unref(e);
	}
}

int eis_server_find(const struct eis_server *s, size_t *at, const char *start)
{
	for (size_t i = *at; i < s->n_lines; i++) {
		if (strncmp(s->lines[i], start, strlen(start)) == 0) {
			*at = i + 1;
			return (int)i;
		}
	}
	return -1;
}
