/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>
#include <unistd.h>

#include "host/audio/source.h"
#include "host/media/clock.h"
#include "tests/support/tones.h"

#define WAIT_NS 10000000000ull

static const struct audio_source_params good = {
	.channels = 6, .id = "client-1", .label = "A client"};

/* The ring's own content, as the listener's timing is not what is looked at. */
static void each_channel_has_its_tone(void **state)
{
	(void)state;
	static float pcm[4800 * AUDIO_MAX_CHANNELS];
	struct audio_source *s;
	struct audio_source_params params = good;
	params.channels = 8;
	assert_int_equal(audio_source_create(&s, "tone", &params), 0);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (atomic_load(&s->pace.head) < 4800) {
		assert_true(clock_now_ns() < until);
		usleep(1000);
	}
	memcpy(pcm, s->pace.ring, sizeof(pcm));
	for (unsigned ch = 0; ch < 8; ch++) {
		assert_true(tone_amplitude(pcm, 8, ch, 4800, audio_tone_hz(ch)) > 0.2);
		for (unsigned other = 0; other < 8; other++)
			if (other != ch)
				assert_true(tone_amplitude(pcm, 8, ch, 4800, audio_tone_hz(other)) <
					0.05);
	}
	audio_source_destroy(s);
	assert_int_equal(audio_tone_hz(AUDIO_MAX_CHANNELS), 0);
}

static void a_listener_hears_it(void **state)
{
	(void)state;
	struct audio_source *s;
	float out[480 * 6];
	assert_int_equal(audio_source_create(&s, "tone", &good), 0);
	assert_int_equal(audio_source_channels(s), 6);
	audio_source_begin(s, 480);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!audio_source_read(s, out, clock_now_ns())) {
		assert_true(clock_now_ns() < until);
		usleep(10000);
	}
	assert_true(audio_source_delay_ns(s) < 200000000);
	struct audio_env env;
	audio_source_env(s, &env);
	assert_int_equal(env.n, 0);
	audio_source_destroy(s);
}

static void off_is_silence(void **state)
{
	(void)state;
	struct audio_source *s;
	float out[240 * 6];
	assert_int_equal(audio_source_create(&s, "off", &good), 0);
	audio_source_begin(s, 240);
	for (unsigned k = 0; k < 10; k++) {
		memset(out, 1, sizeof(out));
		assert_false(audio_source_read(s, out, k * 5000000));
		for (size_t i = 0; i < 240 * 6; i++)
			assert_true(out[i] == 0);
	}
	audio_source_destroy(s);
}

/* Whatever the build has: it starts, it does not beep, and it ends at once. */
static void auto_is_quiet_without_a_daemon(void **state)
{
	(void)state;
	struct audio_source *s;
	struct audio_source_params params = good;
	float out[240 * 6];
	params.remote = "/nonexistent/socket";
	for (unsigned k = 0; k < 3; k++) {
		assert_int_equal(audio_source_create(&s, k ? "auto" : NULL, &params), 0);
		assert_string_not_equal(s->impl->name, "tone");
		audio_source_begin(s, 240);
		assert_false(audio_source_read(s, out, clock_now_ns()));
		usleep(k * 30000);
		uint64_t start_ns = clock_now_ns();
		audio_source_destroy(s);
		assert_true(clock_now_ns() - start_ns < 2000000000);
	}
}

static void bad_parameters_are_refused(void **state)
{
	(void)state;
	static const char *const ids[] = {"", "A", "a b", "a=b", "a\nb", "../x", NULL,
		"0123456789012345678901234567890123456789012345678901234567890123"};
	struct audio_source *s;
	assert_int_equal(audio_source_create(&s, "pulse", &good), PF_E_UNSUPPORTED);
	assert_null(s);
	for (unsigned n = 0; n < 12; n++) {
		struct audio_source_params params = good;
		params.channels = n;
		if (n == 2 || n == 6 || n == 8)
			continue;
		assert_int_equal(audio_source_create(&s, "tone", &params), PF_E_INVALID);
	}
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct audio_source_params params = good;
		params.id = ids[i];
		assert_int_equal(audio_source_create(&s, "off", &params), PF_E_INVALID);
	}
	assert_true(audio_source_known("auto") && audio_source_known("off"));
	assert_false(audio_source_known("alsa"));
	audio_source_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_channel_has_its_tone),
		cmocka_unit_test(a_listener_hears_it),
		cmocka_unit_test(off_is_silence),
		cmocka_unit_test(auto_is_quiet_without_a_daemon),
		cmocka_unit_test(bad_parameters_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
