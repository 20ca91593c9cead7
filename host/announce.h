/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_ANNOUNCE_H
#define HOST_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/txt.h"
#include "net/udp.h"

struct announce;
struct config;

/*
 * Says on the network that there is a host (wire 1, net/discovery.h), so that people need not type its address.
 * A host goes on without. Thread: the control loop.
 */

/*
 * local: where the host listens; fp: SHA-256 of its certificate. NULL in *out, after a line in the log, where there
 * is nothing to announce: --no-discovery, a host for this machine only, a build without Avahi.
 * Errors: PF_E_NOMEM.
 */
int announce_create(struct announce **out, const struct config *config, const union udp_addr *local,
	const uint8_t fp[static PF_TXT_FP_LEN], bool pairing_required) PF_MUST_CHECK;
void announce_destroy(struct announce *a); /* takes NULL */
/* The same for Moonlight clients: _nvstream._tcp with the port of GameStream's HTTP. */
int announce_create_gamestream(
	struct announce **out, const struct config *config, uint16_t port) PF_MUST_CHECK;
/* Takes NULL. Not for GameStream's. */
void announce_set_pairing(struct announce *a, bool required);

/* What people see this host as: --name, else the name of the machine. */
void announce_host_name(char *out, size_t cap, const struct config *config);

/* What os-release(5) says, as TXT `os`: linux, the first family, the distribution. */
void announce_read_os(struct pf_txt *txt, const char *os_release, size_t len);

#endif
