/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "host/encode/csc.h"
#include "host/gpu/display.h"
#include "host/gpu/dmabuf.h"
#include "host/gpu/vulkan.h"
#include "host/gpu/vulkan_convert.h"

/* With whatever Vulkan this machine has, one that computes on the CPU (lavapipe) counts. */

enum { WIDTH = 35, HEIGHT = 19, EVEN_WIDTH = 36, EVEN_HEIGHT = 20, OUT_STRIDE = 48 };

static const struct gpu_display *find(void)
{
	const char *why;
	const struct gpu_display *d = vulkan_display(true, &why);
	assert_true(d ? !why : why && strlen(why) > 8);
	if (!d)
		print_message("conversion by Vulkan is not tried here: %s\n", why);
	return d;
}

static struct vulkan_convert *make(const struct gpu_display *d, uint8_t matrix, bool full)
{
	struct vulkan_convert *c;
	const struct gpu_convert_params params = {
		.width = WIDTH, .height = HEIGHT, .matrix = matrix, .full_range = full};
	assert_int_equal(vulkan_convert_create(&c, d, &params), PF_OK);
	return c;
}

struct planes {
	uint8_t y[EVEN_HEIGHT][OUT_STRIDE], uv[EVEN_HEIGHT / 2][OUT_STRIDE];
};

static int run(struct vulkan_convert *c, const struct frame *f, struct planes *out)
{
	memset(out, 0xee, sizeof(*out));
	return vulkan_convert_run(c, f, out->y[0], OUT_STRIDE, out->uv[0], OUT_STRIDE);
}

static void near(const uint8_t *got, const uint8_t *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_in_range(got[i] + 1, want[i], want[i] + 2);
	for (size_t i = n; i < OUT_STRIDE; i++)
		assert_int_equal(got[i], 0xee); /* nobody else's */
}

static void check(const struct frame *f, const struct planes *got, uint8_t matrix, bool full)
{
	struct csc csc;
	struct planes want;
	const ptrdiff_t stride = (ptrdiff_t)f->stride;
	assert_int_equal(csc_init(&csc, matrix, full), PF_OK);
	csc_to_nv12(&csc, f->y_invert ? f->pixels + (HEIGHT - 1) * stride : f->pixels,
		f->y_invert ? -stride : stride, f->format == FRAME_BGRX, want.y[0], OUT_STRIDE,
		want.uv[0], OUT_STRIDE, WIDTH, HEIGHT);
	for (int row = 0; row < HEIGHT; row++)
		want.y[row][WIDTH] = want.y[row][WIDTH - 1];
	memcpy(want.y[HEIGHT], want.y[HEIGHT - 1], EVEN_WIDTH);
	for (int row = 0; row < EVEN_HEIGHT; row++)
		near(got->y[row], want.y[row], EVEN_WIDTH);
	for (int row = 0; row < EVEN_HEIGHT / 2; row++)
		near(got->uv[row], want.uv[row], EVEN_WIDTH);
}

static struct frame frame_of(const uint8_t *pixels, bool bgrx, bool invert)
{
	struct frame f;
	frame_init(&f);
	f.width = WIDTH;
	f.height = HEIGHT;
	f.stride = (size_t)(WIDTH + 2) * 4;
	f.format = bgrx ? FRAME_BGRX : FRAME_RGBX;
	f.y_invert = invert;
	f.pixels = pixels;
	return f;
}

static void converts_as_the_cpu_does(void **state)
{
	(void)state;
	const struct gpu_display *d = find();
	static uint8_t pixels[HEIGHT][WIDTH + 2][4];
	static const uint8_t matrices[] = {CSC_BT709, CSC_BT601, CSC_BT2020};
	uint64_t seed = 5;
	struct planes got;
	for (unsigned i = 0; d && i < 12; i++) {
		const uint8_t matrix = matrices[i % 3];
		for (size_t k = 0; k < sizeof(pixels); k++)
			((uint8_t *)pixels)[k] = (uint8_t)test_rand(&seed);
		struct vulkan_convert *c = make(d, matrix, i & 4);
		/* The second time of the other order of bytes. */
		for (unsigned again = 0; again < 2; again++) {
			const struct frame f = frame_of(pixels[0][0], (i ^ again) & 1, i & 2);
			assert_int_equal(run(c, &f, &got), PF_OK);
			check(&f, &got, matrix, i & 4);
		}
		vulkan_convert_destroy(c);
	}
}

static void refuses_what_is_not_there(void **state)
{
	(void)state;
	const struct gpu_display *d = find();
	struct planes got;
	if (!d)
		return;
	struct vulkan_convert *c = make(d, CSC_BT709, false), *other;
	struct frame f = frame_of(NULL, true, false);
	assert_int_equal(run(c, &f, &got), PF_E_INVALID);
	f.width++;
	assert_int_equal(run(c, &f, &got), PF_E_INVALID);
	f.width--;
	assert_int_equal(
		vulkan_convert_run(c, &f, got.y[0], WIDTH, got.uv[0], OUT_STRIDE), PF_E_INVALID);
	const struct gpu_convert_params odd = {.width = 16, .height = 16, .matrix = 7};
	assert_true(vulkan_convert_create(&other, d, &odd) < 0);
	assert_null(other);
	vulkan_convert_destroy(c);
	vulkan_convert_destroy(NULL);
}

/* What a compositor may say of memory that is none of a GPU: refused, and nothing breaks. */
static void refuses_strange_memory(void **state)
{
	(void)state;
	const struct gpu_display *d = find();
	uint64_t modifiers[VULKAN_MODIFIERS + 2] = {0x0300000000606014u, 0x0123456789abcdefu};
	struct planes got;
	if (!d)
		return;
	const size_t n = 2 +
		vulkan_display_modifiers(d->vulkan, FRAME_BGRX, modifiers + 2, VULKAN_MODIFIERS);
	struct vulkan_convert *c = make(d, CSC_BT709, false);
	int fd = memfd_create("vulkan_test", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 65536), 0);
	for (size_t i = 0; i < n; i++)
		for (uint32_t n_planes = 1; n_planes <= FRAME_MAX_PLANES; n_planes++) {
			struct frame f = frame_of(NULL, true, false);
			f.stride = 256;
			f.dmabuf = (struct frame_dmabuf){.n_planes = n_planes,
				.fourcc = DMABUF_XR24,
				.modifier = modifiers[i],
				.fd = {fd, fd, fd, fd},
				.stride = {256, 256, 256, 256}};
			assert_true(run(c, &f, &got) < 0);
			f.dmabuf.offset[0] = 65536;
			assert_int_equal(run(c, &f, &got), PF_E_INVALID);
		}
	/* And goes on. */
	static const uint8_t pixels[HEIGHT][WIDTH + 2][4];
	struct frame f = frame_of(pixels[0][0], true, false);
	assert_int_equal(run(c, &f, &got), PF_OK);
	check(&f, &got, CSC_BT709, false);
	close(fd);
	vulkan_convert_destroy(c);
}

/* Memory that a driver does take, and what is said of it is a lie or just true. */
static void believes_no_lies_of_real_memory(void **state)
{
	(void)state;
	enum { ROW = 256, LEN = 8192 }; /* 19 rows, and half as much beside them */
	const struct gpu_display *d = find();
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (!d || !d->imports || device < 0) {
		print_message("no DMA-BUF is tried here\n");
		if (device >= 0)
			close(device);
		return;
	}
	int file = memfd_create("vulkan_test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(file, LEN), 0);
	assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	struct udmabuf_create create = {
		.memfd = (uint32_t)file, .flags = UDMABUF_FLAGS_CLOEXEC, .size = LEN};
	int fd = ioctl(device, UDMABUF_CREATE, &create);
	assert_true(fd >= 0);
	uint8_t *map = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	uint64_t seed = 9;
	for (size_t i = 0; i < LEN; i++)
		map[i] = (uint8_t)test_rand(&seed);
	struct vulkan_convert *c = make(d, CSC_BT709, false);
	struct planes got;
	struct frame f = frame_of(NULL, true, false), good;
	f.stride = ROW;
	f.dmabuf = (struct frame_dmabuf){
		.n_planes = 1, .fourcc = DMABUF_XR24, .fd = {fd, fd, fd, fd}, .stride = {ROW}};
	good = f;
	for (unsigned again = 0; again < 3; again++) {
		assert_int_equal(run(c, &good, &got), PF_OK);
		struct frame pixels = good;
		pixels.pixels = map;
		check(&pixels, &got, CSC_BT709, false);
		f = good; /* the last row ends beyond it */
		f.dmabuf.offset[0] = LEN - ROW * HEIGHT + 256;
		assert_int_equal(run(c, &f, &got), PF_E_INVALID);
		f = good; /* further planes, which linear memory has not */
		f.dmabuf.n_planes = 2;
		f.dmabuf.stride[1] = ROW;
		assert_int_equal(run(c, &f, &got), PF_E_INVALID);
		f = good; /* rows that overlap, rows that are too long */
		f.stride = f.dmabuf.stride[0] = WIDTH * 4 - 4;
		assert_int_equal(run(c, &f, &got), PF_E_INVALID);
		f.stride = f.dmabuf.stride[0] = 0x7ffffffc;
		assert_int_equal(run(c, &f, &got), PF_E_INVALID);
		f = good; /* tiles, which the memory cannot have */
		f.dmabuf.modifier = 0x0300000000606014u;
		assert_int_equal(run(c, &f, &got), PF_E_UNSUPPORTED);
	}
	vulkan_convert_destroy(c);
	munmap(map, LEN);
	close(fd);
	close(file);
	close(device);
}

/* What the driver does not name is not even asked of it. */
static void finds_only_known_layouts(void **state)
{
	(void)state;
	struct gpu_vulkan v = {.layouts = {{.n = 2,
				       .list = {{0, 1, 1}, {77, 2, 1}},
				       .most = {{64, 64, 1}, {4096, 4096, 1}}}}};
	v.memory.n_types = 3;
	v.memory.types[0].flags = 1;
	v.memory.types[1].flags = VULKAN_MEMORY_HOST_VISIBLE;
	v.memory.types[2].flags = VULKAN_MEMORY_HOST_VISIBLE | VULKAN_MEMORY_HOST_COHERENT;
	assert_non_null(vulkan_find_layout(&v, FRAME_BGRX, 0, 64, 64));
	assert_null(vulkan_find_layout(&v, FRAME_BGRX, 0, 65, 64));
	assert_int_equal(vulkan_find_layout(&v, FRAME_BGRX, 77, 65, 64)->n_planes, 2);
	assert_null(vulkan_find_layout(&v, FRAME_BGRX, 1, 64, 64));
	assert_null(vulkan_find_layout(&v, FRAME_RGBX, 0, 64, 64));
	uint64_t one[1];
	assert_int_equal(vulkan_display_modifiers(&v, FRAME_BGRX, one, 1), 1);
	assert_int_equal(vulkan_memory_kind(&v, 7, VULKAN_MEMORY_HOST_COHERENT), 2);
	assert_int_equal(vulkan_memory_kind(&v, 3, VULKAN_MEMORY_HOST_VISIBLE), 1);
	assert_int_equal(vulkan_memory_kind(&v, 3, VULKAN_MEMORY_HOST_COHERENT), UINT32_MAX);
}

static void no_gpu_is_no_display(void **state)
{
	(void)state;
	const char *why;
	setenv("PUNKTFUNK_GPU", "off", 1);
	assert_null(vulkan_display(false, &why));
	assert_non_null(strstr(why, "PUNKTFUNK_GPU=off"));
	unsetenv("PUNKTFUNK_GPU");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_gpu_is_no_display),
		cmocka_unit_test(finds_only_known_layouts),
		cmocka_unit_test(converts_as_the_cpu_does),
		cmocka_unit_test(refuses_what_is_not_there),
		cmocka_unit_test(refuses_strange_memory),
		cmocka_unit_test(believes_no_lies_of_real_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
