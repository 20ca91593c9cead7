/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_DESK_H
#define TESTS_DESK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/base/loop.h"
#include "host/capture/capture.h"
#include "host/inject/inject.h"
#include "host/vdisplay/vdisplay.h"

/* A desktop of our own as the tests see it: sway, its outputs, their pictures, their keyboards. */

struct desk {
	struct loop *loop;
	struct vdisplay *vdisplay;
	int n_lost; /* on_lost of the vdisplay */
	char lost_why[512];
};

/* What a capture has brought so far. */
struct eye {
	struct capture *capture;
	pthread_mutex_t lock;
	struct frame *frame; /* the newest */
	uint64_t n_frames, newest_ns;
	struct cursor_shape *shape; /* the pointer's, if it is told apart */
	struct cursor_state cursor;
	unsigned n_cursor;
	int n_lost;
	char lost_why[256];
};

/*
 * First of all in main(): no sway but the test's own, and TEST of `test TEST` alone. Returns 0, or meson's code for a
 * test that is left out, with the reason told, when one of the programs (a list with spaces between) is missing.
 */
int desk_begin(const char *programs, int argc, char **argv);

/* own false: use the sway in $SWAYSOCK. app NULL: a terminal. */
void desk_open(struct desk *d, bool own, const char *app);
void desk_close(struct desk *d);
/* Closes what is open still: every test's teardown. Desks and eyes must be static. */
int desk_close_all(void **state);
/* Runs the loop for a while, or until check() is true; returns whether it was. */
bool desk_run(struct desk *d, unsigned timeout_ms, bool (*check)(void *data), void *data);
/* The process id of our sway; 0 when there is none. */
int desk_sway_pid(void);

void eye_open(struct eye *e, const struct vdisplay_output *output);
void eye_close(struct eye *e);
uint64_t eye_count(struct eye *e);
/* The share of pixels, 0 to 1, whose colour is within 8 of rgb; 0 when the size is another or nothing came. */
double eye_share(struct eye *e, uint32_t width, uint32_t height, uint32_t rgb);
/* When the newest picture came, if it has this size; else 0. */
uint64_t eye_sized_ns(struct eye *e, uint32_t width, uint32_t height);
/* Where the pointer was told to be last; false: it was not told. */
bool eye_cursor(struct eye *e, struct cursor_state *out);
/* Waits until that share is reached. */
bool eye_wait_share(
	struct desk *d, struct eye *e, uint32_t w, uint32_t h, uint32_t rgb, double share);
/* Writes the newest picture to $PUNKTFUNK_TEST_PICTURES/name.ppm, if that is set. */
void eye_save(struct eye *e, const char *name);

/* Types ASCII on a US board. */
void desk_type(struct inject *i, const char *text);

#endif
