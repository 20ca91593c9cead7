/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_NATIVE_CONTROL_H
#define HOST_NATIVE_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "core/wire/control.h"

/*
 * Typed messages of a client whose session exists. control.c has a line for each type and hands it to the file
 * that does it; none of those may fail: what makes no sense is ignored or answered. Thread: the control loop.
 */

struct cursor_shape;
struct cursor_state;
struct native_client;

/* To the client; one that does not read its stream is ended. */
void control_send(struct native_client *c, const struct pf_msg *m);

/* mode.c */
int mode_open(struct native_client *c) PF_MUST_CHECK;
void mode_wanted(struct native_client *c, const struct pf_msg *m);

/* adapt.c: the governor of bitrate and parity */
struct config;
int adapt_open(struct native_client *c) PF_MUST_CHECK;
void adapt_close(struct native_client *c);
/* Session and data plane are made; the client's ceiling is kbps. */
void adapt_begin(struct native_client *c, uint32_t kbps);
/* The stream begins. */
void adapt_stream(struct native_client *c);
/* SetBitrate, clamped. Returns what the link has room for of it. */
uint32_t adapt_set_ceiling(struct native_client *c, uint32_t kbps);
void adapt_asked(struct native_client *c);
/* What a stream's repair share is at first. */
uint32_t adapt_first_fec(const struct config *config);
void loss_reported(struct native_client *c, const struct pf_msg *m);
void delivery_reported(struct native_client *c, const struct pf_msg *m);

/* probe.c */
void probe_wanted(struct native_client *c, const struct pf_msg *m);
void probe_shaped(struct native_client *c, const struct pf_msg *m);

/* delivery.c */
int delivery_open(struct native_client *c) PF_MUST_CHECK;
/* The stream begins: what a client is told of it. */
void delivery_begin(struct native_client *c);
void delivery_wanted(struct native_client *c, const struct pf_msg *m);
void shard_acked(struct native_client *c, const struct pf_msg *m);

/* cursor.c */
int cursor_open(struct native_client *c) PF_MUST_CHECK;
void cursor_close(struct native_client *c);
/* Before the Welcome: the bit for it, or 0. */
uint8_t cursor_begin(struct native_client *c);
void cursor_render(struct native_client *c, const struct pf_msg *m);
/* session_sink::cursor */
void cursor_moved(struct cursor_shape *shape, const struct cursor_state *state, void *userdata);

/* input.c */
void input_open(struct native_client *c);
void input_close(struct native_client *c);
void input_datagram(struct native_client *c, const uint8_t *data, size_t len);
void input_edge(struct native_client *c, const struct pf_msg *m);

#endif
