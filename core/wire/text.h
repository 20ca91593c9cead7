/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_WIRE_TEXT_H
#define PF_WIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text of a peer: is it UTF-8 (RFC 3629: no overlong form, no surrogate, at most U+10FFFF) without
 * a NUL, so that it can be kept as a C string? Control characters are the printer's matter.
 */
bool pf_text_valid(const uint8_t *p, size_t len);

#endif
