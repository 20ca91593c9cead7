/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_EIS_SERVER_H
#define TESTS_SUPPORT_EIS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libeis.h>

/*
 * A compositor's side of EIS by the real libeis: one client, devices as told, and what the client sent as lines of
 * text: "key 30 1", "abs 12.5 20", "frame". Errors of set-up end in NULL or -1; nothing here asserts.
 */

#define EIS_SERVER_LINES   4096
#define EIS_SERVER_DEVICES 8
#define EIS_SERVER_REGIONS 4

struct eis_server_region {
	uint32_t x, y, width, height;
	const char *mapping_id; /* NULL = none */
};

/* caps: of enum eis_device_capability, or'ed. 0 ends a list of them. */
struct eis_server_device {
	uint32_t caps;
	const char *name;
	struct eis_server_region regions[EIS_SERVER_REGIONS]; /* width and height 0 end the list */
	size_t n_regions; /* 0 = up to the first empty one; else so many, whatever they are */
};

struct eis_server_config {
	const struct eis_server_device *devices;
	const char *keymap;		  /* of its keyboards; NULL = none */
	size_t keymap_size;		  /* told; 0 = the true one */
	bool no_seat, no_devices, asleep; /* asleep: devices come paused */
};

struct eis_server {
	struct eis_server_config config;
	struct eis *eis;
	struct eis_client *client;
	struct eis_seat *seat;
	struct eis_device
		*devices[EIS_SERVER_DEVICES]; /* in config's order; NULL = none or removed */
	size_t n_devices;
	char lines[EIS_SERVER_LINES][64];
	size_t n_lines;
	bool left; /* the client disconnected */
};

/* socket: name in $XDG_RUNTIME_DIR; NULL = eis_server_connect() makes the connections. */
int eis_server_init(
	struct eis_server *s, const struct eis_server_config *config, const char *socket);
void eis_server_finish(struct eis_server *s);
int eis_server_connect(struct eis_server *s); /* a client's descriptor */
void eis_server_turn(struct eis_server *s);   /* never waits */
/* The device at config's index i once more, after eis_device_remove(). */
void eis_server_add_device(struct eis_server *s, size_t i);
void eis_server_remove_device(struct eis_server *s, size_t i);
/* Lines from *at on that begin with this; *at goes after it. -1 = none. */
int eis_server_find(const struct eis_server *s, size_t *at, const char *start);

#endif
