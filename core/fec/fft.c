/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/fft.h"

#include <string.h>

#include "core/fec/gf16.h"

/* Rows of one transform should fit a second-level cache, together with the sums beside them. */
#define ROWS_BYTES (16u * 1024)
#define WIDTH_MIN  512u /* below this, calls cost more than what they compute */

size_t pf_fft_cost(unsigned log, size_t n)
{
	size_t c = (size_t)1 << log;
	return ((n + c - 1) / c + 1) * c * (3 * log + 8);
}

size_t pf_fft_width(unsigned log, size_t len)
{
	size_t body = len / PF_FEC_CHUNK;
	size_t most = (size_t)ROWS_BYTES >> log;
	most = most < WIDTH_MIN ? WIDTH_MIN : most;
	most = (most > PF_FFT_WIDTH_MAX ? PF_FFT_WIDTH_MAX : most) / PF_FEC_CHUNK;
	if (!body)
		return PF_FEC_CHUNK;
	/* Stripes of equal width: a narrow last one would waste what a call costs. */
	size_t stripes = (body + most - 1) / most;
	return (body + stripes - 1) / stripes * PF_FEC_CHUNK;
}

size_t pf_fft_size(unsigned log)
{
	size_t size = ((size_t)WIDTH_MIN << log) > ROWS_BYTES ? (size_t)WIDTH_MIN << log
							      : ROWS_BYTES;
	size_t widest = (size_t)PF_FFT_WIDTH_MAX << log;
	return size < widest ? size : widest;
}

int pf_fft_next_stripe(struct pf_fft *f, unsigned log, size_t len)
{
	size_t body = len / PF_FEC_CHUNK * PF_FEC_CHUNK, width = pf_fft_width(log, len);
	f->at += f->len;
	if (f->at >= len)
		return 0;
	f->len = f->at < body ? body - f->at : len - f->at;
	f->len = f->len < width ? f->len : width;
	f->width = (f->len + PF_FEC_CHUNK - 1) / PF_FEC_CHUNK * PF_FEC_CHUNK;
	return 1;
}

/* Only the last stripe can be short, and then it is one chunk. */
static void copy_in(const struct pf_fft *f, uint8_t *row, const uint8_t *shard)
{
	size_t low = f->flags & PF_FEC_TOWER ? f->len / 2 : f->len;
	memset(row, 0, PF_FEC_CHUNK);
	memcpy(row, shard, low);
	memcpy(row + PF_FEC_CHUNK / 2, shard + low, f->len - low);
}

static void copy_out(const struct pf_fft *f, uint8_t *shard, const uint8_t *row)
{
	size_t low = f->flags & PF_FEC_TOWER ? f->len / 2 : f->len;
	memcpy(shard, row, low);
	memcpy(shard + low, row + PF_FEC_CHUNK / 2, f->len - low);
}

void pf_fft_copy_in(const struct pf_fft *f, uint8_t *row, const uint8_t *shard)
{
	if (f->len < f->width)
		copy_in(f, row, shard + f->at);
	else
		memcpy(row, shard + f->at, f->len);
}

void pf_fft_copy_out(const struct pf_fft *f, uint8_t *shard, const uint8_t *row)
{
	if (f->len < f->width)
		copy_out(f, shard + f->at, row);
	else
		memcpy(shard + f->at, row, f->len);
}

static uint16_t skew(const struct pf_fft *f, unsigned level, uint32_t point)
{
	return f->skew ? f->skew[level][point] : pf_gf16_swap_form((uint16_t)(point >> level));
}

/* The factors of two steps over four blocks of 2^level rows at point. Returns the kernel's width. */
static int skew4(const struct pf_fft *f, struct pf_fec_fft4 *call, unsigned level, uint32_t point)
{
	call->skew[0] = skew(f, level, point);
	call->skew[1] = skew(f, level, point + (2u << level));
	call->skew[2] = skew(f, level + 1, point);
	return call->skew[1] > 255;
}

struct inverse {
	const struct pf_fft *f;
	const struct pf_fft_input *in;
	uint8_t *rows;
	uint32_t base;
};

/* Where to read n <= 16 rows of the lowest level; stage takes what has to be spread first. */
static void inverse_read(
	const struct inverse *t, const uint8_t **src, uint8_t *stage, size_t row, size_t n)
{
	const struct pf_fft *f = t->f;
	for (size_t q = 0; q < n; q++) {
		if (!t->in->shards) {
			src[q] = t->rows + (row + q) * f->width;
			continue;
		}
		const uint8_t *shard = row + q < t->in->n ? t->in->shards[row + q] : NULL;
		src[q] = shard ? shard + f->at : f->zero;
		if (shard && f->len < f->width) {
			copy_in(f, stage + q * PF_FEC_CHUNK, shard + f->at);
			src[q] = stage + q * PF_FEC_CHUNK;
		}
	}
}

static unsigned inverse_flags(const struct inverse *t)
{
	if (!t->in->shards)
		return 0;
	return (t->f->flags & PF_FEC_TOWER) | (t->in->scale != 1 ? PF_FEC_SCALE : 0);
}

/* Whether four steps at once can be used at point: the largest factor must be of one byte. */
static int skew16(const struct pf_fft *f, uint8_t *to, uint32_t point)
{
	if (!f->kernels->ifft16 || skew(f, 0, point + 14) > 255)
		return 0;
	for (unsigned level = 0; level < 4; level++)
		for (uint32_t i = 0; i < 8u >> level; i++)
			*to++ = (uint8_t)skew(f, level, point + (i << (level + 1)));
	return 1;
}

static int inverse_leaf16(const struct inverse *t, size_t row, uint8_t *to, unsigned flags)
{
	_Alignas(64) uint8_t stage[16 * PF_FEC_CHUNK];
	struct pf_fec_fft16 call = {.tables = t->f->tables, .len = t->f->width};
	if (!skew16(t->f, call.skew, t->base + (uint32_t)row))
		return 0;
	inverse_read(t, call.src, stage, row, 16);
	for (size_t q = 0; q < 16; q++)
		call.dst[q] = to + q * t->f->width;
	call.scale = t->in->scale;
	call.flags = flags | inverse_flags(t);
	t->f->kernels->ifft16(&call);
	return 1;
}

/* Depth first: a block is done while its rows are in the nearest cache. log is even. */
static void inverse_block(const struct inverse *t, size_t row, unsigned log, uint8_t *sum)
{
	const struct pf_fft *f = t->f;
	_Alignas(64) uint8_t stage[4 * PF_FEC_CHUNK];
	struct pf_fec_fft4 call = {.tables = f->tables};
	size_t quarter = ((size_t)1 << log) / 4 * f->width;
	uint8_t *block = t->rows + row * f->width;
	if (t->in->shards && row >= t->in->n) {
		if (!sum)
			memset(block, 0, 4 * quarter);
		return;
	}
	if (log == 4 && inverse_leaf16(t, row, sum ? sum : block, sum ? PF_FEC_ADD : 0))
		return;
	if (log > 2)
		for (size_t q = 0; q < 4; q++)
			inverse_block(t, row + q * (((size_t)1 << log) / 4), log - 2, NULL);
	call.len = quarter;
	for (size_t q = 0; q < 4; q++) {
		call.src[q] = block + q * quarter;
		call.dst[q] = (sum ? sum : block) + q * quarter;
	}
	call.flags = sum ? PF_FEC_ADD : 0;
	if (log == 2) {
		inverse_read(t, call.src, stage, row, 4);
		call.scale = t->in->scale;
		call.flags |= inverse_flags(t);
	}
	int wide = skew4(f, &call, log - 2, t->base + (uint32_t)row);
	f->kernels->ifft4[wide](&call);
}

void pf_fft_inverse(const struct pf_fft *f, const struct pf_fft_input *in, uint8_t *rows,
	uint8_t *sum, unsigned log, uint32_t base)
{
	struct inverse t = {.f = f, .in = in, .rows = rows, .base = base};
	if (!(log & 1)) {
		inverse_block(&t, 0, log, sum);
		return;
	}
	size_t half = ((size_t)1 << log) / 2;
	inverse_block(&t, 0, log - 1, NULL);
	inverse_block(&t, half, log - 1, NULL);
	struct pf_fec_fft4 call = {.tables = f->tables, .len = half * f->width};
	uint8_t *to = sum ? sum : rows;
	for (size_t q = 0; q < 2; q++) {
		call.src[q] = rows + q * call.len;
		call.dst[q] = to + q * call.len;
	}
	call.flags = sum ? PF_FEC_ADD : 0;
	call.skew[0] = skew(f, log - 1, base);
	f->kernels->ifft2[call.skew[0] > 255](&call);
}

struct forward {
	const struct pf_fft *f;
	const struct pf_fft_output *out;
	uint8_t *rows;
	uint32_t base;
};

static int forward_wanted(const struct forward *t, size_t row, size_t n)
{
	if (row >= t->out->n)
		return 0;
	n = n < t->out->n - row ? n : t->out->n - row;
	return !t->out->wanted || memchr(t->out->wanted + row, 1, n) != NULL;
}

/* Where to write n <= 16 rows of the lowest level: shards, or what stands in for them. */
static void forward_targets(
	const struct forward *t, uint8_t **dst, uint8_t *stage, size_t row, size_t n)
{
	const struct pf_fft *f = t->f;
	for (size_t q = 0; q < n; q++) {
		if (!t->out->shards) {
			dst[q] = t->rows + (row + q) * f->width;
			continue;
		}
		uint8_t *shard = row + q < t->out->n ? t->out->shards[row + q] : NULL;
		dst[q] = f->len < f->width ? stage + q * PF_FEC_CHUNK
			: shard		   ? shard + f->at
					   : f->discard;
	}
}

static void forward_unstage(const struct forward *t, const uint8_t *stage, size_t row, size_t n)
{
	const struct pf_fft *f = t->f;
	if (!t->out->shards || f->len == f->width)
		return;
	for (size_t q = 0; q < n && row + q < t->out->n; q++)
		if (t->out->shards[row + q])
			copy_out(f, t->out->shards[row + q] + f->at, stage + q * PF_FEC_CHUNK);
}

static int forward_leaf16(const struct forward *t, size_t row, const uint8_t *from)
{
	_Alignas(64) uint8_t stage[16 * PF_FEC_CHUNK];
	struct pf_fec_fft16 call = {.tables = t->f->tables, .len = t->f->width};
	if (!skew16(t->f, call.skew, t->base + (uint32_t)row))
		return 0;
	for (size_t q = 0; q < 16; q++)
		call.src[q] = from + q * t->f->width;
	forward_targets(t, call.dst, stage, row, 16);
	call.flags = t->out->shards ? t->f->flags & PF_FEC_TOWER : 0;
	t->f->kernels->fft16(&call);
	forward_unstage(t, stage, row, 16);
	return 1;
}

static void forward_leaf4(const struct forward *t, size_t row, const uint8_t *from)
{
	_Alignas(64) uint8_t stage[4 * PF_FEC_CHUNK];
	struct pf_fec_fft4 call = {.tables = t->f->tables, .len = t->f->width};
	for (size_t q = 0; q < 4; q++)
		call.src[q] = from + q * t->f->width;
	forward_targets(t, call.dst, stage, row, 4);
	call.flags = t->out->shards ? t->f->flags & PF_FEC_TOWER : 0;
	t->f->kernels->fft4[skew4(t->f, &call, 0, t->base + (uint32_t)row)](&call);
	forward_unstage(t, stage, row, 4);
}

static void forward_block(const struct forward *t, size_t row, unsigned log, const uint8_t *from)
{
	const struct pf_fft *f = t->f;
	if (!forward_wanted(t, row, (size_t)1 << log) || (log == 4 && forward_leaf16(t, row, from)))
		return;
	if (log == 2) {
		forward_leaf4(t, row, from);
		return;
	}
	struct pf_fec_fft4 call = {.tables = f->tables};
	size_t quarter = ((size_t)1 << log) / 4 * f->width;
	uint8_t *block = t->rows + row * f->width;
	call.len = quarter;
	for (size_t q = 0; q < 4; q++) {
		call.src[q] = from + q * quarter;
		call.dst[q] = block + q * quarter;
	}
	f->kernels->fft4[skew4(f, &call, log - 2, t->base + (uint32_t)row)](&call);
	for (size_t q = 0; q < 4; q++)
		forward_block(t, row + q * (((size_t)1 << log) / 4), log - 2, block + q * quarter);
}

void pf_fft_forward(const struct pf_fft *f, const struct pf_fft_output *out, uint8_t *rows,
	const uint8_t *from, unsigned log, uint32_t base)
{
	struct forward t = {.f = f, .out = out, .rows = rows, .base = base};
	if (!(log & 1)) {
		forward_block(&t, 0, log, from);
		return;
	}
	size_t half = ((size_t)1 << log) / 2;
	struct pf_fec_fft4 call = {.tables = f->tables, .len = half * f->width};
	for (size_t q = 0; q < 2; q++) {
		call.src[q] = from + q * call.len;
		call.dst[q] = rows + q * call.len;
	}
	call.skew[0] = skew(f, log - 1, base);
	f->kernels->fft2[call.skew[0] > 255](&call);
	forward_block(&t, 0, log - 1, rows);
	forward_block(&t, half, log - 1, rows + call.len);
}
