/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_FAKE_KWIN_PRIVATE_H
#define TESTS_SUPPORT_FAKE_KWIN_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <wayland-server.h>

#include "tests/support/fake_kwin.h"

#define FAKE_OUTPUTS 24
#define FAKE_MODES   20
#define FAKE_CLIENTS 8
#define FAKE_LINE    512
#define FAKE_LINES   65536

struct fake_output;

struct fake_mode {
	struct fake_output *output;
	uint32_t width, height, mhz; /* 0 = free */
	bool custom;
	struct wl_resource *resource;
};

struct fake_output {
	struct fake_kwin *f; /* NULL = free */
	bool is_virtual;
	char name[64];
	int32_t x, y;
	double scale;
	struct fake_mode modes[FAKE_MODES];
	size_t current;
	struct wl_global *global, *device_global;
	struct wl_resource *wl[FAKE_CLIENTS], *xdg[FAKE_CLIENTS], *device, *stream;
};

struct fake_kwin {
	struct fake_kwin_params params;
	struct wl_display *display;
	struct wl_resource *devices; /* the registry of them */
	struct fake_output outputs[FAKE_OUTPUTS];
	pthread_t thread;
	pthread_mutex_t lock;
	int wake[2];
	bool quit, paused, hanging, died; /* under lock, as the lines and outputs are */
	char lines[FAKE_LINES];
};

void fake_kwin_note(struct fake_kwin *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct fake_output *fake_output_add(
	struct fake_kwin *f, const char *name, uint32_t width, uint32_t height, bool is_virtual);
void fake_output_drop(struct fake_output *o);
/* Tells all who listen where and how it is. */
void fake_output_tell(struct fake_output *o);

/* fake_kwin_modes.c */
void fake_modes_init(struct fake_kwin *f);
void fake_modes_announce(struct fake_output *o);
void fake_modes_drop(struct fake_output *o);
/* fake_kwin_input.c */
void fake_input_init(struct fake_kwin *f);

#endif
