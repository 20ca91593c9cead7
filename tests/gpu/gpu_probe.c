/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * gpu_probe: what of host/gpu/ works on this machine. Not part of the suite, as few machines have what it looks
 * for: each line is a step that worked ("ok"), one that did not ("FAIL"), or one that could not be tried ("--").
 * Exits with 1 only after a FAIL: a picture that came out wrong, or a step that broke half way.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "core/wire/handshake.h"
#include "host/encode/csc.h"
#include "host/encode/encoder.h"
#include "host/gpu/convert.h"
#include "host/gpu/cuda_copy.h"
#include "host/gpu/display.h"
#include "host/gpu/dmabuf.h"
#include "host/gpu/image.h"
#include "host/gpu/probe.h"
#include "host/gpu/vulkan.h"
#include "host/gpu/vulkan_convert.h"
#include "host/media/clock.h"

/* A GPU's arithmetic rounds on its own. */
#define TOLERANCE 1
#define ROUNDS	  50u

static int n_failed;

static __attribute__((format(printf, 2, 3))) void report(int good, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("%-4s ", good > 0 ? "ok" : good < 0 ? "--" : "FAIL");
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	fflush(stdout); /* what comes next may crash in a driver */
	n_failed += !good;
}

static void say(const char *what, bool good, const char *text, void *userdata)
{
	(void)userdata;
	report(good ? 1 : -1, "%s: %s", what, text);
}

/* --- a picture, and what it should become --- */

struct picture {
	uint32_t width, height, stride, coded_width, coded_height;
	uint8_t *pixels, *y, *uv, *want_y, *want_uv;
	struct frame frame;
};

static void picture_finish(struct picture *p)
{
	free(p->pixels);
	free(p->y);
	free(p->uv);
	free(p->want_y);
	free(p->want_uv);
}

static void picture_init(
	struct picture *p, uint32_t width, uint32_t height, bool bgrx, bool invert, uint8_t matrix)
{
	struct csc csc;
	memset(p, 0, sizeof(*p));
	p->width = width;
	p->height = height;
	p->stride = (width * 4 + 255) & ~255u;
	p->coded_width = (width + 1) & ~1u;
	p->coded_height = (height + 1) & ~1u;
	size_t room = (size_t)(p->coded_width + 2) * (p->coded_height + 2);
	p->pixels = calloc(p->stride, height);
	p->y = calloc(1, room);
	p->uv = calloc(1, room);
	p->want_y = calloc(1, room);
	p->want_uv = calloc(1, room);
	uint32_t seed = 1;
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width * 4; x++) {
			seed = seed * 1664525u + 1013904223u;
			p->pixels[(size_t)y * p->stride + x] = (uint8_t)(x + y + (seed >> 28));
		}
	if (csc_init(&csc, matrix, false) < 0)
		abort();
	const uint8_t *first = p->pixels + (invert ? (size_t)(height - 1) * p->stride : 0);
	csc_to_nv12(&csc, first, invert ? -(ptrdiff_t)p->stride : (ptrdiff_t)p->stride, bgrx,
		p->want_y, p->coded_width, p->want_uv, p->coded_width, width, height);
	for (uint32_t y = 0; y < height && width & 1; y++)
		p->want_y[y * p->coded_width + width] = p->want_y[y * p->coded_width + width - 1];
	if (height & 1)
		memcpy(p->want_y + (size_t)height * p->coded_width,
			p->want_y + (size_t)(height - 1) * p->coded_width, p->coded_width);
	frame_init(&p->frame);
	p->frame.width = width;
	p->frame.height = height;
	p->frame.stride = p->stride;
	p->frame.format = bgrx ? FRAME_BGRX : FRAME_RGBX;
	p->frame.y_invert = invert;
}

static unsigned worst(const uint8_t *a, const uint8_t *b, size_t n)
{
	unsigned most = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned d = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
		most = d > most ? d : most;
	}
	return most;
}

static void check_picture(const struct picture *p, const char *what)
{
	size_t n = (size_t)p->coded_width * p->coded_height;
	unsigned y = worst(p->y, p->want_y, n), uv = worst(p->uv, p->want_uv, n / 2);
	report(y <= TOLERANCE && uv <= TOLERANCE,
		"%s: %ux%u is off by at most %u (luma) and %u (chroma)", what, p->width, p->height,
		y, uv);
}

static struct gpu_convert *make_convert(
	const struct gpu_display *d, const struct picture *p, uint8_t matrix)
{
	struct gpu_convert *c = NULL;
	const struct gpu_convert_params params = {
		.width = p->width, .height = p->height, .matrix = matrix};
	int err = gpu_convert_create(&c, d, &params);
	if (err < 0)
		report(0, "a converter cannot be made: %s", pf_strerror(err));
	return c;
}

static int convert_and_read(struct gpu_convert *c, struct picture *p)
{
	int err = gpu_convert_frame(c, &p->frame, NULL, false);
	if (err >= 0)
		err = gpu_convert_read(c, p->y, p->coded_width, p->uv, p->coded_width);
	return err;
}

/* --- steps --- */

static void try_upload(const struct gpu_display *d, uint32_t width, uint32_t height, bool bgrx,
	bool invert, uint8_t matrix)
{
	struct picture p;
	char what[96];
	snprintf(what, sizeof(what), "conversion of pixels (%s%s, matrix %u)",
		bgrx ? "BGRX" : "RGBX", invert ? ", upside down" : "", matrix);
	picture_init(&p, width, height, bgrx, invert, matrix);
	p.frame.pixels = p.pixels;
	struct gpu_convert *c = make_convert(d, &p, matrix);
	int err = c ? convert_and_read(c, &p) : PF_OK;
	if (err < 0)
		report(0, "%s: %s", what, pf_strerror(err));
	else if (c)
		check_picture(&p, what);
	gpu_convert_destroy(c);
	picture_finish(&p);
}

static void try_speed(const struct gpu_display *d)
{
	struct picture p;
	uint64_t done_ns, convert_ns = 0, read_ns = 0;
	picture_init(&p, 1920, 1080, true, false, CSC_BT709);
	p.frame.pixels = p.pixels;
	struct gpu_convert *c = make_convert(d, &p, CSC_BT709);
	int err = c ? PF_OK : PF_E_UNSUPPORTED;
	for (unsigned i = 0; i <= ROUNDS && err >= 0; i++) {
		uint64_t start_ns = clock_now_ns();
		err = gpu_convert_frame(c, &p.frame, NULL, true);
		done_ns = clock_now_ns();
		if (err >= 0)
			err = gpu_convert_read(c, p.y, p.coded_width, p.uv, p.coded_width);
		if (!i)
			continue; /* the first one compiles */
		convert_ns += done_ns - start_ns;
		read_ns += clock_now_ns() - done_ns;
	}
	if (err < 0)
		report(0, "conversion of 1920x1080: %s", pf_strerror(err));
	else
		report(1, "conversion of 1920x1080: %.2f ms with the upload, %.2f ms to read back",
			(double)convert_ns / ROUNDS / 1e6, (double)read_ns / ROUNDS / 1e6);
	gpu_convert_destroy(c);
	picture_finish(&p);
}

/* Memory as a DMA-BUF; map: the same for the CPU. */
static int make_udmabuf(size_t len, uint8_t **map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (len + page - 1) / page * page;
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int fd = device < 0 ? -1 : memfd_create("gpu_probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int out = -1;
	*map = MAP_FAILED;
	if (fd >= 0 && !ftruncate(fd, (off_t)size) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		struct udmabuf_create create = {
			.memfd = (uint32_t)fd, .flags = UDMABUF_FLAGS_CLOEXEC, .size = size};
		*map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		out = *map == MAP_FAILED ? -1 : ioctl(device, UDMABUF_CREATE, &create);
	}
	if (fd >= 0)
		close(fd);
	if (device >= 0)
		close(device);
	return out;
}

static void use_dmabuf(struct picture *p, int fd, uint64_t modifier, uint32_t stride)
{
	p->frame.pixels = NULL;
	p->frame.stride = stride;
	p->frame.dmabuf = (struct frame_dmabuf){.n_planes = 1,
		.fourcc = p->frame.format == FRAME_BGRX ? DMABUF_XR24 : DMABUF_XB24,
		.modifier = modifier,
		.fd = {fd},
		.stride = {stride}};
}

static void try_mapping(struct picture *p)
{
	struct dmabuf_maps maps;
	dmabuf_maps_init(&maps);
	int err = dmabuf_check(&p->frame);
	const uint8_t *pixels = err < 0 ? NULL : dmabuf_begin(&maps, &p->frame);
	bool same = pixels && !memcmp(pixels, p->pixels, (size_t)p->stride * (p->height - 1));
	if (pixels)
		dmabuf_end(&p->frame);
	report(same, "a linear DMA-BUF read by the CPU: %s",
		err < 0		  ? pf_strerror(err)
			: !pixels ? "it cannot be mapped"
			: same	  ? "the same pixels"
				  : "other pixels");
	dmabuf_maps_finish(&maps);
}

static void try_udmabuf_import(const struct gpu_display *d, struct picture *p)
{
	struct gpu_convert *c = make_convert(d, p, CSC_BT709);
	int err = c ? convert_and_read(c, p) : PF_OK;
	/* Only some GPUs take what is the CPU's; swrast takes it with DRM's help. */
	if (err == PF_E_UNSUPPORTED)
		report(-1, "a linear udmabuf is not taken by EGL here");
	else if (err < 0)
		report(0, "a linear udmabuf: %s", pf_strerror(err));
	else if (c)
		check_picture(p, "a linear udmabuf through EGL");
	gpu_convert_destroy(c);
}

static void try_udmabuf_target(const struct gpu_display *d, struct picture *p)
{
	uint32_t stride = (p->coded_width + 255) & ~255u, uv_at = stride * p->coded_height;
	uint8_t *map;
	int fd = make_udmabuf((size_t)uv_at * 3 / 2, &map);
	struct gpu_convert *c = make_convert(d, p, CSC_BT709);
	struct gpu_target target = {0};
	const struct gpu_nv12 to = {
		.planes = {{fd, 0, stride, DMABUF_LINEAR}, {fd, uv_at, stride, DMABUF_LINEAR}}};
	p->frame.pixels = p->pixels;
	int err = c && fd >= 0 ? gpu_convert_import(c, &to, &target) : PF_E_UNSUPPORTED;
	if (err < 0) {
		report(-1, "a picture in NV12 in a DMA-BUF is not taken as a target here");
	} else {
		err = gpu_convert_frame(c, &p->frame, &target, true);
		for (uint32_t y = 0; y < p->coded_height; y++)
			memcpy(p->y + (size_t)y * p->coded_width, map + (size_t)y * stride,
				p->coded_width);
		for (uint32_t y = 0; y < p->coded_height / 2; y++)
			memcpy(p->uv + (size_t)y * p->coded_width, map + uv_at + (size_t)y * stride,
				p->coded_width);
		if (err < 0)
			report(0, "conversion into a DMA-BUF: %s", pf_strerror(err));
		else
			check_picture(p, "conversion into a DMA-BUF in NV12");
		gpu_convert_forget(c, &target);
	}
	gpu_convert_destroy(c);
	if (map != MAP_FAILED)
		munmap(map, (size_t)uv_at * 3 / 2);
	if (fd >= 0)
		close(fd);
}

/* As a session does it: from the memory to a unit. */
static void try_software_encoder(const struct picture *p)
{
	const struct encoder_params params = {.width = p->width,
		.height = p->height,
		.refresh_hz = 60,
		.bitrate_kbps = ENCODER_DEFAULT_KBPS,
		.codec = PF_CODEC_H264};
	struct frame f = p->frame;
	struct encoder *e = NULL;
	struct unit_pool *pool = NULL;
	const struct gpu_display *d = gpu_importer();
	uint64_t took_ns = 0;
	if (!(encoder_codecs("x264") & PF_CODEC_H264)) {
		report(-1, "x264 is not built in");
		return;
	}
	int err = encoder_create(&e, "x264", &params);
	if (err >= 0)
		err = unit_pool_create(&pool, 1);
	for (unsigned i = 0; i < ROUNDS && err >= 0; i++) {
		struct unit *unit = unit_pool_get(pool);
		f.seq = i;
		err = encoder_encode(e, &f, false, unit);
		took_ns += err < 0 ? 0 : unit->convert_end_ns - unit->convert_start_ns;
		unit_unref(unit);
	}
	if (err < 0)
		report(0, "x264 of a linear udmabuf: %s", pf_strerror(err));
	else
		report(1, "x264 of a linear udmabuf: converted %s in %.2f ms",
			!d		    ? "through a mapping"
				: d->vulkan ? "by Vulkan"
					    : "by EGL",
			(double)took_ns / ROUNDS / 1e6);
	encoder_destroy(e);
	unit_pool_destroy(pool);
}

/* Each way that takes over from the one before when that refuses. */
static void try_each_importer(const struct picture *p)
{
	try_software_encoder(p);
	for (const struct gpu_display *d; (d = gpu_importer());) {
		gpu_importer_refuse(d, "to try the next way");
		try_software_encoder(p);
	}
}

static void try_udmabuf(const struct gpu_display *d)
{
	struct picture p;
	uint8_t *map;
	picture_init(&p, 1280, 720, true, false, CSC_BT709);
	size_t len = (size_t)p.stride * p.height;
	int fd = make_udmabuf(len, &map);
	if (fd < 0) {
		report(-1, "no /dev/udmabuf: DMA-BUFs of the CPU's memory are not tried");
	} else {
		memcpy(map, p.pixels, len);
		use_dmabuf(&p, fd, DMABUF_LINEAR, p.stride);
		try_mapping(&p);
		try_each_importer(&p);
		if (d) {
			try_udmabuf_import(d, &p);
			try_udmabuf_target(d, &p);
		}
		close(fd);
	}
	if (map != MAP_FAILED)
		munmap(map, len);
	picture_finish(&p);
}

/* The GPU's own texture, given away and taken back. */
static void try_round_trip(const struct gpu_display *d)
{
	struct picture p;
	int fourcc = 0, n_planes = 0, fds[4] = {-1, -1, -1, -1};
	int32_t strides[4] = {0}, offsets[4] = {0};
	uint64_t modifier = 0;
	uint32_t texture = 0;
	picture_init(&p, 1280, 720, false, false, CSC_BT709);
	struct gpu_convert *c = d->ext.export ? make_convert(d, &p, CSC_BT709) : NULL;
	if (!c || !gpu_context_enter(d, gpu_convert_context(c))) {
		report(-1, "EGL does not export textures here (EGL_MESA_image_dma_buf_export)");
		goto done;
	}
	d->gl->GenTextures(1, &texture);
	d->gl->BindTexture(GL_TEXTURE_2D, texture);
	d->gl->TexStorage2D(GL_TEXTURE_2D, 1, GL_RGBA8, (int32_t)p.width, (int32_t)p.height);
	d->gl->PixelStorei(GL_UNPACK_ROW_LENGTH, (int32_t)(p.stride / 4));
	d->gl->TexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, (int32_t)p.width, (int32_t)p.height, GL_RGBA,
		GL_UNSIGNED_BYTE, p.pixels);
	d->gl->Finish();
	void *image = d->ext.create_image(d->handle, gpu_convert_context(c), EGL_GL_TEXTURE_2D,
		(void *)(uintptr_t)texture, NULL);
	bool good = image && d->ext.export_query(d->handle, image, &fourcc, &n_planes, &modifier) &&
		n_planes == 1 && modifier != DMABUF_INVALID &&
		d->ext.export(d->handle, image, fds, strides, offsets);
	gpu_context_leave(d);
	if (!good) {
		report(-1, "EGL exports no texture of one plane and a known layout here");
	} else {
		use_dmabuf(&p, fds[0], modifier, (uint32_t)strides[0]);
		p.frame.dmabuf.fourcc = (uint32_t)fourcc;
		p.frame.dmabuf.offset[0] = (uint32_t)offsets[0];
		int err = convert_and_read(c, &p);
		if (err < 0)
			report(0, "a texture as a DMA-BUF and back (layout %#llx): %s",
				(unsigned long long)modifier, pf_strerror(err));
		else
			check_picture(&p, "a texture as a DMA-BUF and back");
	}
	if (image)
		d->ext.destroy_image(d->handle, image);
	for (int i = 0; i < 4; i++)
		if (fds[i] >= 0)
			close(fds[i]);
done:
	gpu_convert_destroy(c);
	picture_finish(&p);
}

static void try_cuda(const struct gpu_display *d)
{
	struct picture p;
	struct cuda_copier *k = NULL;
	picture_init(&p, 1280, 720, true, false, CSC_BT709);
	p.frame.pixels = p.pixels;
	struct gpu_convert *c = make_convert(d, &p, CSC_BT709);
	int err = c ? cuda_copier_create(&k, d, c, p.coded_width, p.coded_height)
		    : PF_E_UNSUPPORTED;
	if (err < 0) {
		report(-1, "CUDA does not take the textures of %s: %s", d->renderer,
			pf_strerror(err));
	} else {
		const struct cuda_nv12 to = {
			.stride = {p.coded_width, p.coded_width}, .host = {p.y, p.uv}};
		err = gpu_convert_frame(c, &p.frame, NULL, false);
		if (err >= 0)
			err = cuda_copier_run(k, &to);
		if (err < 0)
			report(0, "textures to CUDA: %s", pf_strerror(err));
		else
			check_picture(&p, "textures to CUDA");
	}
	cuda_copier_destroy(k);
	gpu_convert_destroy(c);
	picture_finish(&p);
}

/* --- Vulkan --- */

static struct vulkan_convert *make_vulkan(
	const struct gpu_display *d, const struct picture *p, uint8_t matrix)
{
	struct vulkan_convert *c = NULL;
	const struct gpu_convert_params params = {
		.width = p->width, .height = p->height, .matrix = matrix};
	int err = vulkan_convert_create(&c, d, &params);
	if (err < 0)
		report(0, "Vulkan: a converter cannot be made: %s", pf_strerror(err));
	return c;
}

static int run_vulkan(struct vulkan_convert *c, struct picture *p)
{
	return vulkan_convert_run(c, &p->frame, p->y, p->coded_width, p->uv, p->coded_width);
}

static void try_vulkan_upload(const struct gpu_display *d, uint32_t width, uint32_t height,
	bool bgrx, bool invert, uint8_t matrix)
{
	struct picture p;
	char what[96];
	snprintf(what, sizeof(what), "Vulkan: conversion of pixels (%s%s, matrix %u)",
		bgrx ? "BGRX" : "RGBX", invert ? ", upside down" : "", matrix);
	picture_init(&p, width, height, bgrx, invert, matrix);
	p.frame.pixels = p.pixels;
	struct vulkan_convert *c = make_vulkan(d, &p, matrix);
	int err = c ? run_vulkan(c, &p) : PF_OK;
	if (err < 0)
		report(0, "%s: %s", what, pf_strerror(err));
	else if (c)
		check_picture(&p, what);
	vulkan_convert_destroy(c);
	picture_finish(&p);
}

static void try_vulkan_speed(const struct gpu_display *d)
{
	struct picture p;
	uint64_t took_ns = 0;
	picture_init(&p, 1920, 1080, true, false, CSC_BT709);
	p.frame.pixels = p.pixels;
	struct vulkan_convert *c = make_vulkan(d, &p, CSC_BT709);
	int err = c ? PF_OK : PF_E_UNSUPPORTED;
	for (unsigned i = 0; i <= ROUNDS && err >= 0; i++) {
		uint64_t start_ns = clock_now_ns();
		err = run_vulkan(c, &p);
		took_ns += i ? clock_now_ns() - start_ns : 0;
	}
	if (err < 0)
		report(0, "Vulkan: conversion of 1920x1080: %s", pf_strerror(err));
	else
		report(1, "Vulkan: conversion of 1920x1080: %.2f ms from pixels to pixels",
			(double)took_ns / ROUNDS / 1e6);
	vulkan_convert_destroy(c);
	picture_finish(&p);
}

static void try_vulkan_udmabuf(const struct gpu_display *d)
{
	struct picture p;
	uint8_t *map;
	picture_init(&p, 1280, 720, true, false, CSC_BT709);
	const size_t len = (size_t)p.stride * p.height;
	int fd = make_udmabuf(len, &map);
	struct vulkan_convert *c = fd >= 0 && d->imports ? make_vulkan(d, &p, CSC_BT709) : NULL;
	if (!c) {
		report(-1, "Vulkan: no DMA-BUF is tried (%s)",
			fd < 0 ? "no /dev/udmabuf" : "the driver imports none");
	} else {
		memcpy(map, p.pixels, len);
		use_dmabuf(&p, fd, DMABUF_LINEAR, p.stride);
		int err = run_vulkan(c, &p);
		uint64_t start_ns = clock_now_ns();
		for (unsigned i = 0; i < ROUNDS && err >= 0; i++)
			err = run_vulkan(c, &p);
		uint64_t took_ns = clock_now_ns() - start_ns;
		if (err == PF_E_UNSUPPORTED)
			report(-1, "Vulkan: a linear udmabuf is not taken here");
		else if (err < 0)
			report(0, "Vulkan: a linear udmabuf: %s", pf_strerror(err));
		else
			check_picture(&p, "Vulkan: a linear udmabuf");
		if (err >= 0)
			report(1, "Vulkan: a linear udmabuf of 1280x720 in %.2f ms",
				(double)took_ns / ROUNDS / 1e6);
	}
	vulkan_convert_destroy(c);
	if (fd >= 0)
		close(fd);
	if (map != MAP_FAILED)
		munmap(map, len);
	picture_finish(&p);
}

static void try_vulkan(void)
{
	const char *why;
	const struct gpu_display *d = vulkan_display(true, &why);
	if (!d) {
		report(-1, "Vulkan: %s", why);
		return;
	}
	uint64_t modifiers[VULKAN_MODIFIERS];
	size_t n = gpu_display_modifiers(d, DMABUF_XR24, modifiers, VULKAN_MODIFIERS);
	report(1, "Vulkan: converting on %s%s%s%s, which imports %zu layouts", d->renderer,
		d->software ? " (the CPU)" : "", d->node[0] ? " at " : "", d->node, n);
	try_vulkan_upload(d, 1280, 720, true, false, CSC_BT709);
	try_vulkan_upload(d, 1280, 720, false, false, CSC_BT601);
	try_vulkan_upload(d, 1279, 719, true, true, CSC_BT2020);
	try_vulkan_speed(d);
	try_vulkan_udmabuf(d);
}

/* Each encodes two pictures of 720p before it says that it can. */
static void try_encoder(const char *name)
{
	uint8_t codecs = encoder_codecs(name);
	report(codecs ? 1 : -1, "encoder %s:%s%s%s%s", name, codecs & PF_CODEC_H264 ? " H.264" : "",
		codecs & PF_CODEC_HEVC ? " HEVC" : "", codecs & PF_CODEC_AV1 ? " AV1" : "",
		codecs ? "" : " opens for no codec");
}

int main(void)
{
	const char *why;
	gpu_probe(say, NULL);
	const struct gpu_display *d = gpu_display(true, &why);
	if (d) {
		report(1, "converting on %s%s", d->renderer, d->software ? " (the CPU)" : "");
		try_upload(d, 1280, 720, true, false, CSC_BT709);
		try_upload(d, 1280, 720, false, false, CSC_BT601);
		try_upload(d, 1279, 719, true, true, CSC_BT2020);
		try_speed(d);
		try_round_trip(d);
		try_cuda(d);
	} else {
		report(-1, "nothing to convert on: %s", why);
	}
	try_udmabuf(d);
	try_vulkan();
	try_encoder("vaapi");
	try_encoder("nvenc");
	printf("%d failed\n", n_failed);
	return n_failed ? 1 : 0;
}
