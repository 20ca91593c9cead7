/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_INJECT_BUS_CALLS_H
#define HOST_INJECT_BUS_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "host/inject/inject.h"

/*
 * Input by calls on a D-Bus. Only one call at a time asks for an answer: its coming says that the other side has taken what
 * went before. Where it stays away, it hangs, and nothing more is sent than BUS_CALLS_MAX_UNTAKEN.
 */

struct sd_bus;
struct sd_bus_message;
struct sd_bus_slot;

#define BUS_CALLS_MAX_UNTAKEN 512u /* half a second of a fast mouse */

struct bus_calls {
	struct sd_bus *bus;
	struct sd_bus_slot *answer; /* of the call that asks for one */
	uint32_t untaken;	    /* calls since the last answer */
	bool stalled, lost;
	uint64_t sent[INJECT_MAX_KEY / 64]; /* what the other side takes for down */
	uint32_t touch_ids[INJECT_MAX_TOUCHES];
	bool touch_used[INJECT_MAX_TOUCHES];
	void (*on_lost)(void *userdata);    /* once */
	void (*on_resumed)(void *userdata); /* it takes calls again */
	void *userdata;
};

/* Holds the bus until finish(): the desktop may be lost before the session ends. */
void bus_calls_init(struct bus_calls *b, struct sd_bus *bus);
void bus_calls_finish(struct bus_calls *b);
/* False: nothing may be sent now. */
bool bus_calls_can_send(struct bus_calls *b);
/* Sends m, which it takes; r < 0: making it failed. Ask before whether it may. */
void bus_calls_send(struct bus_calls *b, struct sd_bus_message *m, int r);
/* A key or button that is sent now. */
void bus_calls_note(struct bus_calls *b, uint32_t code, bool down);
/* Sends by base->impl what is down, or no longer, and fell into a stall. */
void bus_calls_catch_up(struct bus_calls *b, struct inject *base);

/* The slot of a finger whose event is to be sent now, or -1: one that went down in a stall did so nowhere. */
int bus_calls_touch(struct bus_calls *b, const struct inject_touch *touch);

/* What X11 calls a character; most are their own number. */
uint32_t bus_calls_keysym(uint32_t scalar);
/* A place of the client's surface in the stream's pixels: the middle of what is there one pixel of it. */
double bus_calls_across(uint32_t at, uint32_t of, uint32_t pixels);

#endif
