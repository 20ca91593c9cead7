/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_FAKE_CURSOR_H
#define TESTS_SUPPORT_FAKE_CURSOR_H

#include <stdint.h>

struct fake_compositor;
struct wl_client;
struct wl_resource;

/* The pointer of fake_compositor.h: all on its thread. */

/* The colour of every pixel of a shape, with its alpha multiplied in; the last row and column are not seen. */
#define FAKE_SHAPE_SIDE(look)  (16u + 4u * (look))
#define FAKE_SHAPE_PIXEL(look) (0x80400000u + (look))

void fake_cursor_add_seat(struct fake_compositor *f);
void fake_cursor_create_session(struct fake_compositor *f, struct wl_client *client, uint32_t id);
void fake_cursor_tick(struct fake_compositor *f);

#endif
