/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Every datagram's reader, each over the bytes as they came: what one takes must be written as the same bytes,
 * but for those that mean the same, and be read alike again.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/datagram.h"
#include "fuzz/fuzz.h"

static uint8_t out[PF_DGRAM_MAX];

static void fuzz_input(const uint8_t *data, size_t size)
{
	struct pf_input in;
	if (pf_input_read(&in, data, size) < 0)
		return;
	pf_input_write(out, &in);
	FUZZ_CHECK(size == PF_INPUT_LEN && !memcmp(out, data, size));
}

static void fuzz_timing(const uint8_t *data, size_t size)
{
	struct pf_host_timing t;
	if (pf_host_timing_read(&t, data, size) < 0)
		return;
	pf_host_timing_write(out, &t);
	/* The short form has fewer fields, the long one a phase that is not kept. */
	FUZZ_CHECK(!memcmp(out, data, size < PF_HOST_TIMING_LEN ? 13 : PF_HOST_TIMING_LEN));
}

static void fuzz_audio(const uint8_t *data, size_t size)
{
	struct pf_audio a;
	if (pf_audio_read(&a, data, size) < 0)
		return;
	FUZZ_CHECK((a.len || a.tag == PF_DGRAM_AUDIO) && a.data > data &&
		a.data + a.len <= data + size && a.pad < PF_PADS);
	FUZZ_CHECK(!a.previous || a.previous + a.previous_len == data + size);
	int n = pf_audio_write(out, sizeof out, &a);
	if (size > PF_DGRAM_MAX)
		FUZZ_CHECK(n == PF_E_INVALID);
	else
		FUZZ_CHECK(n == (int)size && !memcmp(out, data, size));
}

static void fuzz_rumble(const uint8_t *data, size_t size)
{
	struct pf_rumble r;
	if (pf_rumble_read(&r, data, size) < 0)
		return;
	size_t len = size >= PF_RUMBLE_LEN ? PF_RUMBLE_LEN : size >= 10 ? 10 : 7;
	FUZZ_CHECK(pf_rumble_write(out, &r) == (int)len && !memcmp(out, data, len));
}

static void fuzz_rich(const uint8_t *data, size_t size)
{
	struct pf_rich r, again;
	if (pf_rich_read(&r, data, size) < 0)
		return;
	for (unsigned i = 0; r.kind == PF_RICH_PEN && i < r.pen.count; i++)
		FUZZ_CHECK(isfinite(r.pen.samples[i].x) && isfinite(r.pen.samples[i].y));
	FUZZ_CHECK(pf_rich_write(out, PF_RICH_MAX_LEN, &r) == (int)size);
	if (r.kind == PF_RICH_TOUCHPAD && size == 9)
		FUZZ_CHECK(out[4] == (data[4] != 0) && !memcmp(out, data, 4) &&
			!memcmp(out + 5, data + 5, 4));
	else
		FUZZ_CHECK(!memcmp(out, data, size));
	FUZZ_CHECK(pf_rich_read(&again, out, size) == PF_OK);
}

static void fuzz_hid(const uint8_t *data, size_t size)
{
	struct pf_hid_output h;
	if (pf_hid_output_read(&h, data, size) < 0)
		return;
	FUZZ_CHECK(pf_hid_output_write(out, PF_HID_MAX_LEN, &h) == (int)size);
	FUZZ_CHECK(!memcmp(out, data, size));
}

static void fuzz_hdr(const uint8_t *data, size_t size)
{
	struct pf_hdr_meta h;
	if (pf_hdr_meta_read(&h, data, size) < 0)
		return;
	pf_hdr_meta_write(out, &h);
	FUZZ_CHECK(size >= PF_HDR_META_LEN && !memcmp(out, data, PF_HDR_META_LEN));
}

static void fuzz_cursor(const uint8_t *data, size_t size)
{
	struct pf_cursor_state c;
	if (pf_cursor_state_read(&c, data, size) < 0)
		return;
	pf_cursor_state_write(out, &c);
	FUZZ_CHECK(size >= PF_CURSOR_STATE_LEN && out[5] == (data[5] & 3));
	FUZZ_CHECK(!memcmp(out, data, 5) && !memcmp(out + 6, data + 6, 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input(data, size);
	fuzz_timing(data, size);
	fuzz_audio(data, size);
	fuzz_rumble(data, size);
	fuzz_rich(data, size);
	fuzz_hid(data, size);
	fuzz_hdr(data, size);
	fuzz_cursor(data, size);
	return 0;
}
