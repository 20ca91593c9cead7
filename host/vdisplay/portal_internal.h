/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_PORTAL_INTERNAL_H
#define HOST_VDISPLAY_PORTAL_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/vdisplay/portal_names.h"

struct sd_bus;
struct sd_bus_message;
struct vdisplay_params;

#define PORTAL_TOKEN_LEN 256u /* a portal's are UUIDs of 36 characters */

/* vdisplay_impl's. */
int portal_probe(const struct vdisplay_params *params, char *note);
/* What a RemoteDesktop of this version (0 = none) can do with this build, for a person. */
const char *portal_describe_input(uint32_t version);
/* A property of the portal; 0 = it has none, or does not answer. */
uint32_t portal_get_number(struct sd_bus *bus, const char *interface, const char *name);
/*
 * It runs afterwards: the bus starts it when nobody asked for it before. why: one sentence. Errors: PF_E_UNSUPPORTED,
 * PF_E_TIMEOUT (it may still be starting).
 */
int portal_start(struct sd_bus *bus, char *why, size_t why_cap) PF_MUST_CHECK;

/* What an answer (Request.Response) of the portal says; all of it is checked and cut to size. */
struct portal_answer {
	uint32_t code; /* 0 = done, 1 = the person said no, others = it could not */
	char session[128];
	char token[PORTAL_TOKEN_LEN];
	uint32_t node, width, height; /* of the first stream; 0 = none */
	uint32_t source_type;
	uint32_t devices; /* bits, those that may be used: PORTAL_POINTER and so on */
	char mapping[64];
};

enum { PORTAL_KEYBOARD = 1, PORTAL_POINTER = 2, PORTAL_TOUCH = 4 };

/* Errors: PF_E_BAD_PACKET. */
int portal_read_answer(struct portal_answer *out, struct sd_bus_message *m) PF_MUST_CHECK;

/* What a person allowed is remembered in dir: one file an output, mode 0600. Empty where there is none to trust. */
void portal_token_load(char out[static PORTAL_TOKEN_LEN], const char *dir, unsigned slot);
/* An empty token removes it: each is good once. Failures are a line in the log. */
void portal_token_store(const char *dir, unsigned slot, const char *token);

#endif
