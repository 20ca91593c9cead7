/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include <opus_multistream.h>

#include "host/audio/source.h"
#include "host/media/clock.h"
#include "punktfunk_core.h"
#include "tests/support/host_process.h"
#include "tests/support/tones.h"

/* A client hears what its host plays: the test tone, through Opus and datagrams. PUNKTFUNK_HOST names the program. */

#define WAIT_NS 20000000000ull
#define FRAMES	240u
#define WINDOW	40u /* packets */

static struct punktfunk_connection *connect_to(const struct host_process *h, unsigned channels)
{
	struct punktfunk_connection *c = NULL;
	struct punktfunk_connect_opts o;
	char message[256] = "";
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)h->port;
	o.mode = (struct punktfunk_mode){320, 240, 30};
	o.audio_channels = (uint8_t)channels;
	o.timeout_ms = 5000;
	if (punktfunk_connect_opts(&c, &o, message, sizeof(message)) < 0)
		fail_msg("the host does not serve: %s", message);
	return c;
}

static bool heard(const float *pcm, unsigned channels)
{
	for (unsigned ch = 0; ch < channels; ch++) {
		double a = tone_amplitude(pcm, channels, ch, WINDOW * FRAMES, audio_tone_hz(ch));
		if (a < 0.2 || a > 0.3)
			return false;
	}
	return true;
}

/* A machine that is busy makes gaps: one window without any is enough. */
static void listen_to(struct punktfunk_connection *c, unsigned channels, int streams, int coupled)
{
	static const unsigned char identity[8] = {0, 1, 2, 3, 4, 5, 6, 7};
	static float pcm[WINDOW * FRAMES * AUDIO_MAX_CHANNELS];
	int err;
	OpusMSDecoder *d = opus_multistream_decoder_create(
		48000, (int)channels, streams, coupled, identity, &err);
	assert_non_null(d);
	uint64_t until = clock_now_ns() + WAIT_NS, last_pts = 0;
	unsigned n = 0;
	bool good = false;
	while (!good) {
		struct punktfunk_audio_packet p = {.size = sizeof(p)};
		assert_true(clock_now_ns() < until);
		if (punktfunk_connection_next_audio(c, &p, 100) != PUNKTFUNK_OK)
			continue;
		assert_true(p.pts_ns > last_pts);
		last_pts = p.pts_ns;
		assert_int_equal(opus_multistream_decode_float(d, p.data, (int)p.len,
					 pcm + (size_t)n * FRAMES * channels, FRAMES, 0),
			FRAMES);
		n = (n + 1) % WINDOW;
		good = n == 0 && heard(pcm, channels);
	}
	uint64_t now_ns = clock_realtime_ns();
	assert_true(last_pts < now_ns && now_ns - last_pts < 2000000000);
	opus_multistream_decoder_destroy(d);
}

static void every_channel_is_heard(void **state)
{
	static const unsigned layouts[][3] = {{2, 1, 1}, {6, 4, 2}, {8, 5, 3}};
	static const char *const args[] = {"--source", "synthetic", "--audio", "tone", NULL};
	struct host_process host;
	(void)state;
	assert_int_equal(host_process_start(&host, getenv("PUNKTFUNK_HOST"), args), 0);
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		struct punktfunk_connection *c = connect_to(&host, layouts[i][0]);
		listen_to(c, layouts[i][0], (int)layouts[i][1], (int)layouts[i][2]);
		punktfunk_connection_disconnect_quit(c);
		punktfunk_connection_close(c);
	}
	assert_int_equal(host_process_end(&host), 0);
	host_process_clean(&host);
}

/* Where nothing plays nothing is sent, and pictures flow. */
static void silence_costs_nothing(void **state)
{
	static const char *const sources[] = {"auto", "off"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *const args[] = {"--source", "synthetic", "--audio", sources[i], NULL};
		struct host_process host;
		assert_int_equal(host_process_start(&host, getenv("PUNKTFUNK_HOST"), args), 0);
		struct punktfunk_connection *c = connect_to(&host, 2);
		struct punktfunk_audio_packet p = {.size = sizeof(p)};
		assert_int_equal(punktfunk_connection_next_audio(c, &p, 300), PUNKTFUNK_E_NO_FRAME);
		struct punktfunk_frame f = {.size = sizeof(f)};
		assert_int_equal(punktfunk_connection_next_au(c, &f, 5000), PUNKTFUNK_OK);
		punktfunk_connection_close(c);
		assert_int_equal(host_process_end(&host), 0);
		host_process_clean(&host);
	}
}

static int group_setup(void **state)
{
	(void)state;
	/* Not into the sound of whoever runs the tests. */
	return setenv("PIPEWIRE_REMOTE", "/nonexistent/pipewire", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_channel_is_heard),
		cmocka_unit_test(silence_costs_nothing),
	};
	return cmocka_run_group_tests(tests, group_setup, NULL);
}
