/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/capture/capture.h"
#include "host/gpu/dmabuf.h"
#include "host/gpu/gbm_api.h"
#include "host/gpu/node.h"
#include "host/media/clock.h"
#include "host/wayland/main_device.h"
#include "tests/support/fake_compositor.h"

/*
 * Pictures in a GPU's memory, without a GPU: its library and its device are this file's (the linker's --wrap), its
 * memory is shared memory.
 */

#define WAIT_NS	   5000000000ull
#define PLANE_AT   4096u
#define MORE_A_ROW 64u

enum gpu_fault { GPU_GOOD, GPU_MISSING, GPU_FULL, GPU_NO_MODIFIER, GPU_MANY_PLANES, GPU_NO_FD };

static enum gpu_fault gpu_fault;
static unsigned n_bos;

struct gbm_bo {
	uint32_t width, height;
	int fd;
};

struct gbm_device {
	int fd;
};

static struct gbm_device *create_device(int fd)
{
	static struct gbm_device device;
	device.fd = fd;
	return &device;
}

static void device_destroy(struct gbm_device *device)
{
	assert_int_equal(n_bos, 0);
	device->fd = -1;
}

static struct gbm_bo *bo_create(struct gbm_device *device, uint32_t width, uint32_t height,
	uint32_t format, const uint64_t *modifiers, unsigned count)
{
	assert_true(device->fd >= 0);
	assert_int_equal(format, FAKE_FOURCC);
	assert_int_equal(count, 1); /* what both sides have, and nothing else */
	assert_true(modifiers[0] == FAKE_MODIFIER);
	struct gbm_bo *bo = gpu_fault == GPU_FULL ? NULL : malloc(sizeof(*bo));
	if (!bo)
		return NULL;
	*bo = (struct gbm_bo){width, height, memfd_create("gpu", MFD_CLOEXEC)};
	assert_int_equal(ftruncate(bo->fd, PLANE_AT + (width * 4 + MORE_A_ROW) * height), 0);
	n_bos++;
	return bo;
}

static void bo_destroy(struct gbm_bo *bo)
{
	close(bo->fd);
	free(bo);
	n_bos--;
}

static uint64_t bo_modifier(struct gbm_bo *bo)
{
	(void)bo;
	return gpu_fault == GPU_NO_MODIFIER ? DMABUF_INVALID : FAKE_MODIFIER;
}

static int bo_planes(struct gbm_bo *bo)
{
	(void)bo;
	return gpu_fault == GPU_MANY_PLANES ? 7 : 1;
}

static int bo_fd(struct gbm_bo *bo, int plane)
{
	assert_int_equal(plane, 0);
	return gpu_fault == GPU_NO_FD ? -1 : fcntl(bo->fd, F_DUPFD_CLOEXEC, 0);
}

static uint32_t bo_stride(struct gbm_bo *bo, int plane)
{
	(void)plane;
	return bo->width * 4 + MORE_A_ROW;
}

static uint32_t bo_offset(struct gbm_bo *bo, int plane)
{
	(void)bo;
	(void)plane;
	return PLANE_AT;
}

static const struct gbm_api api = {
	.create_device = create_device,
	.device_destroy = device_destroy,
	.bo_create_with_modifiers = bo_create,
	.bo_destroy = bo_destroy,
	.bo_get_modifier = bo_modifier,
	.bo_get_plane_count = bo_planes,
	.bo_get_fd_for_plane = bo_fd,
	.bo_get_stride_for_plane = bo_stride,
	.bo_get_offset = bo_offset,
};

const void *__wrap_gpu_library(enum gpu_library_id id, const char **why);
const void *__wrap_gpu_library(enum gpu_library_id id, const char **why)
{
	if (why)
		*why = "";
	return id == GPU_GBM && gpu_fault != GPU_MISSING ? &api : NULL;
}

/* A character device that is always there stands for the node; the compositor names that one. */
unsigned __wrap_gpu_nodes(struct gpu_node *out);
unsigned __wrap_gpu_nodes(struct gpu_node *out)
{
	memset(out, 0, 2 * sizeof(*out));
	snprintf(out[0].path, sizeof(out[0].path), "/dev/null");
	snprintf(out[1].path, sizeof(out[1].path), "/dev/zero");
	return 2;
}

int __wrap_gpu_node_open(const char *path);
int __wrap_gpu_node_open(const char *path)
{
	assert_string_equal(path, "/dev/zero");
	return open(path, O_RDWR | O_CLOEXEC);
}

static struct fake_compositor fake;

static struct {
	pthread_mutex_t lock;
	struct frame *held;
	unsigned n_gpu, n_shm, n_wrong;
	uint32_t width;
	uint64_t first_seq;
	int lost_err;
} seen;

static bool is_right(const struct frame *f, uint64_t seq)
{
	const struct frame_dmabuf *d = &f->dmabuf;
	const size_t len = PLANE_AT + (size_t)d->stride[0] * f->height;
	if (d->n_planes != 1 || d->fourcc != FAKE_FOURCC || d->modifier != FAKE_MODIFIER ||
		d->offset[0] != PLANE_AT || d->stride[0] != f->width * 4 + MORE_A_ROW ||
		f->format != FRAME_BGRX)
		return false;
	uint8_t *map = mmap(NULL, len, PROT_READ, MAP_SHARED, d->fd[0], 0);
	bool right = map != MAP_FAILED;
	for (uint32_t y = 0; right && y < f->height; y++) {
		const uint32_t *row = (const uint32_t *)(const void *)(map + PLANE_AT +
			(size_t)y * d->stride[0]);
		const uint32_t want = fake_compositor_row(seq, f->height, y);
		right = row[0] == want && row[f->width - 1] == want;
	}
	if (map != MAP_FAILED)
		munmap(map, len);
	return right;
}

static void on_frame(struct frame *f, void *userdata)
{
	(void)userdata;
	pthread_mutex_lock(&seen.lock);
	if (f->width != seen.width) {
		seen.width = f->width;
		seen.first_seq = f->seq;
		seen.n_gpu = seen.n_shm = 0;
	}
	seen.n_shm += f->pixels != NULL;
	seen.n_gpu += !f->pixels;
	seen.n_wrong += !f->pixels && !is_right(f, f->seq - seen.first_seq);
	frame_unref(seen.held);
	seen.held = frame_ref(f);
	pthread_mutex_unlock(&seen.lock);
}

static void on_lost(int err, const char *why, void *userdata)
{
	(void)why;
	(void)userdata;
	pthread_mutex_lock(&seen.lock);
	seen.lost_err = err;
	pthread_mutex_unlock(&seen.lock);
}

static dev_t importer; /* 0 = not known */

static struct capture *start(enum fake_fault fault, enum gpu_fault gpu, bool wanted)
{
	static const uint64_t modifiers[] = {0x0300000000000003, FAKE_MODIFIER};
	struct capture *c;
	memset(&fake, 0, sizeof(fake));
	memset(&seen, 0, sizeof(seen));
	pthread_mutex_init(&seen.lock, NULL);
	gpu_fault = gpu;
	fake.fault = fault;
	fake.has_images = fake.has_dmabuf = true;
	fake.width = 320;
	fake.height = 240;
	assert_int_equal(fake_compositor_start(&fake), 0);
	const struct capture_params params = {.wayland_display = fake.path,
		.output_name = "FAKE-1",
		.dmabuf = wanted,
		.device = importer,
		.modifiers = modifiers,
		.n_modifiers = 2,
		.on_frame = on_frame,
		.on_lost = on_lost};
	assert_int_equal(capture_create(&c, "wlr", &params), 0);
	assert_int_equal(capture_start(c), 0);
	return c;
}

static void wait_for(const unsigned *n, unsigned want, uint32_t width)
{
	const uint64_t until_ns = clock_now_ns() + WAIT_NS;
	for (bool there = false; !there; usleep(2000)) {
		pthread_mutex_lock(&seen.lock);
		there = *n >= want && seen.width == width;
		pthread_mutex_unlock(&seen.lock);
		if (clock_now_ns() > until_ns)
			fail_msg("%u and %u pictures of %u, lost: %d", seen.n_gpu, seen.n_shm,
				seen.width, seen.lost_err);
	}
}

static void stop(struct capture *c)
{
	capture_destroy(c);
	frame_unref(seen.held);
	fake_compositor_stop(&fake);
	pthread_mutex_destroy(&seen.lock);
	assert_int_equal(seen.lost_err, 0);
	assert_int_equal(n_bos, 0);
}

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void pictures_stay_on_the_gpu(void **state)
{
	(void)state;
	const unsigned fds = count_fds();
	struct capture *c = start(FAKE_GOOD, GPU_GOOD, true);
	wait_for(&seen.n_gpu, 40, 320);
	capture_stop(c);
	assert_int_equal(seen.n_wrong, 0);
	assert_int_equal(seen.n_shm, 0);
	assert_true(fake.n_partial > 20);
	stop(c);
	assert_int_equal(count_fds(), fds);
}

static void another_size_gets_other_memory(void **state)
{
	(void)state;
	const unsigned fds = count_fds();
	struct capture *c = start(FAKE_RESIZES, GPU_GOOD, true);
	wait_for(&seen.n_gpu, 10, 800);
	capture_stop(c);
	assert_int_equal(seen.n_wrong, 0);
	assert_int_equal(fake.n_gpu_buffers, 5);
	stop(c);
	assert_int_equal(count_fds(), fds);
}

static void only_who_asked_gets_them(void **state)
{
	(void)state;
	struct capture *c = start(FAKE_GOOD, GPU_GOOD, false);
	wait_for(&seen.n_shm, 10, 320);
	capture_stop(c);
	assert_int_equal(seen.n_gpu, 0);
	stop(c);
}

/* Whatever is missing: the pictures come through shared memory. */
static void without_a_gpu_there_is_shared_memory(void **state)
{
	(void)state;
	static const struct {
		enum fake_fault fault;
		enum gpu_fault gpu;
	} cases[] = {{FAKE_NO_GPU, GPU_GOOD}, {FAKE_OTHER_LAYOUT, GPU_GOOD},
		{FAKE_GOOD, GPU_MISSING}, {FAKE_GOOD, GPU_FULL}, {FAKE_GOOD, GPU_NO_MODIFIER},
		{FAKE_GOOD, GPU_MANY_PLANES}, {FAKE_GOOD, GPU_NO_FD}, {FAKE_RESIZES, GPU_FULL}};
	const unsigned fds = count_fds();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture *c = start(cases[i].fault, cases[i].gpu, true);
		wait_for(&seen.n_shm, 10, cases[i].fault == FAKE_RESIZES ? 800 : 320);
		capture_stop(c);
		assert_int_equal(seen.n_gpu, 0);
		assert_int_equal(fake.n_gpu_buffers, 0);
		stop(c);
		assert_int_equal(count_fds(), fds);
	}
}

/* What the compositor draws on /dev/zero's GPU is not given to /dev/null's. */
static void another_gpu_gets_shared_memory(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	importer = gpu_node_number("/dev/null");
	assert_true(importer && importer != FAKE_DEVICE);
	struct capture *c = start(FAKE_GOOD, GPU_GOOD, true);
	wait_for(&seen.n_shm, 10, 320);
	capture_stop(c);
	assert_int_equal(seen.n_gpu, 0);
	stop(c);
	importer = FAKE_DEVICE;
	c = start(FAKE_GOOD, GPU_GOOD, true);
	wait_for(&seen.n_gpu, 10, 320);
	capture_stop(c);
	assert_int_equal(seen.n_shm, 0);
	stop(c);
	importer = 0;
}

static void the_desktops_gpu_is_told(void **state)
{
	(void)state;
	dev_t device = 0;
	char dir[128];
	memset(&fake, 0, sizeof(fake));
	fake.has_images = fake.has_dmabuf = true;
	fake.width = 320;
	fake.height = 240;
	fake.main_device = FAKE_DEVICE;
	const unsigned fds = count_fds();
	assert_int_equal(fake_compositor_start(&fake), 0);
	assert_int_equal(main_device_ask(fake.path, &device), PF_OK);
	assert_true(device == FAKE_DEVICE);
	/* By the environment's name, relative to the folder or not; and without it, as it is none of the usual names. */
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(fake.path, '/') - fake.path), fake.path);
	setenv("WAYLAND_DISPLAY", "fake", 1);
	device = 0;
	assert_int_equal(main_device_find(dir, &device), PF_OK);
	assert_true(device == FAKE_DEVICE);
	setenv("WAYLAND_DISPLAY", fake.path, 1);
	assert_int_equal(main_device_find("/nowhere", &device), PF_OK);
	unsetenv("WAYLAND_DISPLAY");
	assert_int_equal(main_device_find(dir, &device), PF_E_NO_FRAME);
	assert_true(main_device_ask("/nowhere/at/all", &device) < 0);
	fake_compositor_stop(&fake);
	assert_int_equal(count_fds(), fds);
}

/* One that says half of it, nothing, or is too old. */
static void a_gpu_that_is_not_told_is_none(void **state)
{
	(void)state;
	static const struct {
		enum fake_fault fault;
		dev_t device;
	} cases[] = {{FAKE_ODD_DEVICE, 5}, {FAKE_NO_GPU, 5}, {FAKE_GOOD, 0}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dev_t device = 7;
		memset(&fake, 0, sizeof(fake));
		fake.fault = cases[i].fault;
		fake.main_device = cases[i].device;
		fake.has_images = fake.has_dmabuf = true;
		fake.width = 320;
		fake.height = 240;
		assert_int_equal(fake_compositor_start(&fake), 0);
		assert_int_equal(main_device_ask(fake.path, &device), PF_E_UNSUPPORTED);
		fake_compositor_stop(&fake);
	}
}

int main(int argc, char **argv)
{
	log_set_level(LOG_ERROR);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pictures_stay_on_the_gpu),
		cmocka_unit_test(another_size_gets_other_memory),
		cmocka_unit_test(only_who_asked_gets_them),
		cmocka_unit_test(without_a_gpu_there_is_shared_memory),
		cmocka_unit_test(another_gpu_gets_shared_memory),
		cmocka_unit_test(the_desktops_gpu_is_told),
		cmocka_unit_test(a_gpu_that_is_not_told_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
