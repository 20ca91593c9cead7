/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_SESSION_PACED_H
#define HOST_SESSION_PACED_H

#include <stdint.h>

#include "core/flow/pacer.h"
#include "core/packet/batch.h"
#include "net/udp.h"

/* How the packets of a frame leave, whatever protocol they are of. Thread: a session's send thread. */

/* A frame that the kernel cannot take in this time is late anyway: the rest of it is dropped and repaired. */
#define PACED_WAIT_MS 4

/* For tests: packets that are left out. init with the percent, the rest zeros */
struct paced_loss {
	uint32_t percent;
	uint64_t state;
};

/*
 * Sends all of the batch as the pacer lets it, and sleeps between. to NULL = the connected peer. Returns how many
 * packets the kernel took. Errors: as udp_send_batch().
 */
int paced_send(struct pf_pacer *pacer, struct udp_socket *s, const union udp_addr *to,
	socklen_t to_len, const struct pf_packet_batch *b) PF_MUST_CHECK;
/* At once, without those that are to be lost; returns how many there were to send. Errors: the same. */
int paced_send_lossy(struct paced_loss *loss, struct udp_socket *s, const union udp_addr *to,
	socklen_t to_len, const struct pf_packet_batch *b) PF_MUST_CHECK;

#endif
