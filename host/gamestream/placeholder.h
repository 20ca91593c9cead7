/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_PLACEHOLDER_H
#define HOST_GAMESTREAM_PLACEHOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * A picture for apps that have none, in memory for free(): a PNG of 600x800, whose colour follows from the app's id.
 * Not of 130x180, 628x888 or 200x266, by which clients know that a host has no picture. Errors: PF_E_NOMEM. Thread:
 * any.
 */
#define PLACEHOLDER_WIDTH  600u
#define PLACEHOLDER_HEIGHT 800u
int placeholder_make(uint8_t **out, size_t *len, uint32_t id) PF_MUST_CHECK;

#endif
