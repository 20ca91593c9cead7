/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Those who want to be a Moonlight device, disturb one, or misuse being one: a real host, on which somebody plays all
 * the while.
 */
#include "tests/integration/gamestream_rig.h"
#include "tests/moonlight/input.h"
#include "tests/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOWNESS    (TEST_SLOW ? 10 : 1)
#define N_STRANGERS 40
#define N_PINGS	    3000
#define N_MESSAGES  3000
#define N_SLOW	    60
#define SEED	    0x62616421u

static struct rig rig;
static struct moon_session player;
static char record_path[128];

/* Nobody who plays may notice. */
static void still_plays(void)
{
	const struct moon_video_stats *v = moon_video_stats(player.video);
	const uint64_t clean = v->clean, lost = v->lost;
	moon_session_run(&player, 300 * SLOWNESS);
	assert_false(moon_control_ended(player.control));
	assert_true(v->clean > clean + 5);
	assert_int_equal(v->lost, lost);
	assert_int_equal(v->broken, 0);
	assert_int_equal(moon_control_bad(player.control), 0);
	assert_true(host_process_running(&rig.host.process));
}

static size_t count_record(const char *line)
{
	static char text[1 << 16];
	FILE *f = fopen(record_path, "re");
	size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0, n = 0;
	text[len] = '\0';
	if (f)
		fclose(f);
	for (const char *at = text; (at = strstr(at, line)); at += strlen(line))
		n++;
	return n;
}

/* --- without a key --- */

static void strangers_get_no_control_connection(void **state)
{
	struct moon_control *c[N_STRANGERS];
	struct moon_control_params p = {.port = player.streams.control_port};
	(void)state;
	for (unsigned i = 0; i < N_STRANGERS; i++) {
		/* Wrong numbers, none as old clients send, and the right one of a place that is taken. */
		p.connect_data = i % 3 == 0 ? 0
			: i % 3 == 1	    ? player.streams.connect_data + i
					    : player.streams.connect_data;
		p.channels = i % 4 ? 0 : 1;
		c[i] = moon_control_create(&p);
		assert_non_null(c[i]);
	}
	for (int i = 0; i < 50; i++) {
		moon_session_run(&player, 10);
		for (unsigned k = 0; k < N_STRANGERS; k++)
			moon_control_turn(c[k]);
	}
	for (unsigned k = 0; k < N_STRANGERS; k++) {
		assert_false(moon_control_connected(c[k]));
		moon_control_destroy(c[k]);
	}
	still_plays();
}

/* Somebody who read along in RTSP has the number, but not the key: the device itself gets in. */
static void the_number_alone_is_not_enough(void **state)
{
	struct moon_control *c[8];
	(void)state;
	moon_session_leave(&player);
	assert_true(moon_session_ask(&player, "resume", 1) && moon_session_play(&player));
	const struct moon_control_params p = {
		.port = player.streams.control_port, .connect_data = player.streams.connect_data};
	for (unsigned i = 0; i < 8; i++)
		c[i] = moon_control_create(&p);
	for (int i = 0; i < 100; i++)
		for (unsigned k = 0; k < 8; k++)
			moon_control_turn(c[k]);
	assert_true(moon_session_connect(&player));
	assert_true(moon_session_until(&player, moon_session_has_picture, 5000 * SLOWNESS));
	for (int i = 0; i < 100; i++)
		for (unsigned k = 0; k < 8; k++)
			moon_control_turn(c[k]);
	for (unsigned k = 0; k < 8; k++) {
		assert_int_equal(moon_control_count(c[k]), 0);
		moon_control_destroy(c[k]);
	}
	still_plays();
}

/* Pings with other words bring no pictures, and take none away. */
static void other_words_bring_no_pictures(void **state)
{
	uint64_t random = SEED;
	uint8_t junk[64], got[2048];
	const uint16_t ports[] = {player.streams.video_port, player.streams.audio_port};
	struct moon_ping p;
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		assert_true(moon_ping_open(&p, "127.0.0.1", ports[k], "")); /* the letters PING */
		moon_ping_turn(&p);
		const char *words[] = {player.streams.video_ping, player.streams.audio_ping};
		for (unsigned i = 0; i < N_PINGS; i++) {
			for (size_t b = 0; b < sizeof(junk); b++)
				junk[b] = (uint8_t)test_rand(&random);
			if (i % 3 < 2) /* the word of the other plane, or all but the last letter */
				memcpy(junk, words[i % 3 ? !k : k], 16);
			if (i % 3 == 0)
				junk[15] ^= 1;
			ssize_t sent = send(p.fd, junk, i % 3 == 2 ? i % sizeof(junk) : 20, 0);
			(void)sent;
			if (i % 100 == 0)
				moon_session_run(&player, 2);
		}
		still_plays();
		assert_true(recv(p.fd, got, sizeof(got), 0) < 0);
		moon_ping_close(&p);
	}
}

/* Behind a NAT that forgot, the same words come from elsewhere. */
static void the_right_words_are_followed(void **state)
{
	const uint64_t clean = moon_video_stats(player.video)->clean;
	(void)state;
	assert_true(moon_ping_rebind(moon_video_ping(player.video)));
	assert_true(moon_ping_rebind(moon_audio_ping(player.audio)));
	moon_session_run(&player, 500 * SLOWNESS);
	assert_true(moon_video_stats(player.video)->clean > clean);
	still_plays();
}

static void rtsp_garbage_goes_nowhere(void **state)
{
	uint64_t random = SEED;
	uint8_t junk[4096];
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		int fd = moon_rtsp_connect(&player.rtsp);
		assert_true(fd >= 0);
		for (size_t b = 0; b < sizeof(junk); b++)
			junk[b] = (uint8_t)test_rand(&random);
		if (i % 4 == 1) /* sealed, as far as one can see */
			junk[0] |= 0x80;
		if (i % 4 == 2)
			memcpy(junk, "OPTIONS rtsp://x RTSP/1.0\r\nCSeq: 1\r\n", 37);
		if (i % 4 == 3)
			memcpy(junk, "ANNOUNCE x RTSP/1.0\r\nContent-length: 4294967295\r\n\r\n",
				51);
		ssize_t sent = send(fd, junk, 1 + test_rand(&random) % sizeof(junk), MSG_NOSIGNAL);
		(void)sent;
		close(fd);
	}
	/* A whole request of somebody who has another key, and one in clear. */
	for (int sealed = 0; sealed < 2; sealed++) {
		struct moon_rtsp mallory = player.rtsp;
		struct moon_response r;
		memset(mallory.key, 0x55, sizeof(mallory.key));
		mallory.sealed = sealed;
		assert_false(moon_rtsp_ask(&mallory, "DESCRIBE", "rtsp://x", NULL, NULL, &r) &&
			r.status == 200);
		assert_false(
			moon_rtsp_ask(&mallory, "PLAY", "/", NULL, NULL, &r) && r.status == 200);
	}
	still_plays();
}

/* Many who begin and do not go on: those who do are served. */
static void slow_senders_make_room(void **state)
{
	int fds[N_SLOW];
	(void)state;
	for (unsigned i = 0; i < N_SLOW; i++) {
		fds[i] = moon_rtsp_connect(&player.rtsp);
		assert_true(fds[i] >= 0);
		assert_int_equal(send(fds[i], "O", 1, MSG_NOSIGNAL), 1);
	}
	still_plays();
	moon_session_leave(&player);
	assert_true(moon_session_resume(&player));
	for (unsigned i = 0; i < N_SLOW; i++)
		close(fds[i]);
	still_plays();
}

/* --- in the middle, or with a key --- */

static void what_was_sent_once_counts_once(void **state)
{
	struct moon_input in;
	uint8_t packet[MOON_PACKET_MAX];
	(void)state;
	moon_input_move(&in, 111, -111);
	assert_true(moon_input_send(player.control, &in));
	const size_t len = moon_control_last(player.control, packet);
	for (unsigned i = 0; i < 50; i++)
		assert_true(moon_control_raw(
			player.control, packet, len, i % MOON_CHANNELS, MOON_RELIABLE));
	still_plays();
	assert_int_equal(count_record("motion 111 -111 0 0 0\n"), 1);
}

static void what_does_not_open_is_nothing(void **state)
{
	struct moon_input in;
	uint8_t packet[MOON_PACKET_MAX];
	uint64_t random = SEED;
	uint8_t wrong[16];
	(void)state;
	memset(wrong, 0x77, sizeof(wrong));
	moon_input_move(&in, 222, -222);
	for (unsigned i = 0; i < N_MESSAGES / 10; i++) {
		size_t len = moon_control_seal(
			packet, i % 2 ? wrong : player.key, 100000 + i, 0x0206, in.data, in.len);
		if (i % 2 == 0) { /* a bit of it, or its end, is another */
			if (i % 4)
				packet[test_rand(&random) % len] ^= (uint8_t)(1u << i % 8);
			else
				len -= 1 + test_rand(&random) % (len - 1);
		}
		assert_true(moon_control_raw(player.control, packet, len, 0, MOON_RELIABLE));
		if (i % 50 == 0)
			moon_session_run(&player, 5);
	}
	still_plays();
	assert_int_equal(count_record("motion 222 -222 0 0 0\n"), 0);
}

/* Somebody who is paired sends what makes no sense, sealed as it should be. */
static void nonsense_of_the_paired_is_passed_over(void **state)
{
	static const uint16_t types[] = {0x0302, 0x0307, 0x0301, 0x0350, 0x0200, 0x0201, 0x0206,
		0x5502, 0x3000, 0x3001, 0x3002, 0x0109, 0xffff, 0};
	uint64_t random = SEED;
	uint8_t body[200];
	(void)state;
	for (unsigned i = 0; i < N_MESSAGES; i++) {
		const uint16_t type = types[i % (sizeof(types) / sizeof(types[0]))];
		for (size_t b = 0; b < sizeof(body); b++)
			body[b] = (uint8_t)test_rand(&random);
		/* Not keyframes without end: that is asked for, not nonsense. */
		size_t len = type == 0x0302 ? 1 : test_rand(&random) % sizeof(body);
		if (type == 0x0301)
			memset(body + 4, 0xff, 20);
		assert_true(moon_control_send(player.control, type, body, len, i % MOON_CHANNELS,
			i % 3 ? MOON_RELIABLE : MOON_UNSEQUENCED));
		if (i % 50 == 0)
			moon_session_run(&player, 5);
	}
	moon_session_run(&player, 200);
	still_plays();
}

static int setup(void **state)
{
	(void)state;
	if (test_folder(record_path, sizeof(record_path), "punktfunk-attack") < 0)
		return -1;
	rmdir(record_path);
	const char *const args[] = {"--test-input", record_path, NULL};
	if (rig_start(&rig, args) < 0)
		return -1;
	player = rig_session(&rig, &rig.alice);
	return moon_session_launch(&player) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	moon_session_leave(&player);
	int ended = rig_end(&rig);
	unlink(record_path);
	return ended;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_get_no_control_connection),
		cmocka_unit_test(the_number_alone_is_not_enough),
		cmocka_unit_test(other_words_bring_no_pictures),
		cmocka_unit_test(the_right_words_are_followed),
		cmocka_unit_test(rtsp_garbage_goes_nowhere),
		cmocka_unit_test(slow_senders_make_room),
		cmocka_unit_test(what_was_sent_once_counts_once),
		cmocka_unit_test(what_does_not_open_is_nothing),
		cmocka_unit_test(nonsense_of_the_paired_is_passed_over),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
