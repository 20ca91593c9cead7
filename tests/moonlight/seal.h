/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_SEAL_H
#define TESTS_MOONLIGHT_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * AES-128-GCM as RTSP and control use it: the sequence in little endian, six zeros, the side ('C' or 'H') and the
 * plane ('R' or 'C'). tag is written when sealing and read when opening; in and out may be the same. False: it does
 * not verify.
 */
bool moon_seal(bool seal, const uint8_t key[static 16], uint32_t seq, char side, char plane,
	const uint8_t *in, size_t len, uint8_t *out, uint8_t tag[static 16]);

#endif
