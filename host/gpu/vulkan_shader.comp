#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// RGB -> NV12. One invocation makes 4 x 2 pixels, as a buffer takes words of four bytes. vulkan_shader.h is made of it:
// scripts/shader
layout(local_size_x = 8, local_size_y = 8) in;
layout(binding = 0) uniform sampler2D picture;
layout(binding = 1) writeonly buffer Planes { uint word[]; } planes;
layout(push_constant) uniform Params {
	vec4 luma, first, second; /* weights of R, G, B, and what black is */
	ivec2 last;               /* the picture's last pixel */
	uvec2 coded;              /* width and height */
	uint stride, chroma_at;   /* bytes */
	int flip;
} p;

vec3 fetch(ivec2 at)
{
	at = min(at, p.last);
	at.y = p.flip != 0 ? p.last.y - at.y : at.y;
	return texelFetch(picture, at, 0).rgb;
}

void main()
{
	uvec2 at = gl_GlobalInvocationID.xy * uvec2(4, 2);
	if (at.x >= p.coded.x || at.y >= p.coded.y)
		return;
	vec3 c[2][4];
	for (int y = 0; y < 2; y++)
		for (int x = 0; x < 4; x++)
			c[y][x] = fetch(ivec2(at) + ivec2(x, y));
	for (int y = 0; y < 2; y++) {
		vec4 l;
		for (int x = 0; x < 4; x++)
			l[x] = dot(p.luma.rgb, c[y][x]) + p.luma.a;
		planes.word[(p.stride * (at.y + y) + at.x) >> 2] = packUnorm4x8(l);
	}
	vec3 left = (c[0][0] + c[0][1] + c[1][0] + c[1][1]) * 0.25;
	vec3 right = (c[0][2] + c[0][3] + c[1][2] + c[1][3]) * 0.25;
	vec4 uv = vec4(dot(p.first.rgb, left) + p.first.a, dot(p.second.rgb, left) + p.second.a,
		dot(p.first.rgb, right) + p.first.a, dot(p.second.rgb, right) + p.second.a);
	planes.word[(p.chroma_at + p.stride * (at.y >> 1) + at.x) >> 2] = packUnorm4x8(uv);
}
