/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Every reader of core/wire but those of datagrams. Input: selector u8 || payload. What a reader accepts must be
 * within the bounds of its header and survive being written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "core/wire/control.h"
#include "core/wire/handshake.h"
#include "core/wire/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[2 + PF_WIRE_MAX_PAYLOAD];

static void fuzz_hello(const uint8_t *data, size_t size)
{
	struct pf_hello a, b;
	if (pf_hello_read(&a, data, size) < 0)
		return;
	pf_check(strlen(a.name) <= PF_NAME_MAX && strlen(a.launch) <= PF_LAUNCH_MAX);
	if (a.version != PF_WIRE_VERSION || !pf_mode_valid(&a.mode))
		return;
	int n = pf_hello_write(out, sizeof out, &a);
	pf_check(n >= 26);
	pf_check(pf_hello_read(&b, out, (size_t)n) == PF_OK);
	pf_check(!strcmp(a.name, b.name) && !strcmp(a.launch, b.launch));
	pf_check(a.has_hdr_volume == b.has_hdr_volume && a.video_fit == b.video_fit &&
		a.audio_rate_hz == b.audio_rate_hz && a.max_shard == b.max_shard);
}

static void fuzz_welcome(const uint8_t *data, size_t size)
{
	struct pf_welcome a, b;
	if (pf_welcome_read(&a, data, size) < 0 || a.version != PF_WIRE_VERSION)
		return;
	pf_check(pf_mode_valid(&a.mode) && a.encrypt <= 1 && a.cipher <= 1);
	pf_check(a.shard_payload % 2 == 0 && a.shard_payload <= PF_SHARD_PAYLOAD_MAX);
	pf_check(a.ext_offset <= size);
	int n = pf_welcome_write(out, sizeof out, &a);
	pf_check(n >= 68);
	pf_check(pf_welcome_read(&b, out, (size_t)n) == PF_OK);
	pf_check(!memcmp(a.aes_key, b.aes_key, sizeof a.aes_key) && a.cipher == b.cipher &&
		!memcmp(a.chacha_key, b.chacha_key, sizeof a.chacha_key) && a.grants == b.grants &&
		a.audio_layout == b.audio_layout);
}

static void fuzz_start(const uint8_t *data, size_t size)
{
	struct pf_start s;
	if (pf_start_read(&s, data, size) == PF_OK)
		pf_check(s.ext_offset == (size > 6 ? 6 : 0));
}

static void on_entry(uint16_t tag, const uint8_t *value, size_t value_len, void *userdata)
{
	size_t *sum = userdata;
	*sum += tag;
	for (size_t i = 0; i < value_len; i++)
		*sum += value[i];
}

static void fuzz_ext(const uint8_t *data, size_t size)
{
	size_t sum = 0;
	struct pf_ext e, again;
	int err = pf_ext_read(data, size, on_entry, &sum);
	pf_check(pf_ext_parse(&e, data, size) == err);
	if (err < 0)
		return;
	int n = pf_ext_write(out, sizeof out, &e);
	pf_check(n >= 0 && (size_t)n <= size && !n == pf_ext_is_empty(&e));
	if (!n)
		return;
	pf_check(pf_ext_parse(&again, out, (size_t)n) == PF_OK);
	pf_check(!memcmp(&e, &again, sizeof e));
}

/*
 * Two writings of what was read must agree, and be what came but for bytes that mean the same: booleans other than 1,
 * values that are mended, words that are no text.
 */
static void fuzz_message(const uint8_t *data, size_t size)
{
	static uint8_t second[sizeof out];
	struct pf_msg m, again;
	if (pf_msg_read(&m, data, size) < 0)
		return;
	int n = pf_msg_write_framed(out, sizeof out, &m);
	pf_check(n > 2 && (size_t)n - 2 <= size && n == pf_msg_framed_len(&m));
	pf_check(pf_msg_write_framed(out, (size_t)n - 1, &m) == PF_E_FULL);
	pf_check(pf_msg_read(&again, out + 2, (size_t)n - 2) == PF_OK && again.type == m.type);
	pf_check(pf_msg_write_framed(second, sizeof second, &again) == n);
	pf_check(!memcmp(out, second, (size_t)n));
}

/* What is shown of a peer's words must be text, harmless, and no longer than they were. */
static void fuzz_text(const uint8_t *data, size_t size)
{
	static char clean[256], again[256];
	size_t n = pf_text_clean(clean, sizeof clean, data, size);
	pf_check(n <= size && n < sizeof clean && n == strlen(clean));
	pf_check(pf_text_valid((const uint8_t *)clean, n));
	pf_check(pf_text_clean(again, sizeof again, clean, n) == n && !memcmp(clean, again, n));
}

struct framed {
	size_t bytes;
	unsigned n;
};

static int on_frame(const uint8_t *payload, size_t payload_len, void *userdata)
{
	struct framed *f = userdata;
	struct pf_msg m;
	f->n++;
	f->bytes += payload_len;
	(void)!pf_msg_read(&m, payload, payload_len);
	return payload_len == 0xBAD ? PF_E_BAD_PACKET : PF_OK;
}

/* The bytes at once and in steps of the first one's size must be cut alike. */
static void fuzz_framer(const uint8_t *data, size_t size)
{
	struct pf_framer *f;
	struct framed whole = {0}, stepped = {0};
	size_t step = size ? data[0] % 17 + 1u : 1;
	if (pf_framer_create(&f) < 0)
		return;
	int err = pf_framer_feed(f, data, size, on_frame, &whole);
	pf_framer_destroy(f);
	if (pf_framer_create(&f) < 0)
		return;
	int err2 = PF_OK;
	for (size_t at = 0; at < size && !err2; at += step)
		err2 = pf_framer_feed(
			f, data + at, size - at < step ? size - at : step, on_frame, &stepped);
	pf_framer_destroy(f);
	pf_check(err == err2 && whole.n == stepped.n && whole.bytes == stepped.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[])(const uint8_t *, size_t) = {fuzz_hello, fuzz_welcome,
		fuzz_start, fuzz_ext, fuzz_message, fuzz_text, fuzz_framer};
	if (!size)
		return 0;
	/* Its own memory, so that the sanitizer sees a read of one byte too many. */
	uint8_t *copy = malloc(size > 1 ? size - 1 : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	targets[data[0] % (sizeof targets / sizeof targets[0])](copy, size - 1);
	free(copy);
	return 0;
}
