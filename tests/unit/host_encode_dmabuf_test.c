/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/wire/handshake.h"
#include "host/encode/encoder.h"
#include "host/encode/planes.h"
#include "host/gpu/display.h"
#include "host/gpu/dmabuf.h"

/* Pictures that lie only in a GPU's memory, and encoders that work on the CPU. */

enum { WIDTH = 65, HEIGHT = 33, EVEN_WIDTH = 66, EVEN_HEIGHT = 34, STRIDE = 320 };
#define LEN ((size_t)STRIDE * HEIGHT)

struct memory {
	int fd;
	uint8_t *map;
};

static struct memory make_memory(bool sealed)
{
	struct memory m = {.fd = memfd_create("dmabuf_test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
	assert_true(m.fd >= 0);
	assert_int_equal(ftruncate(m.fd, (off_t)LEN), 0);
	if (sealed)
		assert_int_equal(fcntl(m.fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	m.map = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, m.fd, 0);
	assert_ptr_not_equal(m.map, MAP_FAILED);
	return m;
}

static void drop_memory(struct memory *m)
{
	munmap(m->map, LEN);
	close(m->fd);
}

static void paint(struct memory *m, uint64_t seed)
{
	for (size_t i = 0; i < LEN; i++)
		m->map[i] = (uint8_t)test_rand(&seed);
}

static struct frame frame_of(const struct memory *m, uint64_t seq)
{
	struct frame f;
	frame_init(&f);
	f.width = WIDTH;
	f.height = HEIGHT;
	f.stride = STRIDE;
	f.format = FRAME_BGRX;
	f.seq = seq;
	f.dmabuf = (struct frame_dmabuf){
		.n_planes = 1, .fourcc = DMABUF_XR24, .fd = {m->fd}, .stride = {STRIDE}};
	return f;
}

struct sink {
	struct planes planes;
	uint8_t y[EVEN_HEIGHT][EVEN_WIDTH], u[EVEN_HEIGHT][EVEN_WIDTH], v[EVEN_HEIGHT][EVEN_WIDTH];
};

static struct sink *make_sink(bool three, uint8_t matrix)
{
	struct sink *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	assert_int_equal(planes_init(&s->planes, matrix, false), PF_OK);
	s->planes.plane[0] = s->y[0];
	s->planes.plane[1] = s->u[0];
	s->planes.plane[2] = three ? s->v[0] : NULL;
	for (int i = 0; i < 3; i++)
		s->planes.stride[i] = EVEN_WIDTH;
	return s;
}

static void drop_sink(struct sink *s)
{
	planes_finish(&s->planes);
	free(s);
}

/* A GPU that takes even this memory rounds on its own, and does not cut its weights to a byte as libyuv does. */
static void same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
	const int most = gpu_importer() ? 3 : 0;
	for (size_t i = 0; i < n; i++)
		if (a[i] - b[i] > most || b[i] - a[i] > most)
			fail_msg("byte %zu is %u, not %u", i, a[i], b[i]);
}

static void same(const struct sink *a, const struct sink *b)
{
	same_bytes(a->y[0], b->y[0], sizeof(a->y));
	same_bytes(a->u[0], b->u[0], sizeof(a->u));
	same_bytes(a->v[0], b->v[0], sizeof(a->v));
}

/* The same planes come of the memory and of its pixels. */
static void compare(bool three, uint8_t matrix, bool invert)
{
	struct memory m = make_memory(true);
	struct sink *by_fd = make_sink(three, matrix), *by_pixels = make_sink(three, matrix);
	for (uint64_t seq = 0; seq < 4; seq++) {
		paint(&m, seq + 1);
		struct frame f = frame_of(&m, seq);
		f.y_invert = invert;
		assert_int_equal(planes_fill(&by_fd->planes, &f), PF_OK);
		f.pixels = m.map;
		assert_int_equal(planes_fill(&by_pixels->planes, &f), PF_OK);
		same(by_fd, by_pixels);
	}
	drop_sink(by_fd);
	drop_sink(by_pixels);
	drop_memory(&m);
}

static void test_reads_what_lies_there(void **state)
{
	(void)state;
	compare(false, 0, false);
	compare(true, 0, false);
	compare(false, 1, false);
	compare(true, 1, false);
	compare(false, 0, true);
	compare(true, 9, true);
}

/* Only what changed is read, and a picture that is known is not read again. */
static void test_follows_damage(void **state)
{
	(void)state;
	struct memory m = make_memory(true);
	struct sink *by_fd = make_sink(false, 0), *whole = make_sink(false, 0);
	paint(&m, 5);
	struct frame f = frame_of(&m, 0);
	assert_int_equal(planes_fill(&by_fd->planes, &f), PF_OK);
	memset(m.map + 10 * STRIDE, 200, 4 * STRIDE);
	f = frame_of(&m, 1);
	f.damage = (struct frame_damage){.known = true, .n_bands = 1, .bands = {{10, 14}}};
	assert_int_equal(planes_fill(&by_fd->planes, &f), PF_OK);
	f.pixels = m.map;
	assert_int_equal(planes_fill(&whole->planes, &f), PF_OK);
	same(by_fd, whole);
	paint(&m, 6);
	f.pixels = NULL;
	assert_int_equal(planes_fill(&by_fd->planes, &f), PF_OK);
	same(by_fd, whole);
	drop_sink(by_fd);
	drop_sink(whole);
	drop_memory(&m);
}

/* Another capture begins to count anew: neither its number nor its damage says anything of these planes. */
static void test_reads_all_of_another_capture(void **state)
{
	(void)state;
	struct memory m = make_memory(true);
	for (uint64_t seq = 0; seq < 2; seq++)
		for (int by_pixels = 0; by_pixels < 2; by_pixels++) {
			struct sink *s = make_sink(false, 0), *whole = make_sink(false, 0);
			paint(&m, 7);
			struct frame f = frame_of(&m, 0);
			f.pixels = by_pixels ? m.map : NULL;
			assert_int_equal(planes_fill(&s->planes, &f), PF_OK);
			paint(&m, 8);
			f.seq = seq;
			f.source = 1;
			f.damage = (struct frame_damage){.known = true};
			assert_int_equal(planes_fill(&s->planes, &f), PF_OK);
			assert_int_equal(planes_fill(&whole->planes, &f), PF_OK);
			same(s, whole);
			drop_sink(s);
			drop_sink(whole);
		}
	drop_memory(&m);
}

static void test_refuses_what_cannot_be(void **state)
{
	(void)state;
	struct memory m = make_memory(true), loose = make_memory(false);
	struct sink *s = make_sink(false, 0);
	struct frame f = frame_of(&m, 0);
	f.dmabuf.offset[0] = 4;
	f.dmabuf.stride[0] = STRIDE + 4;
	assert_int_equal(planes_fill(&s->planes, &f), PF_E_INVALID);
	f = frame_of(&m, 0);
	f.dmabuf.fourcc = 0;
	assert_true(planes_fill(&s->planes, &f) < 0);
	f = frame_of(&m, 0);
	f.dmabuf.modifier = 0x0300000000000001u; /* somebody's tiles */
	assert_true(planes_fill(&s->planes, &f) < 0);
	f = frame_of(&loose, 0);
	assert_true(planes_fill(&s->planes, &f) < 0);
	/* And goes on. */
	f = frame_of(&m, 1);
	assert_int_equal(planes_fill(&s->planes, &f), PF_OK);
	drop_sink(s);
	drop_memory(&m);
	drop_memory(&loose);
}

static void encode_with(const char *name, uint8_t codec)
{
	const struct encoder_params params = {.width = WIDTH,
		.height = HEIGHT,
		.refresh_hz = 60,
		.bitrate_kbps = 5000,
		.codec = codec};
	struct encoder *e;
	struct unit_pool *pool;
	struct memory m = make_memory(true);
	paint(&m, 3);
	struct frame f = frame_of(&m, 0);
	assert_int_equal(unit_pool_create(&pool, 1), PF_OK);
	assert_int_equal(encoder_create(&e, name, &params), PF_OK);
	assert_true(e->caps.dmabuf);
	for (uint64_t i = 0; i < 3; i++) {
		struct unit *unit = unit_pool_get(pool);
		f.seq = i;
		assert_int_equal(encoder_encode(e, &f, false, unit), PF_OK);
		assert_int_equal(unit->keyframe, i == 0);
		assert_true(unit->len > 0);
		unit_unref(unit);
	}
	struct unit *unit = unit_pool_get(pool);
	f.dmabuf.n_planes = 0;
	assert_int_equal(encoder_encode(e, &f, false, unit), PF_E_INVALID);
	unit_unref(unit);
	encoder_destroy(e);
	unit_pool_destroy(pool);
	drop_memory(&m);
}

static void test_encodes(void **state)
{
	(void)state;
	encode_with("null", PF_CODEC_H264);
	if (encoder_codecs("x264"))
		encode_with("x264", PF_CODEC_H264);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_lies_there),
		cmocka_unit_test(test_follows_damage),
		cmocka_unit_test(test_reads_all_of_another_capture),
		cmocka_unit_test(test_refuses_what_cannot_be),
		cmocka_unit_test(test_encodes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
