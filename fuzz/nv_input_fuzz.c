/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * GameStream's input packets, one behind the other as far as their lengths go: what is read is in its
 * range, and what it becomes is what the native wire could carry.
 */
#include "core/base/bytes.h"
#include "core/nv/input.h"
#include "core/wire/datagram.h"
#include "fuzz/fuzz.h"

static bool unit(float v)
{
	return v >= 0 && v <= 1;
}

static void check_input(const struct pf_nv_input *in)
{
	FUZZ_CHECK(in->kind <= PF_NV_PAD_BATTERY && in->pad < PF_PADS);
	if (in->kind == PF_NV_TEXT)
		FUZZ_CHECK(in->text.n >= 1 && in->text.n <= PF_NV_TEXT_MAX);
	if (in->kind == PF_NV_MOUSE_ABS)
		FUZZ_CHECK(in->mouse_abs.x < in->mouse_abs.width &&
			in->mouse_abs.y < in->mouse_abs.height);
	if (in->kind == PF_NV_TOUCH)
		FUZZ_CHECK(unit(in->touch.x) && unit(in->touch.y) && unit(in->touch.pressure));
	if (in->kind == PF_NV_PEN)
		FUZZ_CHECK(unit(in->pen.x) && unit(in->pen.y) && unit(in->pen.pressure));
	if (in->kind == PF_NV_PAD_TOUCH)
		FUZZ_CHECK(unit(in->pad_touch.x) && unit(in->pad_touch.y));
}

static void map(struct pf_nv_mapper *m, const struct pf_nv_input *in)
{
	struct pf_input events[PF_NV_MAX_EVENTS];
	struct pf_rich rich;
	uint8_t out[PF_RICH_MAX_LEN];
	size_t n = pf_nv_mapper_events(m, in, events);
	FUZZ_CHECK(n <= PF_NV_MAX_EVENTS);
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(events[i].kind < PF_INPUT_KIND_COUNT);
		if (events[i].kind == PF_INPUT_TEXT)
			FUZZ_CHECK(events[i].code && events[i].code <= 0x10FFFF);
	}
	if (pf_nv_mapper_rich(m, in, &rich))
		FUZZ_CHECK(pf_rich_write(out, sizeof(out), &rich) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_nv_mapper m;
	pf_nv_mapper_init(&m);
	while (size) {
		struct pf_nv_input in;
		if (pf_nv_input_read(&in, data, size) == PF_OK) {
			check_input(&in);
			map(&m, &in);
		}
		size_t n = size < 4 ? size : (size_t)pf_get_be32(data) + 4;
		if (n > size)
			n = size;
		data += n;
		size -= n;
	}
	return 0;
}
