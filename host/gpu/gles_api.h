/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_GLES_API_H
#define HOST_GPU_GLES_API_H

#include <stddef.h>
#include <stdint.h>

#include "host/gpu/library.h"

/* What of OpenGL ES 3.0 is used here. */

enum {
	GL_TRIANGLES = 0x0004,
	GL_DITHER = 0x0BD0,
	GL_TEXTURE_2D = 0x0DE1,
	GL_UNSIGNED_BYTE = 0x1401,
	GL_RED = 0x1903,
	GL_RGBA = 0x1908,
	GL_VENDOR = 0x1F00,
	GL_RENDERER = 0x1F01,
	GL_EXTENSIONS = 0x1F03,
	GL_NEAREST = 0x2600,
	GL_TEXTURE_MAG_FILTER = 0x2800,
	GL_TEXTURE_MIN_FILTER = 0x2801,
	GL_RGBA8 = 0x8058,
	GL_RG = 0x8227,
	GL_R8 = 0x8229,
	GL_RG8 = 0x822B,
	GL_TEXTURE0 = 0x84C0,
	GL_FRAGMENT_SHADER = 0x8B30,
	GL_VERTEX_SHADER = 0x8B31,
	GL_COMPILE_STATUS = 0x8B81,
	GL_LINK_STATUS = 0x8B82,
	GL_IMPLEMENTATION_COLOR_READ_TYPE = 0x8B9A,
	GL_IMPLEMENTATION_COLOR_READ_FORMAT = 0x8B9B,
	GL_FRAMEBUFFER_COMPLETE = 0x8CD5,
	GL_COLOR_ATTACHMENT0 = 0x8CE0,
	GL_FRAMEBUFFER = 0x8D40,
	GL_UNPACK_ROW_LENGTH = 0x0CF2,
	GL_PACK_ROW_LENGTH = 0x0D02,
	GL_PACK_ALIGNMENT = 0x0D05,
	GL_UNPACK_ALIGNMENT = 0x0CF5,
};

#define GLES_FUNCTIONS(X) \
	X(unsigned, GetError, (void)) \
	X(const uint8_t *, GetString, (unsigned name)) \
	X(void, GetIntegerv, (unsigned name, int32_t *out)) \
	X(void, Disable, (unsigned what)) \
	X(void, Finish, (void)) \
	X(void, GenTextures, (int32_t n, uint32_t * out)) \
	X(void, DeleteTextures, (int32_t n, const uint32_t *names)) \
	X(void, ActiveTexture, (unsigned unit)) \
	X(void, BindTexture, (unsigned target, uint32_t name)) \
	X(void, TexParameteri, (unsigned target, unsigned name, int32_t value)) \
	X(void, TexStorage2D, \
		(unsigned target, int32_t levels, unsigned format, int32_t w, int32_t h)) \
	X(void, TexSubImage2D, \
		(unsigned target, int32_t level, int32_t x, int32_t y, int32_t w, int32_t h, \
			unsigned format, unsigned type, const void *pixels)) \
	X(void, PixelStorei, (unsigned name, int32_t value)) \
	X(uint32_t, CreateShader, (unsigned type)) \
	X(void, DeleteShader, (uint32_t name)) \
	X(void, ShaderSource, \
		(uint32_t name, int32_t n, const char *const *text, const int32_t *lens)) \
	X(void, CompileShader, (uint32_t name)) \
	X(void, GetShaderiv, (uint32_t name, unsigned what, int32_t *out)) \
	X(uint32_t, CreateProgram, (void)) \
	X(void, DeleteProgram, (uint32_t name)) \
	X(void, AttachShader, (uint32_t program, uint32_t shader)) \
	X(void, LinkProgram, (uint32_t name)) \
	X(void, GetProgramiv, (uint32_t name, unsigned what, int32_t *out)) \
	X(void, UseProgram, (uint32_t name)) \
	X(int32_t, GetUniformLocation, (uint32_t program, const char *name)) \
	X(void, Uniform1i, (int32_t at, int32_t value)) \
	X(void, Uniform2i, (int32_t at, int32_t a, int32_t b)) \
	X(void, Uniform4f, (int32_t at, float a, float b, float c, float d)) \
	X(void, GenVertexArrays, (int32_t n, uint32_t * out)) \
	X(void, BindVertexArray, (uint32_t name)) \
	X(void, DeleteVertexArrays, (int32_t n, const uint32_t *names)) \
	X(void, GenFramebuffers, (int32_t n, uint32_t * out)) \
	X(void, DeleteFramebuffers, (int32_t n, const uint32_t *names)) \
	X(void, BindFramebuffer, (unsigned target, uint32_t name)) \
	X(void, FramebufferTexture2D, \
		(unsigned target, unsigned at, unsigned kind, uint32_t texture, int32_t level)) \
	X(unsigned, CheckFramebufferStatus, (unsigned target)) \
	X(void, Viewport, (int32_t x, int32_t y, int32_t w, int32_t h)) \
	X(void, DrawArrays, (unsigned mode, int32_t first, int32_t n)) \
	X(void, ReadPixels, \
		(int32_t x, int32_t y, int32_t w, int32_t h, unsigned format, unsigned type, \
			void *out))

struct gles_api {
#define X(ret, name, args) ret(*name) args;
	GLES_FUNCTIONS(X)
#undef X
};

static inline const struct gles_api *gpu_gles(void)
{
	return gpu_library(GPU_GLES, NULL);
}

#endif
