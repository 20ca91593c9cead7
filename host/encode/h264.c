/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/h264.h"

#include <stdbool.h>
#include <string.h>

enum { NAL_SLICE = 1, NAL_IDR = 5, NAL_SPS = 7 };

#define SPS_MAX	     256u /* bytes; x264's have 30 to 40 */
#define HEAD_MAX     24u /* bytes that hold a slice header up to frame_num: three numbers and a byte */
#define PROFILE_HIGH 100u
#define POC_TYPE_2   2u

struct bits {
	uint8_t *data;
	size_t n_bits, at; /* reading: at <= n_bits; writing: at = n_bits */
	bool bad;
};

static unsigned get_bit(struct bits *b)
{
	if (b->at >= b->n_bits) {
		b->bad = true;
		return 0;
	}
	unsigned bit = b->data[b->at / 8] >> (7 - b->at % 8) & 1;
	b->at++;
	return bit;
}

static uint32_t get_bits(struct bits *b, unsigned n)
{
	uint32_t v = 0;
	while (n--)
		v = v << 1 | get_bit(b);
	return v;
}

/* Exp-Golomb, H.264 9.1 */
static uint32_t get_ue(struct bits *b)
{
	unsigned zeros = 0;
	while (!b->bad && !get_bit(b))
		zeros++;
	if (b->bad || zeros > 31) {
		b->bad = true;
		return 0;
	}
	return (1u << zeros) - 1 + get_bits(b, zeros);
}

static void put_bits(struct bits *b, uint32_t v, unsigned n)
{
	while (n--) {
		uint8_t mask = (uint8_t)(0x80 >> b->at % 8);
		if (v >> n & 1)
			b->data[b->at / 8] |= mask;
		else
			b->data[b->at / 8] &= (uint8_t)~mask;
		b->at++;
	}
}

static void put_ue(struct bits *b, uint32_t v)
{
	unsigned n = 32 - (unsigned)__builtin_clz(v + 1);
	put_bits(b, 0, n - 1);
	put_bits(b, v + 1, n);
}

static void copy_bits(struct bits *to, struct bits *from, size_t n)
{
	while (n-- && !from->bad)
		put_bits(to, get_bit(from), 1);
}

/* Takes emulation prevention out and puts it in: H.264 7.4.1, no 00 00 00 to 00 00 03 inside of a NAL. */
struct escape {
	unsigned zeros;
};

/* false: this byte is not part of what is said */
static bool unescape(struct escape *e, uint8_t byte)
{
	bool stuffing = e->zeros >= 2 && byte == 3;
	e->zeros = byte ? 0 : e->zeros + 1;
	return !stuffing;
}

static uint8_t *escape(struct escape *e, uint8_t *out, uint8_t byte)
{
	if (e->zeros >= 2 && byte <= 3) {
		*out++ = 3;
		e->zeros = 0;
	}
	e->zeros = byte ? 0 : e->zeros + 1;
	*out++ = byte;
	return out;
}

static size_t start_code_len(const uint8_t *nal, size_t len)
{
	size_t n = len > 4 && !nal[2] ? 4 : 3;
	return len > n && !nal[0] && !nal[1] && nal[n - 1] == 1 ? n : 0;
}

/* Up to max bytes of what the NAL says; *used: how much of the NAL they took. */
static size_t read_rbsp(
	struct escape *e, const uint8_t *nal, size_t len, uint8_t *out, size_t max, size_t *used)
{
	size_t n = 0, i = 0;
	for (; i < len && n < max; i++)
		if (unescape(e, nal[i]))
			out[n++] = nal[i];
	*used = i;
	return n;
}

/*
 * NAL header, profile, constraints, level (32 bits); sps id, chroma format, two depths, lossless bit, no
 * matrices (High only); frame_num's length - 4, order type, references, gaps (1 bit); the rest.
 */
static int rewrite_sps(struct h264_gaps *g, struct bits *in, struct bits *out)
{
	uint32_t profile = in->n_bits >= 32 ? in->data[1] : 0;
	copy_bits(out, in, 32);
	put_ue(out, get_ue(in));
	if (profile >= PROFILE_HIGH) {
		uint32_t chroma = get_ue(in);
		in->bad |= chroma != 1;
		put_ue(out, chroma);
		put_ue(out, get_ue(in) & 0xff);
		put_ue(out, get_ue(in) & 0xff);
		copy_bits(out, in, 1);
		in->bad |= get_bit(in);
		put_bits(out, 0, 1);
	}
	uint32_t bits = get_ue(in) + 4;
	in->bad |= bits > 16 - H264_MORE_BITS;
	g->bits = bits;
	put_ue(out, bits - 4 + H264_MORE_BITS);
	uint32_t type = get_ue(in), references = get_ue(in);
	in->bad |= type != POC_TYPE_2 || references > 16;
	if (in->bad)
		return PF_E_UNSUPPORTED;
	put_ue(out, type);
	put_ue(out, references);
	get_bit(in);
	put_bits(out, 1, 1);
	/* The last bit that is set ends it; behind that bytes are filled with zeros. */
	size_t end = in->n_bits;
	while (end > in->at && !(in->data[(end - 1) / 8] >> (7 - (end - 1) % 8) & 1))
		end--;
	copy_bits(out, in, end - in->at);
	put_bits(out, 0, (unsigned)(-out->at & 7));
	return in->bad ? PF_E_UNSUPPORTED : PF_OK;
}

static int64_t convert_sps(struct h264_gaps *g, const uint8_t *nal, size_t len, uint8_t *out)
{
	uint8_t data[SPS_MAX], made[SPS_MAX + H264_GROWTH];
	struct escape in_state = {0}, out_state = {0};
	size_t used;
	struct bits in = {.data = data}, written = {.data = made};
	in.n_bits = 8 * read_rbsp(&in_state, nal, len, data, sizeof(data), &used);
	if (used < len || rewrite_sps(g, &in, &written) < 0) {
		g->bits = 0;
		return PF_E_UNSUPPORTED;
	}
	uint8_t *end = out;
	for (size_t i = 0; i < written.at / 8; i++)
		end = escape(&out_state, end, made[i]);
	return end - out;
}

/* NAL header 8 bits, first macroblock, slice type, pps id, frame_num, ... */
static int64_t convert_slice(
	const struct h264_gaps *g, uint64_t frame_num, const uint8_t *nal, size_t len, uint8_t *out)
{
	uint8_t data[HEAD_MAX], made[HEAD_MAX + 1];
	struct escape in_state = {0}, out_state = {0};
	size_t used;
	struct bits in = {.data = data}, head = {.data = made};
	in.n_bits = 8 * read_rbsp(&in_state, nal, len, data, sizeof(data), &used);
	get_bits(&in, 8);
	for (int i = 0; i < 3; i++)
		get_ue(&in);
	size_t before = in.at;
	uint32_t small = get_bits(&in, g->bits), mask = (1u << g->bits) - 1;
	if (!g->bits || in.bad || small != (frame_num & mask))
		return PF_E_UNSUPPORTED;
	in.at = 0;
	copy_bits(&head, &in, before);
	put_bits(&head, (uint32_t)frame_num, g->bits + H264_MORE_BITS);
	in.at += g->bits;
	copy_bits(&head, &in, in.n_bits - in.at);

	uint8_t *end = out;
	for (size_t i = 0; i < head.at / 8; i++)
		end = escape(&out_state, end, made[i]);
	/* Once both have seen the same zeros the rest is the same. */
	while (used < len && in_state.zeros != out_state.zeros) {
		if (unescape(&in_state, nal[used]))
			end = escape(&out_state, end, nal[used]);
		used++;
	}
	memcpy(end, nal + used, len - used);
	return end - out + (int64_t)(len - used);
}

int64_t h264_gaps_convert(
	struct h264_gaps *g, uint64_t frame_num, const uint8_t *nal, size_t len, uint8_t *out)
{
	size_t start = start_code_len(nal, len);
	if (!start)
		return PF_E_UNSUPPORTED;
	unsigned type = nal[start] & 31;
	if (type != NAL_SPS && type != NAL_SLICE && type != NAL_IDR) {
		memcpy(out, nal, len);
		return (int64_t)len;
	}
	memcpy(out, nal, start);
	int64_t n = type == NAL_SPS
		? convert_sps(g, nal + start, len - start, out + start)
		: convert_slice(g, frame_num, nal + start, len - start, out + start);
	return n < 0 ? n : n + (int64_t)start;
}
