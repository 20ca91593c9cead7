/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/nv/sdp.h"

#include <string.h>

#include "core/packet/nvvideo.h"
#include "tests/test.h"

/* What a stock client sends for 1280x720 at 60, in its order, with its blanks. */
static const char stock[] = "v=0\r\n"
			    "o=android 0 14 IN IPv4 192.0.2.7\r\n"
			    "s=NVIDIA Streaming Client\r\n"
			    "a=x-ml-general.featureFlags:3 \r\n"
			    "a=x-ss-general.encryptionEnabled:5 \r\n"
			    "a=x-ss-video[0].chromaSamplingType:0 \r\n"
			    "a=x-nv-video[0].clientViewportWd:1280 \r\n"
			    "a=x-nv-video[0].clientViewportHt:720 \r\n"
			    "a=x-nv-video[0].maxFPS:60 \r\n"
			    "a=x-nv-video[0].packetSize:1392 \r\n"
			    "a=x-nv-video[0].rateControlMode:4 \r\n"
			    "a=x-nv-video[0].timeoutLengthMs:7000 \r\n"
			    "a=x-nv-video[0].framesWithInvalidRefThreshold:0 \r\n"
			    "a=x-nv-video[0].initialBitrateKbps:8000 \r\n"
			    "a=x-nv-video[0].initialPeakBitrateKbps:8000 \r\n"
			    "a=x-nv-vqos[0].bw.minimumBitrateKbps:8000 \r\n"
			    "a=x-nv-vqos[0].bw.maximumBitrateKbps:8000 \r\n"
			    "a=x-ml-video.configuredBitrateKbps:10000 \r\n"
			    "a=x-nv-vqos[0].fec.enable:1 \r\n"
			    "a=x-nv-vqos[0].videoQualityScoreUpdateTime:5000 \r\n"
			    "a=x-nv-vqos[0].qosTrafficType:5 \r\n"
			    "a=x-nv-aqos.qosTrafficType:0 \r\n"
			    "a=x-nv-general.featureFlags:167 \r\n"
			    "a=x-nv-general.useReliableUdp:13 \r\n"
			    "a=x-nv-vqos[0].fec.minRequiredFecPackets:2 \r\n"
			    "a=x-nv-vqos[0].bllFec.enable:0 \r\n"
			    "a=x-nv-vqos[0].drc.enable:0 \r\n"
			    "a=x-nv-general.enableRecoveryMode:0 \r\n"
			    "a=x-nv-video[0].videoEncoderSlicesPerFrame:4 \r\n"
			    "a=x-nv-clientSupportHevc:1 \r\n"
			    "a=x-nv-vqos[0].bitStreamFormat:1 \r\n"
			    "a=x-nv-video[0].dynamicRangeMode:1 \r\n"
			    "a=x-nv-video[0].maxNumReferenceFrames:1 \r\n"
			    "a=x-nv-video[0].clientRefreshRateX100:5994 \r\n"
			    "a=x-nv-audio.surround.numChannels:6 \r\n"
			    "a=x-nv-audio.surround.channelMask:63 \r\n"
			    "a=x-nv-audio.surround.enable:1 \r\n"
			    "a=x-nv-audio.surround.AudioQuality:1 \r\n"
			    "a=x-nv-aqos.packetDuration:10 \r\n"
			    "a=x-nv-video[0].encoderCscMode:3 \r\n"
			    "t=0 0\r\n"
			    "m=video 47998  \r\n";

/* What cannot be left out. */
static const char least[] = "a=x-nv-video[0].clientViewportWd:1920\n"
			    "a=x-nv-video[0].clientViewportHt:1080\n"
			    "a=x-nv-video[0].maxFPS:30\n"
			    "a=x-nv-video[0].packetSize:1024\n"
			    "a=x-nv-vqos[0].bw.maximumBitrateKbps:5000\n"
			    "a=x-nv-audio.surround.numChannels:2\n";

static int read_exact(struct pf_nv_stream_config *c, const char *body, size_t len, const char **bad)
{
	char *copy = malloc(len ? len : 1);
	assert_non_null(copy);
	memcpy(copy, body, len);
	*bad = NULL;
	int err = pf_nv_announce_read(c, copy, len, bad);
	assert_non_null(*bad);
	free(copy);
	return err;
}

/* least, and these lines after it. */
static int read_with(struct pf_nv_stream_config *c, const char *lines)
{
	char body[2048];
	const char *bad;
	int n = snprintf(body, sizeof(body), "%s%s", least, lines);
	assert_true(n > 0 && (size_t)n < sizeof(body));
	return read_exact(c, body, (size_t)n, &bad);
}

static void test_reads_stock_client(void **state)
{
	(void)state;
	struct pf_nv_stream_config c;
	const char *bad;
	assert_int_equal(read_exact(&c, stock, sizeof(stock) - 1, &bad), PF_OK);
	assert_string_equal(bad, "");
	assert_int_equal(c.width, 1280);
	assert_int_equal(c.height, 720);
	assert_int_equal(c.fps, 60);
	assert_int_equal(c.refresh_x100, 5994);
	assert_int_equal(c.packet_size, 1392);
	assert_int_equal(c.bitrate_kbps, 8000);
	assert_int_equal(c.configured_kbps, 10000);
	assert_int_equal(c.min_parity, 2);
	assert_int_equal(c.slices, 4);
	assert_int_equal(c.codec, PF_NV_HEVC);
	assert_true(c.ten_bit && c.client_hevc && c.full_range && c.high_quality);
	assert_false(c.yuv444 || c.intra_refresh);
	assert_int_equal(c.max_references, 1);
	assert_int_equal(c.csc, PF_NV_BT709);
	assert_int_equal(c.channels, 6);
	assert_int_equal(c.channel_mask, 0x3F);
	assert_int_equal(c.packet_ms, 10);
	assert_true(c.video_qos);
	assert_false(c.audio_qos);
	assert_int_equal(c.nv_features, 167);
	assert_int_equal(c.client_features, 3);
	assert_int_equal(c.encryption, PF_NV_ENCRYPT_CONTROL | PF_NV_ENCRYPT_AUDIO);
	assert_int_equal(c.control_protocol, 13);
}

static void test_defaults(void **state)
{
	(void)state;
	struct pf_nv_stream_config c;
	assert_int_equal(read_with(&c, ""), PF_OK);
	assert_int_equal(c.refresh_x100, 3000);
	assert_int_equal(c.configured_kbps, 0);
	assert_int_equal(c.min_parity, 0);
	assert_int_equal(c.slices, 1);
	assert_int_equal(c.codec, PF_NV_H264);
	assert_int_equal(c.csc, PF_NV_BT601);
	assert_int_equal(c.channel_mask, 3);
	assert_int_equal(c.packet_ms, 5);
	assert_int_equal(c.nv_features, 135);
	assert_int_equal(c.client_features, 0);
	assert_int_equal(c.encryption, 0);
	assert_int_equal(c.control_protocol, 1);
	assert_true(c.video_qos && c.audio_qos);
	assert_false(c.ten_bit || c.yuv444 || c.full_range || c.high_quality || c.client_hevc);
}

static void test_each_required_is_missed(void **state)
{
	(void)state;
	char body[sizeof(least)];
	struct pf_nv_stream_config c;
	for (const char *line = least; *line;) {
		const char *next = strchr(line, '\n') + 1, *bad;
		size_t before = (size_t)(line - least), after = strlen(next);
		memcpy(body, least, before);
		memcpy(body + before, next, after);
		assert_int_equal(read_exact(&c, body, before + after, &bad), PF_E_BAD_PACKET);
		assert_int_equal(strncmp(bad, line + 2, strlen(bad)), 0);
		line = next;
	}
	const char *bad;
	assert_int_equal(read_exact(&c, "", 0, &bad), PF_E_BAD_PACKET);
	assert_int_equal(pf_nv_announce_read(&c, NULL, 0, &bad), PF_E_BAD_PACKET);
}

/* However it is cut, it is good or says what is wrong, and reads nothing behind its end. */
static void test_every_truncation(void **state)
{
	(void)state;
	struct pf_nv_stream_config c;
	const char *bad;
	size_t good = 0;
	for (size_t n = 0; n < sizeof(stock) - 1; n++) {
		int err = read_exact(&c, stock, n, &bad);
		assert_true(err == PF_OK || err == PF_E_BAD_PACKET);
		good += err == PF_OK;
	}
	assert_true(good > 100); /* after the last that is required */
}

static void test_brings_into_range(void **state)
{
	(void)state;
	struct pf_nv_stream_config c;
	assert_int_equal(read_with(&c,
				 "a=x-nv-vqos[0].bw.maximumBitrateKbps:99999999999999999999999\n"
				 "a=x-ml-video.configuredBitrateKbps:1\n"
				 "a=x-nv-vqos[0].fec.minRequiredFecPackets:1000\n"
				 "a=x-nv-video[0].videoEncoderSlicesPerFrame:0\n"
				 "a=x-nv-video[0].maxNumReferenceFrames:-3\n"
				 "a=x-nv-video[0].encoderCscMode:77\n"
				 "a=x-nv-video[0].dynamicRangeMode:2\n"
				 "a=x-nv-audio.surround.channelMask:4294967297\n"
				 "a=x-nv-video[0].clientRefreshRateX100:2900\n"),
		PF_OK);
	assert_int_equal(c.bitrate_kbps, PF_NV_BITRATE_MAX);
	assert_int_equal(c.configured_kbps, PF_NV_BITRATE_MIN);
	assert_int_equal(c.min_parity, PF_NV_PARITY_MAX);
	assert_int_equal(c.slices, 1);
	assert_int_equal(c.max_references, 0);
	assert_int_equal(c.csc, PF_NV_BT2020);
	assert_true(c.ten_bit);
	assert_int_equal(c.channel_mask, 3); /* as many speakers as channels */
	assert_int_equal(c.refresh_x100, 3000);
	assert_int_equal(read_with(&c,
				 "a=x-nv-vqos[0].bw.maximumBitrateKbps:-1\n"
				 "a=x-nv-video[0].videoEncoderSlicesPerFrame:200\n"
				 "a=x-nv-video[0].maxNumReferenceFrames:200\n"
				 "a=x-nv-video[0].clientRefreshRateX100:3030\n"),
		PF_OK);
	assert_int_equal(c.bitrate_kbps, PF_NV_BITRATE_MIN);
	assert_int_equal(c.slices, PF_NV_SLICES_MAX);
	assert_int_equal(c.max_references, PF_NV_REFERENCES_MAX);
	assert_int_equal(c.refresh_x100, 3030);
}

static void test_refuses_what_clients_go_by(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"a=x-nv-video[0].clientViewportWd:0\n",
		"a=x-nv-video[0].clientViewportWd:-1280\n",
		"a=x-nv-video[0].clientViewportWd:8193\n",
		"a=x-nv-video[0].clientViewportHt:4294968016\n",
		"a=x-nv-video[0].clientViewportHt:63\n",
		"a=x-nv-video[0].maxFPS:0\n",
		"a=x-nv-video[0].maxFPS:1001\n",
		"a=x-nv-video[0].packetSize:255\n",
		"a=x-nv-video[0].packetSize:1000\n",
		"a=x-nv-video[0].packetSize:8944\n",
		"a=x-nv-video[0].packetSize:18446744073709551872\n",
		"a=x-nv-vqos[0].bitStreamFormat:3\n",
		"a=x-nv-vqos[0].bitStreamFormat:-1\n",
		"a=x-ss-video[0].chromaSamplingType:2\n",
		"a=x-nv-audio.surround.numChannels:1\n",
		"a=x-nv-audio.surround.numChannels:3\n",
		"a=x-nv-audio.surround.numChannels:9\n",
		"a=x-nv-aqos.packetDuration:7\n",
		"a=x-nv-aqos.packetDuration:20\n",
		"a=x-ss-general.encryptionEnabled:8\n",
		"a=x-nv-general.featureFlags:-1\n",
		"a=x-nv-general.useReliableUdp:256\n",
		"a=x-nv-video[0].maxFPS:\n",
		"a=x-nv-video[0].maxFPS:-\n",
		"a=x-nv-video[0].maxFPS:sixty\n",
		"a=x-nv-video[0].maxFPS:60fps\n",
		"a=x-nv-video[0].maxFPS:6 0\n",
		"a=x-nv-video[0].maxFPS:0x3c\n",
		"a=x-nv-video[0].maxFPS: :60\n",
	};
	struct pf_nv_stream_config c;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(read_with(&c, bad[i]), PF_E_BAD_PACKET);
}

static void test_passes_over(void **state)
{
	(void)state;
	struct pf_nv_stream_config c;
	assert_int_equal(read_with(&c,
				 "a=x-nv-video[1].clientViewportWd:1\n"
				 "a=x-nv-video[0].clientViewportW:1\n"
				 "a=x-nv-video[0].clientViewportWdd:1\n"
				 "a=x-nv-video[0].maxFPS\n"
				 "b=x-nv-video[0].maxFPS:1\n"
				 " a=x-nv-video[0].maxFPS:1\n"
				 "a=:5\na=\na\n\r\n\n   \n"
				 "a=x-nv-audio.surround.AudioQuality: 1"),
		PF_OK);
	assert_int_equal(c.width, 1920);
	assert_int_equal(c.fps, 30);
	assert_true(c.high_quality);
	/* The last one counts. */
	assert_int_equal(read_with(&c, "a=x-nv-video[0].maxFPS:90\r\n"), PF_OK);
	assert_int_equal(c.fps, 90);
}

static void test_too_many_lines(void **state)
{
	(void)state;
	struct pf_nv_stream_config c;
	static char body[8192];
	const char *bad;
	size_t n = sizeof(least) - 1;
	memcpy(body, least, n);
	memset(body + n, '\n', PF_NV_BODY_LINES_MAX);
	assert_int_equal(read_exact(&c, body, n + PF_NV_BODY_LINES_MAX - 6, &bad), PF_OK);
	assert_int_equal(read_exact(&c, body, n + PF_NV_BODY_LINES_MAX - 5, &bad), PF_E_BAD_PACKET);
}

static void test_packetizer_takes_every_size(void **state)
{
	(void)state;
	assert_true(PF_NV_PACKET_SIZE_MIN >= PF_NVVIDEO_MIN_PACKET_SIZE);
	assert_true(PF_NV_PACKET_SIZE_MAX <= PF_NVVIDEO_MAX_PACKET_SIZE);
	assert_int_equal(PF_NV_PACKET_SIZE_MAX % 16, 0);
}

static int count(const char *body, const char *text)
{
	int n = 0;
	for (const char *p = body; (p = strstr(p, text)); p++)
		n++;
	return n;
}

static void test_describes_all(void **state)
{
	(void)state;
	char body[PF_NV_DESCRIBE_MAX + 1];
	const struct pf_nv_capabilities can = {.hevc = true,
		.av1 = true,
		.invalidation = true,
		.max_channels = 8,
		.features = 3,
		.encryption_supported = 7,
		.encryption_requested = 6};
	int n = pf_nv_describe_write(body, PF_NV_DESCRIBE_MAX, &can);
	assert_true(n > 0);
	body[n] = 0;
	assert_int_equal(strlen(body), n);
	assert_non_null(strstr(body, "\r\na=x-ss-general.featureFlags:3\r\n"));
	assert_non_null(strstr(body, "\r\na=x-ss-general.encryptionSupported:7\r\n"));
	assert_non_null(strstr(body, "\r\na=x-ss-general.encryptionRequested:6\r\n"));
	assert_int_equal(count(body, "sprop-parameter-sets=AAAAAU"), 1);
	assert_int_equal(count(body, "AV1/90000"), 1);
	assert_int_equal(count(body, "x-nv-video[0].refPicInvalidation"), 1);
	/* The first of a channel count is the normal quality. */
	assert_int_equal(count(body, "a=fmtp:97 surround-params="), 4);
	const char *six = strstr(body, "a=fmtp:97 surround-params=6");
	const char *eight = strstr(body, "a=fmtp:97 surround-params=8");
	assert_int_equal(strncmp(six + 26, "642012453\r\n", 11), 0);
	assert_int_equal(
		strncmp(strstr(six + 26, "surround-params=6") + 16, "660012345\r\n", 11), 0);
	assert_int_equal(strncmp(eight + 26, "85301245673\r\n", 13), 0);
	assert_int_equal(
		strncmp(strstr(eight + 26, "surround-params=8") + 16, "88001234567\r\n", 13), 0);
	for (size_t cap = 0; cap < (size_t)n; cap++)
		assert_int_equal(pf_nv_describe_write(body, cap, &can), PF_E_FULL);
	assert_int_equal(pf_nv_describe_write(body, (size_t)n, &can), n);
}

/* Only the presence of a text counts with clients, so none is there for nothing. */
static void test_describes_least(void **state)
{
	(void)state;
	char body[PF_NV_DESCRIBE_MAX + 1];
	struct pf_nv_capabilities can = {.max_channels = 2};
	int n = pf_nv_describe_write(body, PF_NV_DESCRIBE_MAX, &can);
	assert_true(n > 0);
	body[n] = 0;
	assert_null(strstr(body, "sprop"));
	assert_null(strstr(body, "AV1"));
	assert_null(strstr(body, "refPicInvalidation"));
	assert_null(strstr(body, "surround-params"));
	can.max_channels = 7;
	assert_int_equal(pf_nv_describe_write(body, PF_NV_DESCRIBE_MAX, &can), PF_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_stock_client),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_each_required_is_missed),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_brings_into_range),
		cmocka_unit_test(test_refuses_what_clients_go_by),
		cmocka_unit_test(test_passes_over),
		cmocka_unit_test(test_too_many_lines),
		cmocka_unit_test(test_packetizer_takes_every_size),
		cmocka_unit_test(test_describes_all),
		cmocka_unit_test(test_describes_least),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
