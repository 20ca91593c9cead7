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
/* Is it printable ASCII, blanks included? */
bool pf_text_printable(const uint8_t *p, size_t len);

/*
 * A peer's text as a terminal or a log may show it: a C string of whole characters in out, cut at cap (at
 * least 1). A question mark stands for each byte that is no UTF-8 and for each character that a terminal
 * would obey: controls, ends of lines, and those that change the direction of the text. Returns its length,
 * never more than len.
 */
size_t pf_text_clean(char *out, size_t cap, const void *text, size_t len);

#endif
