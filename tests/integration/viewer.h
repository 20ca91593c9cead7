/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_INTEGRATION_VIEWER_H
#define TESTS_INTEGRATION_VIEWER_H

#include <stddef.h>
#include <stdint.h>

#include "core/crypto/aead.h"
#include "core/wire/control.h"
#include "core/wire/handshake.h"
#include "tests/integration/raw_client.h"

/* A raw client that takes the video too and opens every packet. Every wait is bounded and asserts. */

struct viewer {
	struct raw raw;
	int fd;
	struct pf_welcome welcome;
	struct pf_aead *aead;
	struct pf_sealer open;
	uint64_t last_pts_ns;
	uint32_t next_frame; /* one above the newest picture's number */
	unsigned n_frames, n_holes;
	unsigned n_filler; /* packets */
	uint32_t next_unit;
	size_t shard; /* of the newest packet */
};

/* A session of 640x480 at 60 Hz, up to its first picture. */
void viewer_open(
	struct viewer *v, int port, uint8_t video_caps, const char *launch, uint16_t max_shard);
void viewer_close(struct viewer *v);
void viewer_turn_for(struct viewer *v, uint64_t ns);
void viewer_say(struct viewer *v, const struct pf_msg *m);
/* How many messages of this type came since Welcome; the newest is in *last. */
size_t viewer_count(const struct viewer *v, enum pf_msg_type type, struct pf_msg *last);
/* Waits until there are n. */
void viewer_wait(struct viewer *v, enum pf_msg_type type, size_t n, struct pf_msg *m);

#endif
