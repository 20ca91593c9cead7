/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "host/gpu/dmabuf.h"

#define WIDTH  64u
#define HEIGHT 48u
#define STRIDE 512u
#define LEN    (STRIDE * HEIGHT)

/* A file is as good as a DMA-BUF to what only looks at sizes. */
static int make_file(size_t len, bool sealed)
{
	int fd = memfd_create("dmabuf_test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	if (sealed)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	return fd;
}

static struct frame good_frame(int fd)
{
	struct frame f;
	frame_init(&f);
	f.width = WIDTH;
	f.height = HEIGHT;
	f.stride = STRIDE;
	f.format = FRAME_BGRX;
	f.dmabuf = (struct frame_dmabuf){.n_planes = 1,
		.fourcc = DMABUF_XR24,
		.modifier = DMABUF_LINEAR,
		.fd = {fd, -1, -1, -1},
		.stride = {STRIDE}};
	return f;
}

static void test_takes_what_can_be_true(void **state)
{
	(void)state;
	int fd = make_file(LEN, true);
	struct frame f = good_frame(fd);
	assert_int_equal(dmabuf_check(&f), PF_OK);
	f.dmabuf.fourcc = DMABUF_AR24;
	assert_int_equal(dmabuf_check(&f), PF_OK);
	f.format = FRAME_RGBX;
	f.dmabuf.fourcc = DMABUF_XB24;
	assert_int_equal(dmabuf_check(&f), PF_OK);
	f.dmabuf.fourcc = DMABUF_AB24;
	assert_int_equal(dmabuf_check(&f), PF_OK);
	/* The last row may end where its pixels end. */
	f.dmabuf.offset[0] = STRIDE - WIDTH * 4;
	assert_int_equal(dmabuf_check(&f), PF_OK);
	close(fd);
}

struct lie {
	const char *what;
	void (*tell)(struct frame *f);
	int err;
};

#define LIE(name, code) \
	static void name(struct frame *f) \
	{ \
		code; \
	}
LIE(no_plane, f->dmabuf.n_planes = 0)
LIE(many_planes, f->dmabuf.n_planes = FRAME_MAX_PLANES + 1)
LIE(most_planes, f->dmabuf.n_planes = UINT32_MAX)
LIE(no_width, f->width = 0)
LIE(no_height, f->height = 0)
LIE(wide, f->width = DMABUF_MAX_SIDE + 1)
LIE(high, f->height = UINT32_MAX)
LIE(one_row_more, f->height++)
LIE(one_pixel_more, f->dmabuf.offset[0] = STRIDE - WIDTH * 4 + 4)
LIE(odd_offset, f->dmabuf.offset[0] = 2)
LIE(far_offset, f->dmabuf.offset[0] = UINT32_MAX - 3)
LIE(offset_at_end, f->dmabuf.offset[0] = LEN)
LIE(no_stride, f->dmabuf.stride[0] = 0)
LIE(short_stride, f->dmabuf.stride[0] = f->stride = WIDTH * 4 - 4)
LIE(odd_stride, f->dmabuf.stride[0] = f->stride = WIDTH * 4 + 2)
LIE(long_stride, f->dmabuf.stride[0] = f->stride = UINT32_MAX - 3)
LIE(other_stride, f->dmabuf.stride[0] = WIDTH * 4)
LIE(no_memory, f->dmabuf.fd[0] = -1)
LIE(closed_memory, f->dmabuf.fd[0] = 1000000)
LIE(planes_of_linear, f->dmabuf.n_planes = 2; f->dmabuf.fd[1] = f->dmabuf.fd[0];
	f->dmabuf.stride[1] = STRIDE)
LIE(unknown_layout, f->dmabuf.modifier = DMABUF_INVALID)
LIE(unknown_format, f->dmabuf.fourcc = DMABUF_FOURCC('N', 'V', '1', '2'))
LIE(other_format, f->dmabuf.fourcc = DMABUF_XB24)
LIE(tiled_beyond, f->dmabuf.modifier = 1; f->width = f->height = 512)
LIE(tiled_end, f->dmabuf.modifier = 1; f->dmabuf.offset[0] = LEN - 4)
LIE(tiled_second, f->dmabuf.modifier = 1; f->dmabuf.n_planes = 2; f->dmabuf.fd[1] = f->dmabuf.fd[0];
	f->dmabuf.stride[1] = 64; f->dmabuf.offset[1] = LEN)
LIE(tiled_third, f->dmabuf.modifier = 1; f->dmabuf.n_planes = 3; f->dmabuf.fd[1] = f->dmabuf.fd[0];
	f->dmabuf.stride[1] = 64)

static void test_refuses_lies(void **state)
{
	(void)state;
	static const struct lie lies[] = {
#define ROW(name, error) {#name, name, error}
		ROW(no_plane, PF_E_INVALID),
		ROW(many_planes, PF_E_INVALID),
		ROW(most_planes, PF_E_INVALID),
		ROW(no_width, PF_E_INVALID),
		ROW(no_height, PF_E_INVALID),
		ROW(wide, PF_E_INVALID),
		ROW(high, PF_E_INVALID),
		ROW(one_row_more, PF_E_INVALID),
		ROW(one_pixel_more, PF_E_INVALID),
		ROW(odd_offset, PF_E_INVALID),
		ROW(far_offset, PF_E_INVALID),
		ROW(offset_at_end, PF_E_INVALID),
		ROW(no_stride, PF_E_INVALID),
		ROW(short_stride, PF_E_INVALID),
		ROW(odd_stride, PF_E_INVALID),
		ROW(long_stride, PF_E_INVALID),
		ROW(other_stride, PF_E_INVALID),
		ROW(no_memory, PF_E_INVALID),
		ROW(closed_memory, PF_E_INVALID),
		ROW(planes_of_linear, PF_E_INVALID),
		ROW(unknown_layout, PF_E_UNSUPPORTED),
		ROW(unknown_format, PF_E_UNSUPPORTED),
		ROW(other_format, PF_E_INVALID),
		ROW(tiled_beyond, PF_E_INVALID),
		ROW(tiled_end, PF_E_INVALID),
		ROW(tiled_second, PF_E_INVALID),
		ROW(tiled_third, PF_E_INVALID),
#undef ROW
	};
	int fd = make_file(LEN, true);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct frame f = good_frame(fd);
		lies[i].tell(&f);
		if (dmabuf_check(&f) != lies[i].err)
			fail_msg("%s: %d", lies[i].what, dmabuf_check(&f));
	}
	close(fd);
}

static void test_random_words(void **state)
{
	(void)state;
	uint64_t seed = 7;
	int fd = make_file(LEN, true);
	struct dmabuf_maps maps;
	dmabuf_maps_init(&maps);
	for (int i = 0; i < 20000; i++) {
		struct frame f = good_frame(fd);
		uint32_t *const words[] = {&f.width, &f.height, &f.dmabuf.n_planes,
			&f.dmabuf.offset[0], &f.dmabuf.stride[0]};
		*words[test_rand(&seed) % 5] = (uint32_t)test_rand(&seed) >>
			(test_rand(&seed) % 32);
		f.stride = f.dmabuf.stride[0];
		if (dmabuf_check(&f) < 0)
			continue;
		/* Whatever passes can be read to its last byte. */
		const uint8_t *pixels = dmabuf_begin(&maps, &f);
		assert_non_null(pixels);
		volatile uint8_t last = pixels[(size_t)f.stride * (f.height - 1) + f.width * 4 - 1];
		assert_int_equal(last, 0);
		dmabuf_end(&f);
	}
	dmabuf_maps_finish(&maps);
	close(fd);
}

static void test_reads_real_memory(void **state)
{
	(void)state;
	struct dmabuf_maps maps;
	int fd = make_file(LEN, true);
	struct frame f = good_frame(fd);
	f.dmabuf.offset[0] = 8;
	f.height--;
	dmabuf_maps_init(&maps);
	for (unsigned round = 0; round < 3; round++) {
		uint32_t wrote = 0x11223344u + round;
		assert_int_equal(pwrite(fd, &wrote, 4, 8 + STRIDE), 4);
		assert_int_equal(dmabuf_check(&f), PF_OK);
		const uint8_t *pixels = dmabuf_begin(&maps, &f);
		assert_non_null(pixels);
		assert_memory_equal(pixels + STRIDE, &wrote, 4);
		dmabuf_end(&f);
	}
	dmabuf_maps_finish(&maps);
	close(fd);
}

static void test_maps_each_memory_once(void **state)
{
	(void)state;
	enum { N = DMABUF_MAPS + 5 };
	struct dmabuf_maps maps;
	int fds[N];
	const uint8_t *first = NULL;
	dmabuf_maps_init(&maps);
	for (uint32_t i = 0; i < N; i++) {
		fds[i] = make_file(LEN, true);
		assert_int_equal(pwrite(fds[i], &i, 4, 0), 4);
	}
	/* The first is used in between, so others go. */
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < N; i++) {
			struct frame f = good_frame(fds[i]);
			const uint8_t *pixels = dmabuf_begin(&maps, &f);
			assert_non_null(pixels);
			assert_memory_equal(pixels, &i, 4);
			dmabuf_end(&f);
			f = good_frame(fds[0]);
			pixels = dmabuf_begin(&maps, &f);
			assert_true(!first || first == pixels);
			first = pixels;
			dmabuf_end(&f);
		}
	dmabuf_maps_finish(&maps);
	for (uint32_t i = 0; i < N; i++)
		close(fds[i]);
}

/* Of who stopped using some memory nothing is kept: else it could not be freed. */
static void test_lets_go_of_what_is_unused(void **state)
{
	(void)state;
	struct dmabuf_maps maps;
	int old = make_file(LEN, true), now = make_file(LEN, true);
	struct frame f = good_frame(old), g = good_frame(now);
	dmabuf_maps_init(&maps);
	assert_non_null(dmabuf_begin(&maps, &f));
	dmabuf_end(&f);
	unsigned held = 0;
	for (int i = 0; i < 200; i++) {
		assert_non_null(dmabuf_begin(&maps, &g));
		dmabuf_end(&g);
	}
	for (unsigned i = 0; i < DMABUF_MAPS; i++)
		held += maps.maps[i].at != NULL;
	assert_int_equal(held, 1);
	dmabuf_maps_finish(&maps);
	close(old);
	close(now);
}

static void test_maps_nothing_that_may_shrink(void **state)
{
	(void)state;
	struct dmabuf_maps maps;
	int fd = make_file(LEN, false);
	struct frame f = good_frame(fd);
	dmabuf_maps_init(&maps);
	assert_int_equal(dmabuf_check(&f), PF_OK);
	assert_null(dmabuf_begin(&maps, &f));
	f.dmabuf.modifier = 1;
	assert_null(dmabuf_begin(&maps, &f));
	dmabuf_maps_finish(&maps);
	close(fd);
}

/* A file that grew after it was mapped: what lies beyond is not read. */
static void test_stays_in_what_is_mapped(void **state)
{
	(void)state;
	struct dmabuf_maps maps;
	int fd = make_file(LEN, true);
	struct frame f = good_frame(fd);
	dmabuf_maps_init(&maps);
	assert_non_null(dmabuf_begin(&maps, &f));
	dmabuf_end(&f);
	assert_int_equal(ftruncate(fd, LEN * 4), 0);
	f.height *= 3;
	assert_int_equal(dmabuf_check(&f), PF_OK);
	assert_null(dmabuf_begin(&maps, &f));
	dmabuf_maps_finish(&maps);
	close(fd);
}

static void test_reads_a_dmabuf(void **state)
{
	(void)state;
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		print_message("no /dev/udmabuf here: a DMA-BUF of the kernel is not tried\n");
		return;
	}
	int fd = make_file(LEN, true);
	struct udmabuf_create create = {
		.memfd = (uint32_t)fd, .flags = UDMABUF_FLAGS_CLOEXEC, .size = LEN};
	int dmabuf = ioctl(device, UDMABUF_CREATE, &create);
	assert_true(dmabuf >= 0);
	uint32_t wrote = 0xabcdef01u;
	assert_int_equal(pwrite(fd, &wrote, 4, STRIDE), 4);
	struct frame f = good_frame(dmabuf);
	struct dmabuf_maps maps;
	dmabuf_maps_init(&maps);
	assert_int_equal(dmabuf_check(&f), PF_OK);
	const uint8_t *pixels = dmabuf_begin(&maps, &f);
	assert_non_null(pixels);
	assert_memory_equal(pixels + STRIDE, &wrote, 4);
	dmabuf_end(&f);
	f.height++;
	assert_int_equal(dmabuf_check(&f), PF_E_INVALID);
	dmabuf_maps_finish(&maps);
	close(dmabuf);
	close(fd);
	close(device);
}

/* A pipe is readable as a DMA-BUF is: when somebody is done. */
static void test_waits_for_who_draws(void **state)
{
	(void)state;
	int ends[2], file = make_file(LEN, true);
	assert_int_equal(pipe(ends), 0);
	struct frame f = good_frame(file);
	assert_int_equal(dmabuf_wait(&f), PF_OK);
	f.dmabuf.n_planes = 2;
	f.dmabuf.fd[1] = ends[0];
	assert_int_equal(dmabuf_wait(&f), PF_E_TIMEOUT);
	assert_int_equal(write(ends[1], "", 1), 1);
	assert_int_equal(dmabuf_wait(&f), PF_OK);
	f.dmabuf.fd[1] = -1;
	assert_int_equal(dmabuf_wait(&f), PF_E_INVALID);
	close(ends[0]);
	f.dmabuf.fd[1] = ends[0];
	assert_int_equal(dmabuf_wait(&f), PF_E_INVALID);
	f.dmabuf.n_planes = FRAME_MAX_PLANES + 1;
	assert_int_equal(dmabuf_wait(&f), PF_E_INVALID);
	f.dmabuf.n_planes = 0;
	assert_int_equal(dmabuf_wait(&f), PF_E_INVALID);
	close(ends[1]);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_what_can_be_true),
		cmocka_unit_test(test_refuses_lies),
		cmocka_unit_test(test_random_words),
		cmocka_unit_test(test_reads_real_memory),
		cmocka_unit_test(test_maps_each_memory_once),
		cmocka_unit_test(test_lets_go_of_what_is_unused),
		cmocka_unit_test(test_maps_nothing_that_may_shrink),
		cmocka_unit_test(test_stays_in_what_is_mapped),
		cmocka_unit_test(test_reads_a_dmabuf),
		cmocka_unit_test(test_waits_for_who_draws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
