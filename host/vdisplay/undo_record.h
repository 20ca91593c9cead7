/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_UNDO_RECORD_H
#define HOST_VDISPLAY_UNDO_RECORD_H

#include <stdint.h>

/* When a process started, in ticks since boot; 0 = not known. With the id it names the process for good. */
uint64_t undo_process_started(int pid);

#endif
