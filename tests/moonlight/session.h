/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_SESSION_H
#define TESTS_MOONLIGHT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/moonlight/audio.h"
#include "tests/moonlight/control.h"
#include "tests/moonlight/pairing.h"
#include "tests/moonlight/rtsp_client.h"
#include "tests/moonlight/video.h"

/*
 * A stock client from /launch to its end, in one thread: it does what the person of the device and the program on it
 * would do, and counts what comes. Nothing here asserts.
 */

struct moon_session {
	/* Set before the first launch. */
	struct moon_host *host;
	const struct device *device;
	struct moon_wish wish;
	uint32_t corever; /* 1 = knows encrypted RTSP */
	bool decode;
	unsigned drop_percent, audio_drop_percent;
	bool mute; /* no control pings, see struct moon_control_params */

	/* Known from then on. */
	uint8_t key[16];
	uint32_t key_id;
	int status; /* of the last launch, resume or cancel */
	uint64_t asked_ns;
	struct moon_rtsp rtsp;
	struct moon_streams streams;
	struct moon_control *control; /* NULL = not streaming */
	struct moon_video *video;
	struct moon_audio *audio;
	uint64_t invalidations, idr_requests, reports; /* sent */
};

/* word: "launch" or "resume". Takes a new key. True: status 200, and where RTSP is is known. */
bool moon_session_ask(struct moon_session *s, const char *word, unsigned app);
/* RTSP to PLAY. False: see streams.step. */
bool moon_session_play(struct moon_session *s);
/* Control, video and sound. False: as above. */
bool moon_session_connect(struct moon_session *s);
/* The three above, and up to the first good picture. */
bool moon_session_launch(struct moon_session *s);
bool moon_session_resume(struct moon_session *s);

/* Streams for so long. */
void moon_session_run(struct moon_session *s, int ms);
/* Streams until good says so; false: it did not in time. */
bool moon_session_until(
	struct moon_session *s, bool (*good)(const struct moon_session *s), int timeout_ms);
bool moon_session_has_picture(const struct moon_session *s);
bool moon_session_has_ended(const struct moon_session *s); /* the host closed control */

/* Says goodbye, and stops: the app goes on. */
void moon_session_leave(struct moon_session *s);
/* Just stops, as a machine that lost its power. */
void moon_session_die(struct moon_session *s);
/* /cancel. True: the host says that it is done. */
bool moon_session_cancel(struct moon_session *s);
/* Milliseconds from /launch or /resume to the first good picture (without a decoder: whole frame); -1 = none. */
double moon_session_start_ms(const struct moon_session *s);

#endif
