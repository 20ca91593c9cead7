/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_SWAY_UNDO_H
#define HOST_VDISPLAY_SWAY_UNDO_H

#include "core/base/error.h"

struct undo_record;

/* struct vdisplay_impl's undo. */
int sway_undo(const struct undo_record *r) PF_MUST_CHECK;

#endif
