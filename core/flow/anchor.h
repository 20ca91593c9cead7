/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_ANCHOR_H
#define PF_FLOW_ANCHOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Can this access unit be decoded without the ones before it? H.264 (Annex B): it holds an IDR slice;
 * HEVC (Annex B): an IRAP slice. Looks at NAL headers only and stops at the first slice.
 * codec: one bit of enum pf_codec; false for any other. The bytes are a peer's. Thread: any.
 */
bool pf_anchor_au(uint8_t codec, const uint8_t *au, size_t len);

#endif
