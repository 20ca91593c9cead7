/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_PAIRING_H
#define TESTS_MOONLIGHT_PAIRING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "tests/support/host_process.h"
#include "tests/support/http_get.h"
#include "tests/unit/gamestream_device.h"

/*
 * A Moonlight device and the person in front of the host, over HTTP and the control socket. Everything is bounded in
 * time. Thread: one, and one for the first step, which the host answers when the PIN was typed.
 */

#define MOON_UNIQUEID "uniqueid=0123456789ABCDEF&uuid=1"
#define MOON_BODY_MAX (256u << 10)

/* A host, and what it said last. */
struct moon_host {
	struct host_process process;
	const char *address; /* IPv4; NULL = 127.0.0.1 */
	int base;	     /* --gamestream-port */
	char body[MOON_BODY_MAX];
};

struct moon_first_step {
	const struct moon_host *host;
	struct device *device;
	char salt[33], reply[MOON_BODY_MAX];
	int status;
	pthread_t thread;
};

/* Where requests go; d NULL = without a certificate. */
struct http_get moon_plain(const struct moon_host *h);
struct http_get moon_tls(const struct moon_host *h, const struct device *d);
/* The status in the root of the answer, -1: none. *transport (NULL = nobody cares): that of HTTP, as http_get(). */
int moon_ask(struct moon_host *h, const struct http_get *g, const char *request, int *transport);
/* The text of an element of the last answer. False: it is not there. */
bool moon_element(const struct moon_host *h, char *out, size_t cap, const char *name);
bool moon_is(const struct moon_host *h, const char *name, const char *value);

/* A command of the control socket; takes args. result may be NULL. As ctl_request(). */
int moon_command(const struct moon_host *h, const char *name, json_t *args, json_t **result);
size_t moon_waiting(const struct moon_host *h); /* devices that wait for a PIN */
/* device 0 = the only one. As moon_command(). */
int moon_type_pin(const struct moon_host *h, const char *pin, int device, const char *name);

/* Step 1, in a thread; false: the host does not know of it in time. */
bool moon_begin(
	struct moon_first_step *f, const struct moon_host *h, struct device *d, const char *pin);
/* Waits for the answer to step 1. */
void moon_begun(struct moon_first_step *f);
/* One request of steps 2 to 4: did the host go along? */
bool moon_step(struct moon_host *h, const char *argument, const char *value);
/* Steps 2 to 4; host: its certificate. How many went well; below 0: the host is not who it says. */
int moon_steps(struct moon_host *h, struct device *d, const struct gs_cert *host);
/* All five, with a person who types the right PIN and this name. */
bool moon_pair(struct moon_host *h, struct device *d, const struct gs_cert *host, const char *name);

#endif
