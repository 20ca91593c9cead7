/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_AUTO_H
#define HOST_VDISPLAY_AUTO_H

#include <stdbool.h>

struct vdisplay_impl;

/*
 * How auto orders what it found: the highest first, of equals the one that the registry has first; 0 = not usable.
 * found: what probe() said; hint: detect_rank(). own: as a session that we start.
 */
unsigned auto_rank(const struct vdisplay_impl *impl, bool own, int found, unsigned hint);

#endif
