/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/wire/control.h"
#include "core/wire/datagram.h"
#include "core/wire/handshake.h"
#include "tests/integration/viewer.h"
#include "tests/support/host_process.h"

/*
 * What a real host sends beside its pictures: filler for speed tests, timing, gaps, and what it says of them. A
 * client opens every packet. PUNKTFUNK_HOST names the program.
 */

#define MS 1000000ull

static struct host_process host;

static const char *const host_args[] = {
	"--source", "synthetic", "--encoder", "null", "--bitrate", "2000", NULL};

static void ask_probe(struct viewer *v, uint32_t kbps, uint32_t ms)
{
	viewer_say(v, &(struct pf_msg){.type = PF_MSG_PROBE_REQUEST, .probe_request = {kbps, ms}});
}

static void a_speed_test_is_beside_the_video(void **state)
{
	struct viewer v;
	struct pf_msg m;
	(void)state;
	viewer_open(&v, host.port, PF_VCAP_PROBE_SEQ, "", 0);
	unsigned frames = v.n_frames;
	ask_probe(&v, 20000, 400);
	viewer_wait(&v, PF_MSG_PROBE_RESULT, 1, &m);
	viewer_turn_for(&v, 50 * MS);
	/* 20 Mbit/s for 0.4 s; a machine that is busy gets less out of its door, never more. */
	assert_in_range(m.probe_result.bytes, 300000, 1020000);
	assert_in_range(m.probe_result.duration_ms, 400, 2000);
	assert_true(m.probe_result.has_wire);
	assert_int_equal(m.probe_result.packets, v.next_unit);
	assert_int_equal(m.probe_result.wire_packets, v.n_filler);
	assert_int_equal(m.probe_result.dropped, 0);
	assert_true(v.n_frames > frames + 5);
	assert_int_equal(v.n_holes, 0);
	/* The next one goes on in the same numbers. */
	ask_probe(&v, 5000, 100);
	viewer_wait(&v, PF_MSG_PROBE_RESULT, 2, &m);
	viewer_turn_for(&v, 50 * MS);
	assert_int_equal(m.probe_result.bytes > 0, 1);
	assert_true(v.next_unit > m.probe_result.packets);
	viewer_close(&v);
}

static void a_shaped_test_comes_in_groups(void **state)
{
	struct viewer v;
	struct pf_msg m;
	(void)state;
	viewer_open(&v, host.port, PF_VCAP_PROBE_SEQ, "", 0);
	viewer_say(&v,
		&(struct pf_msg){.type = PF_MSG_PROBE_SHAPED,
			.probe_shaped = {8000, 500, 50, 20000, 100000}});
	viewer_wait(&v, PF_MSG_PROBE_RESULT, 1, &m);
	/* 50 groups a second of 20000 bytes, for half a second */
	assert_in_range(m.probe_result.bytes, 200000, 520000);
	assert_int_equal(v.n_holes, 0);
	viewer_close(&v);
}

static void a_speed_test_has_its_bounds(void **state)
{
	struct viewer v;
	struct pf_msg m;
	(void)state;
	viewer_open(&v, host.port, PF_VCAP_PROBE_SEQ, "", 0);
	ask_probe(&v, UINT32_MAX, 200);
	ask_probe(&v, 1000, 200); /* one at a time */
	viewer_wait(&v, PF_MSG_PROBE_RESULT, 1, &m);
	assert_int_equal(m.probe_result.bytes, 0);
	assert_int_equal(m.probe_result.duration_ms, 0);
	viewer_wait(&v, PF_MSG_PROBE_RESULT, 2, &m);
	/* Twice --max-bitrate */
	assert_in_range(
		m.probe_result.bytes, 1, 2ull * 150000 * 125 * m.probe_result.duration_ms / 1000);
	static const uint32_t nothing[][2] = {{0, 100}, {100, 0}, {0, 0}};
	for (size_t i = 0; i < 3; i++) {
		ask_probe(&v, nothing[i][0], nothing[i][1]);
		viewer_wait(&v, PF_MSG_PROBE_RESULT, 3 + i, &m);
		assert_int_equal(m.probe_result.bytes, 0);
	}
	/* All day, and then gone in the middle of it. */
	ask_probe(&v, 10000, UINT32_MAX);
	viewer_turn_for(&v, 100 * MS);
	viewer_close(&v);
	viewer_open(&v, host.port, 0, "", 0);
	ask_probe(&v, 10000, 100); /* no numbers of its own */
	viewer_wait(&v, PF_MSG_PROBE_RESULT, 1, &m);
	assert_int_equal(m.probe_result.bytes, 0);
	assert_int_equal(v.n_filler, 0);
	viewer_close(&v);
}

static void a_client_chooses_how_frames_leave(void **state)
{
	static const uint8_t profiles[] = {
		PF_DELIVERY_SMOOTH, PF_DELIVERY_BURST, PF_DELIVERY_CAPPED};
	struct viewer v;
	struct pf_msg m;
	(void)state;
	viewer_open(&v, host.port, 0, "", 0);
	assert_int_equal(v.welcome.host_caps2 & PF_HCAP2_DELIVERY, PF_HCAP2_DELIVERY);
	viewer_wait(&v, PF_MSG_HOST_FACTS, 1, &m);
	assert_int_equal(m.host_facts.forced_profile, 0xFF);
	for (size_t i = 0; i < sizeof(profiles); i++) {
		viewer_say(&v,
			&(struct pf_msg){.type = PF_MSG_SET_DELIVERY, .set_delivery = profiles[i]});
		viewer_wait(&v, PF_MSG_DELIVERY_CHANGED, i + 1, &m);
		assert_int_equal(m.delivery_changed.profile, profiles[i]);
		assert_false(m.delivery_changed.forced);
		unsigned before = v.n_frames;
		viewer_turn_for(&v, 200 * MS);
		assert_true(v.n_frames > before + 3);
	}
	assert_int_equal(v.n_holes, 0);
	viewer_close(&v);
}

static void an_unknown_program_is_refused_and_the_desktop_shown(void **state)
{
	struct viewer v;
	struct pf_msg m;
	(void)state;
	viewer_open(&v, host.port, 0, "steam:570", 0);
	viewer_wait(&v, PF_MSG_LAUNCH_OUTCOME, 1, &m);
	assert_int_equal(m.launch.kind, PF_LAUNCH_REFUSED);
	assert_true(m.launch.text.len > 10);
	unsigned before = v.n_frames;
	viewer_turn_for(&v, 200 * MS);
	assert_true(v.n_frames > before);
	viewer_close(&v);
	viewer_open(&v, host.port, 0, "", 0);
	viewer_turn_for(&v, 50 * MS);
	assert_int_equal(viewer_count(&v, PF_MSG_LAUNCH_OUTCOME, &m), 0);
	viewer_close(&v);
}

static void frames_tell_how_long_they_took(void **state)
{
	struct viewer v;
	struct pf_host_timing t;
	(void)state;
	viewer_open(&v, host.port, PF_VCAP_HOST_TIMING, "", 0);
	viewer_turn_for(&v, 300 * MS);
	assert_true(v.raw.n_datagrams > 5);
	assert_int_equal(pf_host_timing_read(&t, v.raw.datagram, v.raw.datagram_len), 0);
	assert_true(t.pts_ns <= v.last_pts_ns && t.pts_ns + 500 * MS > v.last_pts_ns);
	assert_true(t.host_us < 5000000);
	uint32_t parts = t.queue_us + t.encode_us + t.pace_us;
	assert_in_range(t.host_us, parts, parts + 3); /* each is rounded down */
	viewer_close(&v);
	viewer_open(&v, host.port, 0, "", 0);
	viewer_turn_for(&v, 100 * MS);
	assert_int_equal(v.raw.n_datagrams, 0);
	viewer_close(&v);
}

static void a_gap_is_told(void **state)
{
	struct viewer v;
	struct pf_msg m;
	(void)state;
	viewer_open(&v, host.port, 0, "", 0);
	size_t before = viewer_count(&v, PF_MSG_PIPELINE_GAP, &m);
	kill(host.pid, SIGSTOP);
	usleep(600000);
	kill(host.pid, SIGCONT);
	viewer_wait(&v, PF_MSG_PIPELINE_GAP, before + 1, &m);
	assert_in_range(m.gap_ms, 500, 5000);
	viewer_close(&v);
}

static int start(void **state)
{
	(void)state;
	return host_process_start(&host, NULL, host_args);
}

static int stop(void **state)
{
	(void)state;
	return host_process_finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_speed_test_is_beside_the_video),
		cmocka_unit_test(a_shaped_test_comes_in_groups),
		cmocka_unit_test(a_speed_test_has_its_bounds),
		cmocka_unit_test(a_client_chooses_how_frames_leave),
		cmocka_unit_test(an_unknown_program_is_refused_and_the_desktop_shown),
		cmocka_unit_test(frames_tell_how_long_they_took),
		cmocka_unit_test(a_gap_is_told),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
