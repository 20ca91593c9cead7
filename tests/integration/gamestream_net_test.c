/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A real host on one machine and the Moonlight side of the protocol on another, with a network between them that
 * loses pictures' datagrams itself: what the other tests only leave out in the receiver. Needs root and iproute2.
 */
#include "tests/integration/gamestream_rig.h"
#include "tests/support/lossy_hop.h"
#include "tests/support/sites.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOWNESS   (TEST_SLOW ? 10 : 1)
#define HEAL_NS	   100000000ull
#define STREAM_MS  5000
#define FPS	   60
#define PERCENT	   2
#define VIDEO_PORT 9 /* above the base */
#define CABLE_A	   "10.77.0.1"

static struct rig rig;
static struct lossy_hop hop;

static void tell(const struct moon_session *s)
{
	const struct moon_video_stats *v = moon_video_stats(s->video);
	print_message("# so far the network lost %llu datagrams and passed %llu; %llu frames "
		      "whole, %llu lost, "
		      "%llu dropped, %llu shards rebuilt; %llu heals of at most %.0f ms; first "
		      "picture after %.0f ms\n",
		(unsigned long long)atomic_load(&hop.lost),
		(unsigned long long)atomic_load(&hop.passed), (unsigned long long)v->frames,
		(unsigned long long)v->lost, (unsigned long long)v->dropped,
		(unsigned long long)moon_video_received(s->video)->rebuilt,
		(unsigned long long)v->heals, (double)v->heal_max_ns / 1e6,
		moon_session_start_ms(s));
}

static void a_network_with_loss_is_hardly_seen(void **state)
{
	struct device bob;
	(void)state;
	device_make(&bob, NULL);
	assert_true(rig_pair(&rig, &bob, "bob")); /* over the network, too */
	struct moon_session s = rig_session(&rig, &bob);
	s.wish.width = 1280;
	s.wish.height = 720;
	s.wish.bitrate_kbps = 20000;
	s.wish.encrypt_video = true;
	lossy_hop_lose(&hop, (uint16_t)(rig.host.base + VIDEO_PORT), PERCENT);
	rig_launch(&s);
	assert_non_null(strstr(rig.host.body, "://" LOSSY_HOP_A ":"));
	assert_int_equal(s.streams.video_port, rig.host.base + VIDEO_PORT);
	const uint64_t before = moon_video_stats(s.video)->frames;
	moon_session_run(&s, STREAM_MS);
	tell(&s);
	const struct moon_video_stats *v = moon_video_stats(s.video);
	const unsigned long long lost = atomic_load(&hop.lost),
				 all = lost + atomic_load(&hop.passed);
	assert_true(lost * 100 > all && lost * 100 < all * 2 * PERCENT);
	assert_true(moon_video_received(s.video)->rebuilt > 0);
	assert_int_equal(v->withheld, 0);
	assert_int_equal(moon_video_received(s.video)->bad, 0);
	assert_int_equal(v->broken, 0);
	assert_true((v->frames - before) * 1000 * SLOWNESS > STREAM_MS * FPS * 9 / 10);
	assert_true(v->lost * 1000 <= (v->frames + v->lost) * 5);
	assert_true(v->heal_max_ns < HEAL_NS * SLOWNESS);
	assert_int_equal(moon_audio_stats(s.audio)->bad, 0);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
	device_free(&bob);
}

/* By these a client finds the host again, and wakes it. */
static void addresses_are_those_that_were_reached(void **state)
{
	static const char *const show[] = {"ip", "-o", "link", "show", "cable-a", NULL};
	char https[16], http[16], mac[32], card[1024];
	(void)state;
	rig.host.address = CABLE_A;
	const struct http_get open = moon_plain(&rig.host), known = moon_tls(&rig.host, &rig.alice);
	snprintf(https, sizeof(https), "%d", rig.host.base - 5);
	snprintf(http, sizeof(http), "%d", rig.host.base);
	assert_int_equal(moon_ask(&rig.host, &open, "/serverinfo?" MOON_UNIQUEID, NULL), 200);
	assert_true(moon_is(&rig.host, "LocalIP", CABLE_A));
	assert_true(moon_is(&rig.host, "HttpsPort", https));
	assert_true(moon_is(&rig.host, "ExternalPort", http));
	assert_true(moon_is(&rig.host, "mac", "00:00:00:00:00:00")); /* strangers wake nobody */
	assert_int_equal(moon_ask(&rig.host, &known, "/serverinfo?" MOON_UNIQUEID, NULL), 200);
	assert_true(moon_is(&rig.host, "LocalIP", CABLE_A));
	assert_true(moon_element(&rig.host, mac, sizeof(mac), "mac"));
	assert_int_equal(strlen(mac), 17);
	assert_int_equal(sites_run(SITE_A, show, card, sizeof(card)), 0);
	assert_non_null(strstr(card, mac));
	rig.host.address = LOSSY_HOP_A;
}

/* More than parity mends, now and then. */
static void what_parity_does_not_mend_heals(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	s.wish.width = 1280;
	s.wish.height = 720;
	s.wish.bitrate_kbps = 20000;
	lossy_hop_lose(&hop, 0, 0);
	rig_launch(&s);
	for (int i = 0; i < 8; i++) {
		lossy_hop_lose(&hop, s.streams.video_port, 100);
		moon_session_run(&s, 40); /* two frames and more */
		lossy_hop_lose(&hop, 0, 0);
		moon_session_run(&s, 250 * SLOWNESS);
	}
	tell(&s);
	const struct moon_video_stats *v = moon_video_stats(s.video);
	assert_true(v->lost > 0 && v->heals > 0 && s.invalidations > 0);
	assert_int_equal(v->broken, 0);
	assert_int_equal(moon_video_received(s.video)->bad, 0);
	assert_true(v->heal_max_ns < HEAL_NS * SLOWNESS);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

/* The host starts where the calling thread is. */
static int setup(void **state)
{
	static const char *const args[] = {"--fec-percent", "20", "--bind", "0.0.0.0", NULL};
	(void)state;
	if (sites_enter(SITE_A) < 0)
		return -1;
	int err = rig_start(&rig, args);
	if (sites_enter(SITE_B) < 0)
		return -1;
	rig.host.address = LOSSY_HOP_A;
	return err;
}

static int teardown(void **state)
{
	(void)state;
	return rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_those_that_were_reached),
		cmocka_unit_test(a_network_with_loss_is_hardly_seen),
		cmocka_unit_test(what_parity_does_not_mend_heals),
	};
	int code = sites_open();
	if (code == 0) {
		code = lossy_hop_start(&hop);
		if (code == 0)
			code = cmocka_run_group_tests(tests, setup, teardown);
		lossy_hop_stop(&hop);
	}
	sites_close();
	return code;
}
