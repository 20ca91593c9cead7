/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_ENCODE_OFFER_H
#define HOST_ENCODE_OFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/* The codecs that clients are offered, as bits of enum pf_codec. */
struct encoder_offer {
	uint8_t codecs; /* each opened and encoded when the host started */
	uint8_t spare;	/* beside them, untried: for a client that can decode none of the above */
};

/* A picture of 1280x720 takes at most so long, or the machine does not keep up with this codec. */
#define OFFER_PICTURE_NS (1000000000u / 30)

/*
 * What --codecs may be: "auto" (what costs little; what is costly is spare, as latency counts most), "all" (costly
 * ones as well, where a timed try says that the machine keeps up) or names with commas between them, of h264, hevc
 * and av1 (these, however slow).
 */
bool encoder_wish_known(const char *wish);

/*
 * Tries what the named encoder (as in encoder_create()) can make, and says what came of it in one line of the log.
 * Takes some tenths of a second for "all". Errors: PF_E_INVALID (encoder_wish_known() says no), PF_E_UNSUPPORTED
 * (nothing opens that could be offered; one sentence went to the log).
 */
int encoder_offer(struct encoder_offer *out, const char *name, const char *wish) PF_MUST_CHECK;

/* Of what both can: preferred (one bit or 0), else in the wire's order of choice; 0 = nothing. */
uint8_t encoder_offer_choose(
	const struct encoder_offer *offer, uint8_t client_codecs, uint8_t preferred);

#endif
