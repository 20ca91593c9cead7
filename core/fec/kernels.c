/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/kernels.h"

#include <string.h>

#include "core/base/cpu.h"

/* The plain C kernels: the reference for every other level, one chunk at a time. */

#define HALF (PF_FEC_CHUNK / 2)

struct chunk {
	uint8_t b[PF_FEC_CHUNK];
};

static uint8_t mul8(const struct pf_gf8_tables *t, uint8_t c, uint8_t v)
{
	return t->nibble[c][v & 15] ^ t->nibble[c][16 + (v >> 4)];
}

/* The low and high bytes of a short chunk are spread to where a whole one has them. */
static struct chunk load(const uint8_t *p, size_t len, int halves)
{
	struct chunk x = {{0}};
	memcpy(x.b, p, halves ? len / 2 : len);
	if (halves)
		memcpy(x.b + HALF, p + len / 2, len / 2);
	return x;
}

static void store(uint8_t *p, const struct chunk *x, size_t len, int halves)
{
	memcpy(p, x->b, halves ? len / 2 : len);
	if (halves)
		memcpy(p + len / 2, x->b + HALF, len / 2);
}

static void add(struct chunk *x, const struct chunk *y)
{
	for (size_t i = 0; i < PF_FEC_CHUNK; i++)
		x->b[i] ^= y->b[i];
}

/* Wire to tower form and back. */
static void swap_form(const struct pf_gf8_tables *t, struct chunk *x)
{
	for (size_t i = 0; i < HALF; i++) {
		uint8_t hi = x->b[HALF + i];
		x->b[i] ^= t->delta_nibble[hi & 15] ^ t->delta_nibble[16 + (hi >> 4)];
	}
}

/* x += c * y, bytewise or in tower form: (y0 + y1 B)(c0 + c1 B) with B^2 = B + B7. */
static void mul_add(
	const struct pf_gf8_tables *t, struct chunk *x, const struct chunk *y, uint16_t c, int wide)
{
	uint8_t c0 = (uint8_t)c, c1 = (uint8_t)(c >> 8);
	if (!wide) {
		for (size_t i = 0; i < PF_FEC_CHUNK; i++)
			x->b[i] ^= mul8(t, c0, y->b[i]);
		return;
	}
	for (size_t i = 0; i < HALF; i++) {
		uint8_t lo = y->b[i], hi = y->b[HALF + i];
		x->b[i] ^= mul8(t, c0, lo) ^ mul8(t, t->cantor7[c1], hi);
		x->b[HALF + i] ^= mul8(t, c1, lo) ^ mul8(t, c0 ^ c1, hi);
	}
}

static uint16_t dot_coef(const struct pf_fec_dot *d, size_t r, size_t i, int wide)
{
	size_t at = r * d->coef_stride + i;
	return wide ? ((const uint16_t *)d->coef)[at] : ((const uint8_t *)d->coef)[at];
}

static void dot(const struct pf_fec_dot *d, int wide)
{
	int form = wide || d->flags & PF_FEC_TOWER;
	for (size_t at = 0; at < d->len; at += PF_FEC_CHUNK) {
		size_t len = d->len - at < PF_FEC_CHUNK ? d->len - at : PF_FEC_CHUNK;
		for (size_t r = 0; r < d->n_out; r++) {
			struct chunk sum = {{0}};
			for (size_t i = 0; i < d->n_src; i++) {
				struct chunk x = load(d->src[i] + at, len, form);
				if (form)
					swap_form(d->tables, &x);
				mul_add(d->tables, &sum, &x, dot_coef(d, r, i, wide), wide);
			}
			if (form)
				swap_form(d->tables, &sum);
			if (d->flags & PF_FEC_ADD) {
				struct chunk old = load(d->out[r] + at, len, form);
				add(&sum, &old);
			}
			store(d->out[r] + at, &sum, len, form);
		}
	}
}

static void dot8_c(const struct pf_fec_dot *d)
{
	dot(d, 0);
}

static void dot16_c(const struct pf_fec_dot *d)
{
	dot(d, 1);
}

static void inverse_step(
	const struct pf_gf8_tables *t, struct chunk *x, struct chunk *y, uint16_t skew, int wide)
{
	add(y, x);
	mul_add(t, x, y, skew, wide);
}

static void forward_step(
	const struct pf_gf8_tables *t, struct chunk *x, struct chunk *y, uint16_t skew, int wide)
{
	mul_add(t, x, y, skew, wide);
	add(y, x);
}

static void read_blocks(const struct pf_fec_fft4 *f, struct chunk *b, size_t n, size_t at)
{
	for (size_t q = 0; q < n; q++) {
		b[q] = load(f->src[q] + at, PF_FEC_CHUNK, 0);
		if (f->flags & PF_FEC_TOWER)
			swap_form(f->tables, &b[q]);
		if (f->flags & PF_FEC_SCALE)
			for (size_t i = 0; i < PF_FEC_CHUNK; i++)
				b[q].b[i] = mul8(f->tables, f->scale, b[q].b[i]);
	}
}

static void write_blocks(const struct pf_fec_fft4 *f, struct chunk *b, size_t n, size_t at)
{
	for (size_t q = 0; q < n; q++) {
		if (f->flags & PF_FEC_ADD) {
			struct chunk old = load(f->dst[q] + at, PF_FEC_CHUNK, 0);
			add(&b[q], &old);
		}
		store(f->dst[q] + at, &b[q], PF_FEC_CHUNK, 0);
	}
}

static void ifft4(const struct pf_fec_fft4 *f, int wide)
{
	const struct pf_gf8_tables *t = f->tables;
	for (size_t at = 0; at < f->len; at += PF_FEC_CHUNK) {
		struct chunk b[4];
		read_blocks(f, b, 4, at);
		inverse_step(t, &b[0], &b[1], f->skew[0], wide);
		inverse_step(t, &b[2], &b[3], f->skew[1], wide);
		inverse_step(t, &b[0], &b[2], f->skew[2], wide);
		inverse_step(t, &b[1], &b[3], f->skew[2], wide);
		write_blocks(f, b, 4, at);
	}
}

static void fft4(const struct pf_fec_fft4 *f, int wide)
{
	const struct pf_gf8_tables *t = f->tables;
	for (size_t at = 0; at < f->len; at += PF_FEC_CHUNK) {
		struct chunk b[4];
		for (size_t q = 0; q < 4; q++)
			b[q] = load(f->src[q] + at, PF_FEC_CHUNK, 0);
		forward_step(t, &b[0], &b[2], f->skew[2], wide);
		forward_step(t, &b[1], &b[3], f->skew[2], wide);
		forward_step(t, &b[0], &b[1], f->skew[0], wide);
		forward_step(t, &b[2], &b[3], f->skew[1], wide);
		for (size_t q = 0; q < 4; q++) {
			if (f->flags & PF_FEC_TOWER)
				swap_form(t, &b[q]);
			store(f->dst[q] + at, &b[q], PF_FEC_CHUNK, 0);
		}
	}
}

static void ifft2(const struct pf_fec_fft4 *f, int wide)
{
	for (size_t at = 0; at < f->len; at += PF_FEC_CHUNK) {
		struct chunk b[2];
		read_blocks(f, b, 2, at);
		inverse_step(f->tables, &b[0], &b[1], f->skew[0], wide);
		write_blocks(f, b, 2, at);
	}
}

static void fft2(const struct pf_fec_fft4 *f, int wide)
{
	for (size_t at = 0; at < f->len; at += PF_FEC_CHUNK) {
		struct chunk b[2];
		read_blocks(f, b, 2, at);
		forward_step(f->tables, &b[0], &b[1], f->skew[0], wide);
		write_blocks(f, b, 2, at);
	}
}

/* Where in skew the factors of a step over distance 2^level begin. */
static const unsigned skew16[4] = {0, 8, 12, 14};

static void ifft16_c(const struct pf_fec_fft16 *f)
{
	for (size_t at = 0; at < f->len; at += PF_FEC_CHUNK) {
		struct chunk b[16];
		for (size_t q = 0; q < 16; q++) {
			const struct pf_fec_fft4 one = {.tables = f->tables,
				.src = {f->src[q]},
				.scale = f->scale,
				.flags = f->flags};
			read_blocks(&one, &b[q], 1, at);
		}
		for (unsigned level = 0; level < 4; level++)
			for (unsigned i = 0; i < 16; i++)
				if (!(i >> level & 1))
					inverse_step(f->tables, &b[i], &b[i + (1u << level)],
						f->skew[skew16[level] + (i >> (level + 1))], 0);
		for (size_t q = 0; q < 16; q++) {
			const struct pf_fec_fft4 one = {.dst = {f->dst[q]}, .flags = f->flags};
			write_blocks(&one, &b[q], 1, at);
		}
	}
}

static void fft16_c(const struct pf_fec_fft16 *f)
{
	for (size_t at = 0; at < f->len; at += PF_FEC_CHUNK) {
		struct chunk b[16];
		for (size_t q = 0; q < 16; q++)
			b[q] = load(f->src[q] + at, PF_FEC_CHUNK, 0);
		for (unsigned level = 4; level--;)
			for (unsigned i = 0; i < 16; i++)
				if (!(i >> level & 1))
					forward_step(f->tables, &b[i], &b[i + (1u << level)],
						f->skew[skew16[level] + (i >> (level + 1))], 0);
		for (size_t q = 0; q < 16; q++) {
			if (f->flags & PF_FEC_TOWER)
				swap_form(f->tables, &b[q]);
			store(f->dst[q] + at, &b[q], PF_FEC_CHUNK, 0);
		}
	}
}

#define BOTH_WIDTHS(name) \
	static void name##_8(const struct pf_fec_fft4 *f) \
	{ \
		name(f, 0); \
	} \
	static void name##_16(const struct pf_fec_fft4 *f) \
	{ \
		name(f, 1); \
	}
BOTH_WIDTHS(ifft4)
BOTH_WIDTHS(fft4)
BOTH_WIDTHS(ifft2)
BOTH_WIDTHS(fft2)

static void syndrome_c(
	const struct pf_gf8_tables *t, uint8_t *row, const uint8_t *src, uint16_t c, size_t len)
{
	for (size_t at = 0; at < len; at += PF_FEC_CHUNK) {
		struct chunk x = load(src + at, PF_FEC_CHUNK, 0), sum = {{0}};
		struct chunk old = load(row + at, PF_FEC_CHUNK, 0);
		swap_form(t, &x);
		add(&x, &old);
		mul_add(t, &sum, &x, c, 1);
		store(row + at, &sum, PF_FEC_CHUNK, 0);
	}
}

static void repair_c(
	const struct pf_gf8_tables *t, uint8_t *out, const uint8_t *row, uint16_t c, size_t len)
{
	for (size_t at = 0; at < len; at += PF_FEC_CHUNK) {
		struct chunk x = load(row + at, PF_FEC_CHUNK, 0), sum = {{0}};
		mul_add(t, &sum, &x, c, 1);
		swap_form(t, &sum);
		store(out + at, &sum, PF_FEC_CHUNK, 0);
	}
}

void pf_fec_kernels_init(struct pf_fec_kernels *k, uint32_t cpu)
{
	*k = (struct pf_fec_kernels){
		.dot8 = dot8_c,
		.dot16 = dot16_c,
		.ifft4 = {ifft4_8, ifft4_16},
		.fft4 = {fft4_8, fft4_16},
		.ifft2 = {ifft2_8, ifft2_16},
		.fft2 = {fft2_8, fft2_16},
		.ifft16 = ifft16_c,
		.fft16 = fft16_c,
		.syndrome = syndrome_c,
		.repair = repair_c,
	};
	(void)cpu;
#if defined(__x86_64__)
	if (cpu & PF_CPU_SSSE3)
		pf_fec_kernels_init_ssse3(k);
	if (cpu & PF_CPU_AVX2)
		pf_fec_kernels_init_avx2(k);
	if (cpu & PF_CPU_AVX512)
		pf_fec_kernels_init_avx512(k);
	if ((cpu & PF_CPU_AVX512) && (cpu & PF_CPU_GFNI))
		pf_fec_kernels_init_gfni(k);
#elif defined(__aarch64__)
	if (cpu & PF_CPU_NEON)
		pf_fec_kernels_init_neon(k);
#endif
}
