/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_DESKTOPS_VIEW_H
#define TESTS_DESKTOPS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "punktfunk_core.h"

struct AVFrame;
struct decode;

/* A client of the rig's host, through the library, and what it sees. */
struct view {
	struct punktfunk_connection *c; /* NULL = none */
	struct decode *decode;
	struct AVFrame *picture; /* the newest; width 0 = none yet */
	uint64_t start_ns;	 /* CLOCK_REALTIME before it connected */
	uint64_t first_pts_ns;	 /* of the first frame; 0 = none yet */
	uint64_t n_new;		 /* frames that are no repetitions */
	char message[320];	 /* why it could not connect */
};

/* Returns the library's status. Zeroed memory, or one that was closed. */
int view_connect(struct view *v, uint32_t width, uint32_t height, uint32_t hz);
/* The same with a certificate of its own, so that its display is kept for it. */
int view_connect_known(struct view *v, uint32_t width, uint32_t height, uint32_t hz);
/* As view_connect() and shows that it must work. */
void view_open(struct view *v, uint32_t width, uint32_t height, uint32_t hz);
/* The same, of another host. */
void view_open_at(struct view *v, int port, uint32_t width, uint32_t height, uint32_t hz);
void view_close(struct view *v);  /* on purpose: the display goes */
void view_vanish(struct view *v); /* only the connection ends; also one that is closed */
/* One access unit, decoded if it is H.264; false: none within the time. Fails when the stream has ended. */
bool view_next(struct view *v, unsigned timeout_ms, bool decoded);
/* Milliseconds from start_ns to the capture of the first frame. */
double view_first_ms(struct view *v);
bool view_has_size(const struct view *v, int width, int height); /* the newest picture */
/* The newest picture has this size, and is the picture of the test's window in this colour. */
bool view_shows(struct view *v, int width, int height, uint32_t rgb);
bool view_wait_shows(struct view *v, int width, int height, uint32_t rgb, unsigned timeout_ms);
/* The number in the picture of a window that moves; -1 = cannot be read. */
int view_number(struct view *v);
/* Waits for the end of the stream; the host's words, or NULL when it goes on. */
const char *view_wait_end(struct view *v, unsigned timeout_ms);

void view_send(struct view *v, uint8_t kind, uint32_t code, int32_t x, int32_t y, uint32_t flags);

#endif
