/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/convert.h"

#include <stdlib.h>
#include <string.h>

#include "host/encode/csc.h"
#include "host/gpu/display.h"
#include "host/gpu/image.h"

enum { LUMA, CHROMA };

struct gpu_convert {
	const struct gpu_display *display;
	struct gpu_convert_params params;
	uint32_t coded_width, coded_height;
	void *context;
	uint32_t program[2], vertex_array;
	struct {
		int32_t last, flip, swap;
	} uniform[2];
	struct gpu_target own;
	uint32_t upload; /* a texture for pictures that the CPU has; 0 until there was one */
	struct image_cache *images;
};

/* One triangle that covers everything. */
static const char vertex_text[] =
	"#version 300 es\n"
	"void main() {\n"
	"	gl_Position = vec4((gl_VertexID & 1) * 4 - 1, (gl_VertexID & 2) * 2 - 1, 0, 1);\n"
	"}\n";

#define FETCH_TEXT \
	"#version 300 es\n" \
	"precision highp float;\n" \
	"precision highp int;\n" \
	"uniform highp sampler2D picture;\n" \
	"uniform ivec2 last;\n" \
	"uniform int flip, swap;\n" \
	"uniform vec4 first, second;\n" \
	"out vec4 result;\n" \
	"vec3 fetch(ivec2 p) {\n" \
	"	p = min(p, last);\n" \
	"	p.y = flip != 0 ? last.y - p.y : p.y;\n" \
	"	vec3 c = texelFetch(picture, p, 0).rgb;\n" \
	"	return swap != 0 ? c.bgr : c;\n" \
	"}\n"

static const char luma_text[] = FETCH_TEXT
	"void main() {\n"
	"	float y = dot(first.rgb, fetch(ivec2(gl_FragCoord.xy))) + first.a;\n"
	"	result = vec4(y, 0, 0, 1);\n"
	"}\n";

static const char chroma_text[] = FETCH_TEXT
	"void main() {\n"
	"	ivec2 p = ivec2(gl_FragCoord.xy) * 2;\n"
	"	vec3 c = (fetch(p) + fetch(p + ivec2(1, 0)) + fetch(p + ivec2(0, 1)) +\n"
	"		fetch(p + ivec2(1, 1))) * 0.25;\n"
	"	result = vec4(dot(first.rgb, c) + first.a, dot(second.rgb, c) + second.a, 0, 1);\n"
	"}\n";

static uint32_t compile(const struct gles_api *gl, unsigned type, const char *text)
{
	int32_t good = 0;
	uint32_t name = gl->CreateShader(type);
	gl->ShaderSource(name, 1, &text, NULL);
	gl->CompileShader(name);
	gl->GetShaderiv(name, GL_COMPILE_STATUS, &good);
	if (good)
		return name;
	gl->DeleteShader(name);
	return 0;
}

static uint32_t link_program(const struct gles_api *gl, const char *text)
{
	int32_t good = 0;
	uint32_t vertex = compile(gl, GL_VERTEX_SHADER, vertex_text);
	uint32_t fragment = compile(gl, GL_FRAGMENT_SHADER, text);
	uint32_t program = vertex && fragment ? gl->CreateProgram() : 0;
	if (program) {
		gl->AttachShader(program, vertex);
		gl->AttachShader(program, fragment);
		gl->LinkProgram(program);
		gl->GetProgramiv(program, GL_LINK_STATUS, &good);
	}
	/* A program keeps what it was linked from. */
	gl->DeleteShader(vertex);
	gl->DeleteShader(fragment);
	if (good)
		return program;
	gl->DeleteProgram(program);
	return 0;
}

/* weights: of R, G, B in 65536ths; zero: what black is, in 255ths. */
static void set_weights(
	const struct gles_api *gl, uint32_t program, const char *name, const int32_t *w, float zero)
{
	gl->Uniform4f(gl->GetUniformLocation(program, name), (float)w[0] / 65536,
		(float)w[1] / 65536, (float)w[2] / 65536, zero / 255);
}

static int make_programs(struct gpu_convert *c, const struct csc *csc)
{
	const struct gles_api *gl = c->display->gl;
	const float black = c->params.full_range ? 0 : 16;
	for (int i = LUMA; i <= CHROMA; i++) {
		uint32_t p = link_program(gl, i == LUMA ? luma_text : chroma_text);
		if (!p)
			return PF_E_UNSUPPORTED;
		c->program[i] = p;
		gl->UseProgram(p);
		gl->Uniform1i(gl->GetUniformLocation(p, "picture"), 0);
		c->uniform[i].last = gl->GetUniformLocation(p, "last");
		c->uniform[i].flip = gl->GetUniformLocation(p, "flip");
		c->uniform[i].swap = gl->GetUniformLocation(p, "swap");
		set_weights(gl, p, "first", i == LUMA ? csc->y : csc->u, i == LUMA ? black : 128);
		if (i == CHROMA)
			set_weights(gl, p, "second", csc->v, 128);
	}
	gl->GenVertexArrays(1, &c->vertex_array);
	gl->BindVertexArray(c->vertex_array);
	gl->Disable(GL_DITHER);
	return PF_OK;
}

/* Takes the target's textures as they are. */
static int make_framebuffers(struct gpu_convert *c, struct gpu_target *t)
{
	const struct gles_api *gl = c->display->gl;
	gl->GenFramebuffers(2, t->framebuffer);
	for (int i = 0; i < 2; i++) {
		gl->BindFramebuffer(GL_FRAMEBUFFER, t->framebuffer[i]);
		gl->FramebufferTexture2D(
			GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, t->texture[i], 0);
		if (gl->CheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
			return PF_E_UNSUPPORTED;
	}
	return PF_OK;
}

static void drop_target(struct gpu_convert *c, struct gpu_target *t)
{
	const struct gles_api *gl = c->display->gl;
	gl->DeleteFramebuffers(2, t->framebuffer);
	gl->DeleteTextures(2, t->texture);
	for (int i = 0; i < 2; i++)
		if (t->image[i])
			c->display->ext.destroy_image(c->display->handle, t->image[i]);
	memset(t, 0, sizeof(*t));
}

static int make_own(struct gpu_convert *c)
{
	const struct gles_api *gl = c->display->gl;
	gl->GenTextures(2, c->own.texture);
	for (int i = LUMA; i <= CHROMA; i++) {
		gl->BindTexture(GL_TEXTURE_2D, c->own.texture[i]);
		gl->TexStorage2D(GL_TEXTURE_2D, 1, i == LUMA ? GL_R8 : GL_RG8,
			(int32_t)c->coded_width >> i, (int32_t)c->coded_height >> i);
	}
	int err = make_framebuffers(c, &c->own);
	return err < 0 ? err : gl->GetError() ? PF_E_UNSUPPORTED : PF_OK;
}

static void drop_all(struct gpu_convert *c)
{
	const struct gles_api *gl = c->display->gl;
	image_cache_destroy(c->images);
	drop_target(c, &c->own);
	gl->DeleteTextures(1, &c->upload);
	gl->DeleteVertexArrays(1, &c->vertex_array);
	gl->DeleteProgram(c->program[LUMA]);
	gl->DeleteProgram(c->program[CHROMA]);
}

void gpu_convert_destroy(struct gpu_convert *c)
{
	if (!c)
		return;
	if (c->context && gpu_context_enter(c->display, c->context)) {
		drop_all(c);
		gpu_context_leave(c->display);
	}
	gpu_context_destroy(c->display, c->context);
	free(c);
}

int gpu_convert_create(struct gpu_convert **out, const struct gpu_display *display,
	const struct gpu_convert_params *params)
{
	struct csc csc;
	*out = NULL;
	int err = csc_init(&csc, params->matrix, params->full_range);
	if (err < 0)
		return err;
	struct gpu_convert *c = calloc(1, sizeof(*c));
	if (!c)
		return PF_E_NOMEM;
	c->display = display;
	c->params = *params;
	c->coded_width = (params->width + 1) & ~1u;
	c->coded_height = (params->height + 1) & ~1u;
	c->context = gpu_context_create(display);
	if (!c->context || !gpu_context_enter(display, c->context)) {
		err = PF_E_UNSUPPORTED;
		goto fail;
	}
	err = image_cache_create(&c->images, &image_egl, (void *)(uintptr_t)display);
	if (err >= 0)
		err = make_programs(c, &csc);
	if (err >= 0)
		err = make_own(c);
	gpu_context_leave(display);
	if (err < 0)
		goto fail;
	*out = c;
	return PF_OK;
fail:
	gpu_convert_destroy(c);
	return err;
}

/* The CPU's picture goes through a texture of B, G, R as if they were R, G, B. */
static uint32_t upload_pixels(struct gpu_convert *c, const struct frame *f)
{
	const struct gles_api *gl = c->display->gl;
	const int32_t width = (int32_t)f->width, height = (int32_t)f->height;
	if (!c->upload) {
		gl->GenTextures(1, &c->upload);
		gl->BindTexture(GL_TEXTURE_2D, c->upload);
		gl->TexStorage2D(GL_TEXTURE_2D, 1, GL_RGBA8, width, height);
		image_set_filters(gl);
	}
	gl->BindTexture(GL_TEXTURE_2D, c->upload);
	gl->PixelStorei(GL_UNPACK_ALIGNMENT, 1);
	gl->PixelStorei(GL_UNPACK_ROW_LENGTH, (int32_t)(f->stride / 4));
	gl->TexSubImage2D(
		GL_TEXTURE_2D, 0, 0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, f->pixels);
	return c->upload;
}

static void draw(struct gpu_convert *c, const struct frame *f, uint32_t texture,
	const struct gpu_target *t, bool swap)
{
	const struct gles_api *gl = c->display->gl;
	gl->ActiveTexture(GL_TEXTURE0);
	gl->BindTexture(GL_TEXTURE_2D, texture);
	for (int i = LUMA; i <= CHROMA; i++) {
		gl->BindFramebuffer(GL_FRAMEBUFFER, t->framebuffer[i]);
		gl->Viewport(0, 0, (int32_t)c->coded_width >> i, (int32_t)c->coded_height >> i);
		gl->UseProgram(c->program[i]);
		gl->Uniform2i(c->uniform[i].last, (int32_t)f->width - 1, (int32_t)f->height - 1);
		gl->Uniform1i(c->uniform[i].flip, f->y_invert);
		gl->Uniform1i(c->uniform[i].swap, swap);
		gl->DrawArrays(GL_TRIANGLES, 0, 3);
	}
}

static int convert(
	struct gpu_convert *c, const struct frame *f, const struct gpu_target *t, bool wait)
{
	const struct gles_api *gl = c->display->gl;
	uint32_t texture = 0;
	bool upload = f->pixels && f->stride % 4 == 0;
	if (f->dmabuf.n_planes) {
		const struct image_made *made = NULL;
		int err = image_cache_get(c->images, f, &made);
		if (err < 0 && !upload)
			return err;
		texture = made ? (uint32_t)made->names[0] : 0;
	}
	if (!texture && !upload)
		return PF_E_INVALID;
	bool swap = !texture && f->format == FRAME_BGRX;
	if (!texture)
		texture = upload_pixels(c, f);
	draw(c, f, texture, t, swap);
	if (wait)
		gl->Finish();
	return gl->GetError() || gpu_context_lost(c->display) ? PF_E_IO : PF_OK;
}

int gpu_convert_frame(
	struct gpu_convert *c, const struct frame *f, const struct gpu_target *target, bool wait)
{
	if (f->width != c->params.width || f->height != c->params.height)
		return PF_E_INVALID;
	if (!gpu_context_enter(c->display, c->context))
		return PF_E_IO;
	int err = convert(c, f, target ? target : &c->own, wait);
	gpu_context_leave(c->display);
	return err;
}

static int read_plane(struct gpu_convert *c, int i, uint8_t *out, uint32_t stride)
{
	const struct gles_api *gl = c->display->gl;
	const unsigned format = i == LUMA ? GL_RED : GL_RG;
	int32_t has_format = 0, has_type = 0;
	gl->BindFramebuffer(GL_FRAMEBUFFER, c->own.framebuffer[i]);
	/* Besides RGBA a driver gives one format that it likes, and of one byte it likes one byte. */
	gl->GetIntegerv(GL_IMPLEMENTATION_COLOR_READ_FORMAT, &has_format);
	gl->GetIntegerv(GL_IMPLEMENTATION_COLOR_READ_TYPE, &has_type);
	if ((unsigned)has_format != format || has_type != GL_UNSIGNED_BYTE)
		return PF_E_UNSUPPORTED;
	gl->PixelStorei(GL_PACK_ALIGNMENT, 1);
	gl->PixelStorei(GL_PACK_ROW_LENGTH, (int32_t)(stride >> i));
	gl->ReadPixels(0, 0, (int32_t)c->coded_width >> i, (int32_t)c->coded_height >> i, format,
		GL_UNSIGNED_BYTE, out);
	return gl->GetError() ? PF_E_IO : PF_OK;
}

int gpu_convert_read(
	struct gpu_convert *c, uint8_t *y, uint32_t y_stride, uint8_t *uv, uint32_t uv_stride)
{
	if (y_stride < c->coded_width || uv_stride < c->coded_width || uv_stride % 2)
		return PF_E_INVALID;
	if (!gpu_context_enter(c->display, c->context))
		return PF_E_IO;
	int err = read_plane(c, LUMA, y, y_stride);
	if (err >= 0)
		err = read_plane(c, CHROMA, uv, uv_stride);
	gpu_context_leave(c->display);
	return err;
}

const struct gpu_target *gpu_convert_own(const struct gpu_convert *c)
{
	return &c->own;
}

static int import_target(
	struct gpu_convert *c, const struct gpu_nv12 *picture, struct gpu_target *out)
{
	const struct gles_api *gl = c->display->gl;
	for (int i = LUMA; i <= CHROMA; i++) {
		const struct gpu_nv12_plane *p = &picture->planes[i];
		const struct image_planes planes = {.width = c->coded_width >> i,
			.height = c->coded_height >> i,
			.fourcc = i == LUMA ? IMAGE_R8 : IMAGE_GR88,
			.modifier = p->modifier,
			.n_planes = 1,
			.fd = {p->fd},
			.offset = {p->offset},
			.stride = {p->stride}};
		out->image[i] = image_import(c->display, &planes);
		if (!out->image[i])
			return PF_E_UNSUPPORTED;
		gl->GenTextures(1, &out->texture[i]);
		gl->BindTexture(GL_TEXTURE_2D, out->texture[i]);
		c->display->ext.image_to_texture(GL_TEXTURE_2D, out->image[i]);
		if (gl->GetError())
			return PF_E_UNSUPPORTED;
	}
	return make_framebuffers(c, out);
}

int gpu_convert_import(
	struct gpu_convert *c, const struct gpu_nv12 *picture, struct gpu_target *out)
{
	memset(out, 0, sizeof(*out));
	if (!c->display->imports)
		return PF_E_UNSUPPORTED;
	if (!gpu_context_enter(c->display, c->context))
		return PF_E_IO;
	int err = import_target(c, picture, out);
	if (err < 0)
		drop_target(c, out);
	gpu_context_leave(c->display);
	return err;
}

void gpu_convert_forget(struct gpu_convert *c, struct gpu_target *target)
{
	if (!gpu_context_enter(c->display, c->context))
		return;
	drop_target(c, target);
	gpu_context_leave(c->display);
}

void *gpu_convert_context(const struct gpu_convert *c)
{
	return c->context;
}
