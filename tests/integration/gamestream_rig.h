/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_INTEGRATION_GAMESTREAM_RIG_H
#define TESTS_INTEGRATION_GAMESTREAM_RIG_H

#include "host/gamestream/identity.h"
#include "tests/moonlight/session.h"

/* A real host with GameStream, and a paired device; PUNKTFUNK_HOST names the program. */

struct rig {
	struct moon_host host;
	struct gs_identity *identity; /* the host's */
	struct device alice;	      /* paired */
};

/* args: more of the host's, NULL-ended, at most 16. 0, or -1 after a line on stderr. */
int rig_start(struct rig *r, const char *const *args);
/* 0: the host ended well. */
int rig_end(struct rig *r);
/* Pairs one more. */
bool rig_pair(struct rig *r, struct device *d, const char *name);
/* A client of 640x480 at 60 Hz that decodes. */
struct moon_session rig_session(struct rig *r, const struct device *d);
/* The same, streaming; asserts. */
void rig_launch(struct moon_session *s);

/* What the host holds: to be compared after as many clients came and went. */
struct rig_use {
	long rss_kb;
	unsigned fds, threads, children;
};
struct rig_use rig_use(const struct rig *r);
/* Waits until nothing but memory is more than it was; false: it stays. */
bool rig_settles(const struct rig *r, const struct rig_use *was, int timeout_ms);

#endif
