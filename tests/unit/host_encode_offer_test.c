/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/encode/encoder.h"
#include "host/encode/offer.h"
#include "tests/x265_leaks.h"

enum { H264 = PF_CODEC_H264, HEVC = PF_CODEC_HEVC, AV1 = PF_CODEC_AV1 };

static void wishes_are_words_or_lists(void **state)
{
	static const char *const good[] = {
		"auto", "all", "h264", "hevc", "av1", "h264,hevc", "av1,h264,hevc", "h264,h264"};
	static const char *const bad[] = {"", ",", "h264,", ",h264", "h264,,av1", "h265", "H264",
		"h264 ,av1", "h264,auto", "all,", "h26", "h2644"};
	struct encoder_offer o;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(encoder_wish_known(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(encoder_wish_known(bad[i]));
		assert_int_equal(encoder_offer(&o, "null", bad[i]), PF_E_INVALID);
		assert_int_equal(o.codecs | o.spare, 0);
	}
}

static void a_cheap_encoder_offers_all_that_is_wished(void **state)
{
	struct encoder_offer o;
	assert_int_equal(encoder_offer(&o, "null", "auto"), PF_OK);
	assert_int_equal(o.codecs, H264 | HEVC | AV1);
	assert_int_equal(o.spare, 0);
	assert_int_equal(encoder_offer(&o, "null", "av1,h264"), PF_OK);
	assert_int_equal(o.codecs, H264 | AV1);
	assert_int_equal(encoder_offer(&o, "nvenc", "auto"), PF_E_UNSUPPORTED);
	assert_int_equal(o.codecs | o.spare, 0);
}

static void dear_codecs_wait_until_named(void **state)
{
	struct encoder_offer o;
	uint8_t all = encoder_codecs(NULL), dear = encoder_costly(NULL);
	if (!(all & H264)) /* built without x264: nothing is dear then */
		return;
	assert_int_equal(encoder_offer(&o, "auto", "auto"), PF_OK);
	assert_int_equal(o.codecs, all & ~dear);
	assert_int_equal(o.spare, dear);
	assert_int_equal(encoder_offer(&o, "auto", "all"), PF_OK);
	assert_true(o.codecs & H264); /* the others as the machine is */
	assert_int_equal(o.spare, 0);
	if (dear) {
		assert_int_equal(encoder_offer(&o, "auto", "hevc,av1"), PF_OK);
		assert_int_equal(o.codecs, dear);
		assert_int_equal(encoder_offer(&o, "avcodec", "auto"), PF_OK);
		assert_int_equal(o.codecs, dear); /* nothing else is there */
		assert_int_equal(o.spare, 0);
	}
	assert_int_equal(encoder_offer(&o, "x264", "hevc"), PF_E_UNSUPPORTED);
}

static void a_spare_codec_is_the_last_resort(void **state)
{
	const struct encoder_offer soft = {.codecs = H264, .spare = HEVC | AV1},
				   all = {.codecs = H264 | HEVC | AV1};
	assert_int_equal(encoder_offer_choose(&soft, H264 | HEVC | AV1, 0), H264);
	assert_int_equal(encoder_offer_choose(&soft, H264 | HEVC, HEVC), H264);
	assert_int_equal(encoder_offer_choose(&soft, HEVC, 0), HEVC);
	assert_int_equal(encoder_offer_choose(&soft, HEVC | AV1, 0), HEVC);
	assert_int_equal(encoder_offer_choose(&soft, HEVC | AV1, AV1), AV1);
	assert_int_equal(encoder_offer_choose(&soft, PF_CODEC_PYROWAVE, PF_CODEC_PYROWAVE), 0);
	assert_int_equal(encoder_offer_choose(&all, H264 | HEVC | AV1, 0), HEVC);
	assert_int_equal(encoder_offer_choose(&all, H264 | AV1, 0), AV1);
	assert_int_equal(encoder_offer_choose(&all, H264 | HEVC | AV1, H264), H264);
	assert_int_equal(encoder_offer_choose(&all, H264, HEVC), H264);
	assert_int_equal(encoder_offer_choose(&all, 0, HEVC), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(wishes_are_words_or_lists),
		cmocka_unit_test(a_cheap_encoder_offers_all_that_is_wished),
		cmocka_unit_test(dear_codecs_wait_until_named),
		cmocka_unit_test(a_spare_codec_is_the_last_resort),
	};
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
