/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/audio/source.h"
#include "host/media/clock.h"
#include "tests/support/pw_daemon.h"
#include "tests/support/tones.h"

/* The sink in a PipeWire daemon of the test's own: what a program plays into it is heard, channel by channel. */

#define WAIT_NS	 20000000000ull
#define SECONDS	 30u /* of sound in the file: longer than any test */
#define CHANNELS 6u
#define WINDOW	 4800u

static struct pw_daemon pw;

static void path_in(char out[static 192], const char *name)
{
	snprintf(out, 192, "%s/%s", pw.dir, name);
}

static void end(pid_t *pid)
{
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
}

static float tone(unsigned ch, uint32_t i)
{
	return 0.25f * sinf(2.0f * (float)M_PI * (float)(i * audio_tone_hz(ch) % 48000) / 48000.0f);
}

/* A second of whole waves, again and again. */
static void write_tones(void)
{
	char path[192];
	static int16_t pcm[48000 * CHANNELS];
	const uint32_t bytes = SECONDS * sizeof(pcm);
	uint8_t head[44] =
		"RIFF....WAVEfmt \x10\0\0\0\x01\0\x06\0\x80\xbb\0\0\0\xca\x08\0\x0c\0\x10\0"
		"data";
	const uint32_t riff = bytes + 36;
	memcpy(head + 4, &riff, 4);
	memcpy(head + 40, &bytes, 4);
	for (uint32_t i = 0; i < 48000; i++)
		for (unsigned ch = 0; ch < CHANNELS; ch++)
			pcm[i * CHANNELS + ch] = (int16_t)(tone(ch, i) * 32767);
	path_in(path, "tones.wav");
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(head, sizeof(head), 1, f), 1);
	for (unsigned k = 0; k < SECONDS; k++)
		assert_int_equal(fwrite(pcm, sizeof(pcm), 1, f), 1);
	assert_int_equal(fclose(f), 0);
}

static pid_t play(void)
{
	char path[192];
	path_in(path, "tones.wav");
	const char *const argv[] = {"pw-cat", "-p", "--target", "0", "--latency", "1024",
		"--channel-map", "FL,FR,FC,LFE,RL,RR", path, NULL};
	return pw_daemon_spawn(argv);
}

/* What a session manager does. */
static bool link_up(const char *id)
{
	static const char *const names[CHANNELS] = {"FL", "FR", "FC", "LFE", "RL", "RR"};
	unsigned n = 0;
	for (unsigned ch = 0; ch < CHANNELS; ch++) {
		char from[64], to[128];
		snprintf(from, sizeof(from), "pw-cat:output_%s", names[ch]);
		snprintf(to, sizeof(to), "%s:playback_%s", id, names[ch]);
		const char *const argv[] = {"timeout", "5", "pw-link", from, to, NULL};
		n += pw_daemon_run(argv) == 0;
	}
	return n > 0;
}

/* Is each tone in its channel, and in no other? */
static bool heard(const float *pcm)
{
	for (unsigned ch = 0; ch < CHANNELS; ch++)
		for (unsigned other = 0; other < CHANNELS; other++) {
			double a = tone_amplitude(pcm, CHANNELS, ch, WINDOW, audio_tone_hz(other));
			if (ch == other ? a < 0.2 || a > 0.3 : a > 0.05)
				return false;
		}
	return true;
}

/* Reads at the packets' pace until the tones were there. A machine that is busy makes gaps: any good window counts. */
static bool listen_for_tones(struct audio_source *s, const char *id)
{
	static float pcm[WINDOW * CHANNELS];
	uint64_t start_ns = clock_now_ns(), due_ns = start_ns;
	bool linked = false, good = false;
	pid_t player = play();
	for (uint32_t n = 0; !good && clock_now_ns() - start_ns < WAIT_NS; n++) {
		if (!linked && n % 100 == 50)
			linked = link_up(id);
		while (clock_now_ns() < due_ns)
			usleep(500);
		due_ns = clock_now_ns() - due_ns > 100000000 ? clock_now_ns() : due_ns + 5000000;
		audio_source_read(s, pcm + n % 20 * 240 * CHANNELS, clock_now_ns());
		good = n % 20 == 19 && heard(pcm);
	}
	end(&player);
	return good;
}

static struct audio_source *make_sink(const char *id)
{
	struct audio_source *s;
	const struct audio_source_params params = {
		.channels = CHANNELS, .id = id, .label = "A \"client\" = {"};
	assert_int_equal(audio_source_create(&s, "pipewire", &params), 0);
	audio_source_begin(s, 240);
	return s;
}

static void what_is_played_is_heard(void **state)
{
	(void)state;
	struct audio_env env;
	struct audio_source *s = make_sink("punktfunk-0000abcd");
	audio_source_env(s, &env);
	assert_int_equal(env.n, 2);
	assert_string_equal(env.vars[0], "PULSE_SINK=punktfunk-0000abcd");
	assert_string_equal(env.vars[1], "PIPEWIRE_NODE=punktfunk-0000abcd");
	assert_true(listen_for_tones(s, "punktfunk-0000abcd"));
	audio_source_destroy(s);
}

static void a_daemon_that_comes_back_is_found(void **state)
{
	(void)state;
	float out[240 * CHANNELS];
	struct audio_source *s = make_sink("punktfunk-1");
	assert_true(listen_for_tones(s, "punktfunk-1"));
	pw_daemon_end(&pw);
	/* Packets go on. */
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (audio_source_read(s, out, clock_now_ns())) {
		assert_true(clock_now_ns() < until);
		usleep(5000);
	}
	assert_int_equal(pw_daemon_start(&pw), 0);
	assert_true(listen_for_tones(s, "punktfunk-1"));
	audio_source_destroy(s);
}

/* 30 sinks come and go, some while they are being made. */
static void sinks_leave_nothing_behind(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 30; k++) {
		struct audio_source *s = make_sink("punktfunk-2");
		usleep(k * 1000);
		audio_source_destroy(s);
	}
	struct audio_source *s = make_sink("punktfunk-2");
	assert_true(listen_for_tones(s, "punktfunk-2"));
	audio_source_destroy(s);
}

static int group_setup(void **state)
{
	(void)state;
	/* The session manager's part: ports of every node. */
	setenv("PIPEWIRE_PROPS",
		"{ adapter.auto-port-config = { mode = dsp position = preserve } }", 1);
	if (pw_daemon_init(&pw, "pipewire") < 0)
		return -1;
	write_tones();
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	return pw_daemon_finish(&pw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_played_is_heard),
		cmocka_unit_test(a_daemon_that_comes_back_is_found),
		cmocka_unit_test(sinks_leave_nothing_behind),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
