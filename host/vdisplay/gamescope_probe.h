/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_GAMESCOPE_PROBE_H
#define HOST_VDISPLAY_GAMESCOPE_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"

/* Which gamescope is installed, what it can, and what its error messages mean. */

struct gamescope_version {
	int major, minor, patch; /* 0.0.0 = it does not say: before 3.14.18 */
	bool backend_option;	 /* --backend headless: 3.14.18 and later */
	bool headless_option;	 /* --headless: 3.12 to 3.14.17 */
};

/* From what `gamescope --help` prints; anything at all may be in text. */
void gamescope_read_help(struct gamescope_version *v, const char *text, size_t len);
/* Can it run without a screen? */
bool gamescope_is_headless(const struct gamescope_version *v);
/* Before 3.16.22 its thread in PipeWire 1.6 stops the whole daemon now and then. */
bool gamescope_may_hang(const struct gamescope_version *v);
/* "3.16.22", or "of an unknown version"; text of at least 48 bytes. */
void gamescope_version_text(const struct gamescope_version *v, char *text, size_t cap);
/*
 * Runs program --help; within a second, whatever it does. Errors: PF_E_IO (does not start), PF_E_TIMEOUT.
 */
int gamescope_ask(struct gamescope_version *v, const char *program) PF_MUST_CHECK;
/*
 * What a person can do about what it said last, and the line that says it (from..from+len of words); NULL = nothing
 * known.
 */
const char *gamescope_remedy(const char *words, const char **from, size_t *len);

#endif
