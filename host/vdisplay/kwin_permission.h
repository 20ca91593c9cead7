/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_KWIN_PERMISSION_H
#define HOST_VDISPLAY_KWIN_PERMISSION_H

#include <stddef.h>

/*
 * Why KWin hides its interfaces from this program, as far as its .desktop file tells, and what to do: the end of a
 * sentence, without a full stop. Looks where KWin looks ($XDG_DATA_HOME, $XDG_DATA_DIRS), as this environment has it.
 */
void kwin_permission_explain(char *out, size_t cap);

#endif
