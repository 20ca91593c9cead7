/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* What a PipeWire node says beside a picture: whatever it is, what comes out of it lies within the picture. */
#include "fuzz/fuzz.h"
#include "fuzz/input.h"
#include "host/capture/capture.h"
#include "host/capture/pipewire_meta.h"

static void check_damage(const struct fuzz_input *in, uint32_t height)
{
	struct frame_damage d = {.known = true};
	pipewire_meta_damage(in->p, in->len, height, &d);
	FUZZ_CHECK(d.n_bands <= FRAME_MAX_BANDS && (d.known || !d.n_bands));
	for (unsigned i = 0; i < d.n_bands; i++) {
		FUZZ_CHECK(d.bands[i].y0 < d.bands[i].y1 && d.bands[i].y1 <= height);
		FUZZ_CHECK(!i || d.bands[i - 1].y1 < d.bands[i].y0);
	}
}

static void check_crop(const struct fuzz_input *in, uint32_t width, uint32_t height)
{
	struct pipewire_box b;
	if (!pipewire_meta_crop(in->p, in->len, width, height, &b))
		return;
	FUZZ_CHECK(b.width && b.width <= width && b.x <= width - b.width);
	FUZZ_CHECK(b.height && b.height <= height && b.y <= height - b.height);
}

static void check_cursor(const struct fuzz_input *in)
{
	static uint8_t picture[64 * 64 * 4];
	struct pipewire_cursor c;
	if (!pipewire_meta_cursor(in->p, in->len, &c)) {
		FUZZ_CHECK(!c.shape && !c.inside);
		return;
	}
	FUZZ_CHECK(c.x >= -CURSOR_MAX_POS && c.x <= CURSOR_MAX_POS);
	FUZZ_CHECK(c.y >= -CURSOR_MAX_POS && c.y <= CURSOR_MAX_POS);
	FUZZ_CHECK(!c.shape || (c.inside && !c.empty));
	if (!c.shape)
		return;
	FUZZ_CHECK(c.shape->hot_x < c.shape->width && c.shape->hot_y < c.shape->height);
	FUZZ_CHECK(c.shape->serial);
	cursor_shape_paint(c.shape, picture, 64 * 4, 64, 64, FRAME_BGRX, c.x, c.y);
	cursor_shape_unref(c.shape);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct pipewire_header h = {0};
	uint32_t width = 1 + fuzz_u16(&in) % CAPTURE_MAX_SIZE;
	uint32_t height = 1 + fuzz_u16(&in) % CAPTURE_MAX_SIZE;
	check_damage(&in, height);
	check_crop(&in, width, height);
	check_cursor(&in);
	if (pipewire_meta_header(in.p, in.len, &h))
		FUZZ_CHECK(pipewire_meta_presented(h.pts_ns, 5000000000u) <= 5000000000u);
	FUZZ_CHECK(pipewire_meta_transform(in.p, in.len) <= 7);
	return 0;
}
