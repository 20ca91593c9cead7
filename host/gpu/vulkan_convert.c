/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/vulkan_convert.h"

#include <stdlib.h>
#include <string.h>

#include "host/encode/csc.h"
#include "host/gpu/display.h"
#include "host/gpu/dmabuf.h"
#include "host/gpu/image.h"
#include "host/gpu/vulkan_image.h"
#include "host/gpu/vulkan_shader.h"

/* A GPU that needs longer for a picture hangs. */
#define PICTURE_NS UINT64_C(1000000000)

/* As in vulkan_shader.comp. */
enum { GROUP = 8, PIXELS_ACROSS = 4, PIXELS_DOWN = 2, ROW_ALIGN = 256 };

struct push {
	float luma[4], first[4], second[4];
	int32_t last[2];
	uint32_t coded[2], stride, chroma_at;
	int32_t flip;
};

struct buffer {
	uint64_t buffer, memory;
	uint8_t *map;
};

struct vulkan_convert {
	struct vulkan_device device;
	struct gpu_convert_params params;
	struct push push;
	bool hangs; /* it is still at work, so that nothing of it may go */
	uint64_t sampler, set_layout, layout, pipeline, sets, set, pool, fence;
	void *commands;
	struct buffer planes, upload;
	struct vulkan_image uploaded;
	enum frame_format upload_format;
	struct image_cache *images;
};

/* --- to make one --- */

static int make_buffer(struct vulkan_convert *c, uint64_t size, uint32_t usage, struct buffer *out)
{
	struct vulkan_device *d = &c->device;
	const struct vulkan_buffer_create_info info = {
		.type = VULKAN_T_BUFFER, .size = size, .usage = usage};
	struct vulkan_requirements need;
	void *map;
	int err = vulkan_error(d->api.CreateBuffer(d->handle, &info, NULL, &out->buffer));
	if (err < 0)
		return err;
	d->api.GetBufferMemoryRequirements(d->handle, out->buffer, &need);
	const uint32_t plain = VULKAN_MEMORY_HOST_VISIBLE | VULKAN_MEMORY_HOST_COHERENT;
	uint32_t kind = vulkan_memory_kind(d->gpu, need.types, plain | VULKAN_MEMORY_HOST_CACHED);
	if (kind == UINT32_MAX)
		kind = vulkan_memory_kind(d->gpu, need.types, plain);
	if (kind == UINT32_MAX)
		return PF_E_UNSUPPORTED;
	const struct vulkan_allocate_info memory = {
		.type = VULKAN_T_ALLOCATE, .size = need.size, .memory_type = kind};
	err = vulkan_error(d->api.AllocateMemory(d->handle, &memory, NULL, &out->memory));
	if (err >= 0)
		err = vulkan_error(d->api.BindBufferMemory(d->handle, out->buffer, out->memory, 0));
	if (err >= 0)
		err = vulkan_error(d->api.MapMemory(d->handle, out->memory, 0, need.size, 0, &map));
	if (err >= 0)
		out->map = map;
	return err;
}

static void drop_buffer(struct vulkan_device *d, struct buffer *b)
{
	d->api.DestroyBuffer(d->handle, b->buffer, NULL);
	d->api.FreeMemory(d->handle, b->memory, NULL); /* with its mapping */
	memset(b, 0, sizeof(*b));
}

static int make_layout(struct vulkan_convert *c)
{
	struct vulkan_device *d = &c->device;
	const struct vulkan_sampler_create_info sampler = {.type = VULKAN_T_SAMPLER};
	const struct vulkan_binding bindings[] = {
		{0, VULKAN_DESCRIPTOR_IMAGE, 1, VULKAN_STAGE_COMPUTE, NULL},
		{1, VULKAN_DESCRIPTOR_BUFFER, 1, VULKAN_STAGE_COMPUTE, NULL},
	};
	const struct vulkan_set_layout_create_info set = {
		.type = VULKAN_T_SET_LAYOUT, .n = 2, .bindings = bindings};
	const struct vulkan_push_range range = {VULKAN_STAGE_COMPUTE, 0, sizeof(struct push)};
	int r = d->api.CreateSampler(d->handle, &sampler, NULL, &c->sampler);
	if (r >= 0)
		r = d->api.CreateDescriptorSetLayout(d->handle, &set, NULL, &c->set_layout);
	const struct vulkan_pipeline_layout_create_info layout = {.type = VULKAN_T_PIPELINE_LAYOUT,
		.n_sets = 1,
		.sets = &c->set_layout,
		.n_ranges = 1,
		.ranges = &range};
	if (r >= 0)
		r = d->api.CreatePipelineLayout(d->handle, &layout, NULL, &c->layout);
	return vulkan_error(r);
}

static int make_pipeline(struct vulkan_convert *c)
{
	struct vulkan_device *d = &c->device;
	const struct vulkan_shader_create_info shader = {
		.type = VULKAN_T_SHADER, .len = sizeof(vulkan_shader), .code = vulkan_shader};
	struct vulkan_compute_create_info info = {.type = VULKAN_T_COMPUTE_PIPELINE,
		.stage = {.type = VULKAN_T_STAGE, .stage = VULKAN_STAGE_COMPUTE, .name = "main"},
		.layout = c->layout};
	int r = d->api.CreateShaderModule(d->handle, &shader, NULL, &info.stage.module);
	if (r < 0)
		return vulkan_error(r);
	r = d->api.CreateComputePipelines(d->handle, 0, 1, &info, NULL, &c->pipeline);
	d->api.DestroyShaderModule(d->handle, info.stage.module, NULL);
	return vulkan_error(r);
}

static int make_commands(struct vulkan_convert *c)
{
	struct vulkan_device *d = &c->device;
	static const struct vulkan_pool_size sizes[] = {
		{VULKAN_DESCRIPTOR_IMAGE, 1}, {VULKAN_DESCRIPTOR_BUFFER, 1}};
	const struct vulkan_descriptor_pool_create_info sets = {
		.type = VULKAN_T_DESCRIPTOR_POOL, .max_sets = 1, .n_sizes = 2, .sizes = sizes};
	const struct vulkan_command_pool_create_info pool = {.type = VULKAN_T_COMMAND_POOL,
		.flags = VULKAN_POOL_RESETS,
		.family = d->gpu->family};
	const struct vulkan_fence_create_info fence = {.type = VULKAN_T_FENCE};
	int r = d->api.CreateDescriptorPool(d->handle, &sets, NULL, &c->sets);
	const struct vulkan_allocate_sets set = {
		.type = VULKAN_T_ALLOCATE_SETS, .pool = c->sets, .n = 1, .layouts = &c->set_layout};
	if (r >= 0)
		r = d->api.AllocateDescriptorSets(d->handle, &set, &c->set);
	if (r >= 0)
		r = d->api.CreateCommandPool(d->handle, &pool, NULL, &c->pool);
	const struct vulkan_allocate_commands commands = {
		.type = VULKAN_T_ALLOCATE_COMMANDS, .pool = c->pool, .n = 1};
	if (r >= 0)
		r = d->api.AllocateCommandBuffers(d->handle, &commands, &c->commands);
	if (r >= 0)
		r = d->api.CreateFence(d->handle, &fence, NULL, &c->fence);
	return vulkan_error(r);
}

/* w: of R, G, B in 65536ths; black: in 255ths. */
static void set_weights(float out[4], const int32_t *w, float black)
{
	for (int i = 0; i < 3; i++)
		out[i] = (float)w[i] / 65536;
	out[3] = black / 255;
}

static void set_push(struct vulkan_convert *c, const struct csc *csc)
{
	struct push *p = &c->push;
	const struct gpu_convert_params *g = &c->params;
	set_weights(p->luma, csc->y, g->full_range ? 0 : 16);
	set_weights(p->first, csc->u, 128);
	set_weights(p->second, csc->v, 128);
	p->last[0] = (int32_t)g->width - 1;
	p->last[1] = (int32_t)g->height - 1;
	p->coded[0] = (g->width + 1) & ~1u;
	p->coded[1] = (g->height + 1) & ~1u;
	p->stride = (p->coded[0] + ROW_ALIGN - 1) & ~(ROW_ALIGN - 1u);
	p->chroma_at = p->stride * p->coded[1];
}

/* --- what a compositor draws in --- */

static int make_image(void *owner, const struct image_planes *p, struct image_made *out)
{
	struct vulkan_image i;
	int err = vulkan_image_import(owner, p, &i);
	if (err >= 0)
		*out = (struct image_made){.names = {i.image, i.memory, i.view}};
	return err;
}

static void drop_image(void *owner, struct image_made *made)
{
	struct vulkan_image i = {made->names[0], made->names[1], made->names[2]};
	vulkan_image_drop(owner, &i);
}

static const struct image_kind kind = {make_image, drop_image};

/* --- the whole --- */

static void drop_all(struct vulkan_convert *c)
{
	struct vulkan_device *d = &c->device;
	image_cache_destroy(c->images);
	vulkan_image_drop(d, &c->uploaded);
	drop_buffer(d, &c->planes);
	drop_buffer(d, &c->upload);
	d->api.DestroyFence(d->handle, c->fence, NULL);
	d->api.DestroyCommandPool(d->handle, c->pool, NULL);
	d->api.DestroyDescriptorPool(d->handle, c->sets, NULL);
	d->api.DestroyPipeline(d->handle, c->pipeline, NULL);
	d->api.DestroyPipelineLayout(d->handle, c->layout, NULL);
	d->api.DestroyDescriptorSetLayout(d->handle, c->set_layout, NULL);
	d->api.DestroySampler(d->handle, c->sampler, NULL);
}

void vulkan_convert_destroy(struct vulkan_convert *c)
{
	if (!c || c->hangs)
		return; /* left to the end of the process */
	if (c->device.queue)
		drop_all(c);
	vulkan_device_close(&c->device);
	free(c);
}

int vulkan_convert_create(struct vulkan_convert **out, const struct gpu_display *display,
	const struct gpu_convert_params *params)
{
	struct csc csc;
	*out = NULL;
	int err = csc_init(&csc, params->matrix, params->full_range);
	if (err < 0)
		return err;
	struct vulkan_convert *c = calloc(1, sizeof(*c));
	if (!c)
		return PF_E_NOMEM;
	c->params = *params;
	set_push(c, &csc);
	err = vulkan_device_open(&c->device, display->vulkan);
	if (err >= 0)
		err = image_cache_create(&c->images, &kind, &c->device);
	if (err >= 0)
		err = make_layout(c);
	if (err >= 0)
		err = make_pipeline(c);
	if (err >= 0)
		err = make_commands(c);
	if (err >= 0)
		err = make_buffer(
			c, (uint64_t)c->push.chroma_at * 3 / 2, VULKAN_BUFFER_STORAGE, &c->planes);
	if (err < 0) {
		vulkan_convert_destroy(c);
		return err;
	}
	*out = c;
	return PF_OK;
}

/* --- a picture --- */

static int upload(struct vulkan_convert *c, const struct frame *f)
{
	const size_t row = (size_t)f->width * 4;
	int err = PF_OK;
	if (c->uploaded.image && c->upload_format != f->format)
		vulkan_image_drop(&c->device, &c->uploaded);
	if (!c->upload.map) {
		drop_buffer(&c->device, &c->upload);
		err = make_buffer(c, row * f->height, VULKAN_BUFFER_TRANSFER_SRC, &c->upload);
	}
	if (err >= 0 && !c->uploaded.image)
		err = vulkan_image_create(&c->device, f->format, f->width, f->height, &c->uploaded);
	c->upload_format = f->format;
	for (uint32_t y = 0; y < f->height && err >= 0; y++)
		memcpy(c->upload.map + y * row, f->pixels + y * f->stride, row);
	return err;
}

static struct vulkan_image_barrier image_barrier(uint64_t image)
{
	return (struct vulkan_image_barrier){.type = VULKAN_T_IMAGE_BARRIER,
		.from_layout = VULKAN_LAYOUT_GENERAL,
		.to_layout = VULKAN_LAYOUT_GENERAL,
		.from_family = VULKAN_QUEUE_IGNORED,
		.to_family = VULKAN_QUEUE_IGNORED,
		.image = image,
		.range = {VULKAN_ASPECT_COLOR, 0, 1, 0, 1}};
}

static void begin_upload(struct vulkan_convert *c, const struct vulkan_image *i)
{
	const struct vulkan_device_api *vk = &c->device.api;
	const struct vulkan_buffer_image_copy part = {.part = {VULKAN_ASPECT_COLOR, 0, 0, 1},
		.extent = {c->params.width, c->params.height, 1}};
	struct vulkan_image_barrier b = image_barrier(i->image);
	b.from_layout = VULKAN_LAYOUT_UNDEFINED;
	b.to_access = VULKAN_ACCESS_TRANSFER_WRITE;
	vk->CmdPipelineBarrier(
		c->commands, VULKAN_PIPE_TOP, VULKAN_PIPE_TRANSFER, 0, 0, NULL, 0, NULL, 1, &b);
	vk->CmdCopyBufferToImage(
		c->commands, c->upload.buffer, i->image, VULKAN_LAYOUT_GENERAL, 1, &part);
	b = image_barrier(i->image);
	b.from_access = VULKAN_ACCESS_TRANSFER_WRITE;
	b.to_access = VULKAN_ACCESS_SHADER_READ;
	vk->CmdPipelineBarrier(
		c->commands, VULKAN_PIPE_TRANSFER, VULKAN_PIPE_COMPUTE, 0, 0, NULL, 0, NULL, 1, &b);
}

/* What others draw in is borrowed from them, and given back. */
static void borrow(struct vulkan_convert *c, const struct vulkan_image *i, bool back)
{
	struct vulkan_image_barrier b = image_barrier(i->image);
	b.from_family = back ? c->device.gpu->family : VULKAN_QUEUE_FOREIGN;
	b.to_family = back ? VULKAN_QUEUE_FOREIGN : c->device.gpu->family;
	b.to_access = back ? 0 : VULKAN_ACCESS_SHADER_READ;
	c->device.api.CmdPipelineBarrier(c->commands, back ? VULKAN_PIPE_COMPUTE : VULKAN_PIPE_TOP,
		back ? VULKAN_PIPE_BOTTOM : VULKAN_PIPE_COMPUTE, 0, 0, NULL, 0, NULL, 1, &b);
}

static void set_descriptors(struct vulkan_convert *c, const struct vulkan_image *i)
{
	const struct vulkan_image_descriptor image = {c->sampler, i->view, VULKAN_LAYOUT_GENERAL};
	const struct vulkan_buffer_descriptor buffer = {
		c->planes.buffer, 0, (uint64_t)c->push.chroma_at * 3 / 2};
	const struct vulkan_write_set writes[] = {
		{.type = VULKAN_T_WRITE_SET,
			.set = c->set,
			.n = 1,
			.descriptor = VULKAN_DESCRIPTOR_IMAGE,
			.images = &image},
		{.type = VULKAN_T_WRITE_SET,
			.set = c->set,
			.binding = 1,
			.n = 1,
			.descriptor = VULKAN_DESCRIPTOR_BUFFER,
			.buffers = &buffer},
	};
	c->device.api.UpdateDescriptorSets(c->device.handle, 2, writes, 0, NULL);
}

static void dispatch(struct vulkan_convert *c)
{
	const struct vulkan_device_api *vk = &c->device.api;
	const uint32_t across = (c->push.coded[0] + PIXELS_ACROSS - 1) / PIXELS_ACROSS;
	const uint32_t down = c->push.coded[1] / PIXELS_DOWN;
	const struct vulkan_buffer_barrier done = {.type = VULKAN_T_BUFFER_BARRIER,
		.from_access = VULKAN_ACCESS_SHADER_WRITE,
		.to_access = VULKAN_ACCESS_HOST_READ,
		.from_family = VULKAN_QUEUE_IGNORED,
		.to_family = VULKAN_QUEUE_IGNORED,
		.buffer = c->planes.buffer,
		.size = UINT64_MAX};
	vk->CmdBindPipeline(c->commands, VULKAN_BIND_COMPUTE, c->pipeline);
	vk->CmdBindDescriptorSets(
		c->commands, VULKAN_BIND_COMPUTE, c->layout, 0, 1, &c->set, 0, NULL);
	vk->CmdPushConstants(
		c->commands, c->layout, VULKAN_STAGE_COMPUTE, 0, sizeof(c->push), &c->push);
	vk->CmdDispatch(c->commands, (across + GROUP - 1) / GROUP, (down + GROUP - 1) / GROUP, 1);
	vk->CmdPipelineBarrier(
		c->commands, VULKAN_PIPE_COMPUTE, VULKAN_PIPE_HOST, 0, 0, NULL, 1, &done, 0, NULL);
}

static int run_commands(struct vulkan_convert *c)
{
	struct vulkan_device *d = &c->device;
	const struct vulkan_submit_info info = {
		.type = VULKAN_T_SUBMIT, .n_commands = 1, .commands = &c->commands};
	int r = d->api.QueueSubmit(d->queue, 1, &info, c->fence);
	if (r < 0)
		return PF_E_IO;
	r = d->api.WaitForFences(d->handle, 1, &c->fence, 1, PICTURE_NS);
	c->hangs = r == VULKAN_TIMEOUT;
	if (r)
		return PF_E_IO;
	return d->api.ResetFences(d->handle, 1, &c->fence) < 0 ? PF_E_IO : PF_OK;
}

static int convert(struct vulkan_convert *c, const struct vulkan_image *i, bool is_ours)
{
	const struct vulkan_device_api *vk = &c->device.api;
	const struct vulkan_begin_info begin = {.type = VULKAN_T_BEGIN, .flags = VULKAN_ONE_TIME};
	set_descriptors(c, i);
	if (vk->BeginCommandBuffer(c->commands, &begin) < 0)
		return PF_E_IO;
	if (is_ours)
		begin_upload(c, i);
	else
		borrow(c, i, false);
	dispatch(c);
	if (!is_ours)
		borrow(c, i, true);
	if (vk->EndCommandBuffer(c->commands) < 0)
		return PF_E_IO;
	return run_commands(c);
}

static void copy_rows(uint8_t *to, uint32_t to_stride, const uint8_t *from, uint32_t from_stride,
	uint32_t width, uint32_t rows)
{
	for (uint32_t y = 0; y < rows; y++)
		memcpy(to + (size_t)y * to_stride, from + (size_t)y * from_stride, width);
}

int vulkan_convert_run(struct vulkan_convert *c, const struct frame *f, uint8_t *y,
	uint32_t y_stride, uint8_t *uv, uint32_t uv_stride)
{
	const struct push *p = &c->push;
	const struct image_made *made = NULL;
	struct vulkan_image i = {0};
	if (c->hangs)
		return PF_E_IO;
	if (f->width != c->params.width || f->height != c->params.height ||
		y_stride < p->coded[0] || uv_stride < p->coded[0])
		return PF_E_INVALID;
	int err = f->dmabuf.n_planes ? image_cache_get(c->images, f, &made)
		: f->pixels	     ? upload(c, f)
				     : PF_E_INVALID;
	if (err < 0)
		return err;
	i = made ? (struct vulkan_image){made->names[0], made->names[1], made->names[2]}
		 : c->uploaded;
	c->push.flip = f->y_invert;
	err = convert(c, &i, !made);
	if (err < 0)
		return err;
	copy_rows(y, y_stride, c->planes.map, p->stride, p->coded[0], p->coded[1]);
	copy_rows(uv, uv_stride, c->planes.map + p->chroma_at, p->stride, p->coded[0],
		p->coded[1] / 2);
	return PF_OK;
}
