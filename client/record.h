/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_RECORD_H
#define CLIENT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The stream as an MP4 file, not re-encoded, with the times that the frames had.
 *
 * While it runs the file is fragmented, so that a client which is killed leaves a file that plays up to
 * its last second. record_finish() turns it into an ordinary MP4 (index in front, duration, seekable).
 * Parameter sets stay in the frames (sample entry avc3), so a change of size in mid-stream plays on.
 */

struct record;
struct AVPacket;

/* Creates (empties) the file. Errors: PUNKTFUNK_E_IO (errno says why), PUNKTFUNK_E_NOMEM. */
int record_create(struct record **out, const char *path) __attribute__((warn_unused_result));

/*
 * Appends one access unit (Annex B, reference-counted; the packet's own times are not read). Units before
 * the first keyframe with parameter sets are skipped (returns 0). Times that stand still, run backwards
 * or leap are mended. Errors: PUNKTFUNK_E_IO (errno says why; for good), PUNKTFUNK_E_NOMEM.
 */
int record_write(struct record *r, const struct AVPacket *packet, uint64_t pts_ns, bool keyframe)
	__attribute__((warn_unused_result));

/*
 * Ends the file. Errors: PUNKTFUNK_E_IO (the fragmented file stays, as far as it was written),
 * PUNKTFUNK_E_NO_FRAME (nothing was recorded: the empty file is removed).
 */
int record_finish(struct record *r) __attribute__((warn_unused_result));
/* Frees. Takes NULL. Without record_finish() the fragmented file stays. */
void record_destroy(struct record *r);

#endif
