/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_WL_APP_H
#define TESTS_SUPPORT_WL_APP_H

#include <stdbool.h>

struct wl_seat;
struct wl_surface;
struct zwp_relative_pointer_manager_v1;

/*
 * The picture of wl_app, a Wayland program of the tests: a corner of each colour, CORNER pixels square, one colour
 * between, and when it moves a row of BITS squares, CELL pixels wide, in the middle: black and white, the number of the
 * picture in binary, the lowest bit on the left.
 */
#define WL_APP_CORNER	    64
#define WL_APP_TOP_LEFT	    0xC00000u
#define WL_APP_TOP_RIGHT    0x00C000u
#define WL_APP_BOTTOM_LEFT  0x0000C0u
#define WL_APP_BOTTOM_RIGHT 0xE0E0E0u
#define WL_APP_BITS	    12
#define WL_APP_CELL	    16

/* What a seat brings goes to stdout: wl_app_seat.c. `relative` may be NULL. */
void wl_app_seat_start(struct wl_seat *seat, struct zwp_relative_pointer_manager_v1 *relative);

#endif
