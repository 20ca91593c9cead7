/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_HEX_H
#define HOST_GAMESTREAM_HEX_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/* Hex digits as Moonlight clients write them, in either case. Thread: any. */

/* All of text, at most cap bytes of it. Returns how many. Errors: PF_E_BAD_PACKET (NULL text as well). */
int hex_read(uint8_t *out, size_t cap, const char *text) PF_MUST_CHECK;
/* Exactly len bytes. Errors: PF_E_BAD_PACKET. */
int hex_read_exact(uint8_t *out, size_t len, const char *text) PF_MUST_CHECK;
/* out has 2 * len + 1 bytes. */
void hex_write(char *out, const uint8_t *data, size_t len);

#endif
