/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the two sets of 512-bit kernels share (kernels_vec.h): a chunk is one vector, low bytes in
 * its lower half, so a product in GF(2^16) is the vector times [a | d] plus the vector with its
 * halves exchanged times [b | c].
 */
#define VEC	  __m512i
#define VEC_BYTES 64
#define MAX_ROWS  6

#define ZMM static inline __attribute__((always_inline))

ZMM VEC load(const uint8_t *p)
{
	return _mm512_loadu_si512(p);
}

ZMM void store(uint8_t *p, VEC v)
{
	_mm512_storeu_si512(p, v);
}

/* n is 1 to 64 */
ZMM VEC load_part(const uint8_t *p, size_t n)
{
	return _mm512_maskz_loadu_epi8(~(__mmask64)0 >> (64 - n), p);
}

ZMM void store_part(uint8_t *p, VEC v, size_t n)
{
	_mm512_mask_storeu_epi8(p, ~(__mmask64)0 >> (64 - n), v);
}

ZMM VEC zero(void)
{
	return _mm512_setzero_si512();
}

ZMM VEC xor2(VEC a, VEC b)
{
	return _mm512_xor_si512(a, b);
}

ZMM VEC xor3(VEC a, VEC b, VEC c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

struct pair {
	VEC v;
};

struct delta {
	struct f8 f;
};

struct p8_c {
	struct c8 c;
};
struct p8_f {
	struct f8 f;
};
struct p8_s {
	struct s8 v;
};
struct p16_c {
	struct f8 straight, crossed;
};
struct p16_f {
	struct f8 straight, crossed;
};
struct p16_s {
	struct s8 v, swapped;
};

ZMM VEC swap_halves(VEC v)
{
	return _mm512_shuffle_i64x2(v, v, 0x4e);
}

ZMM struct pair pair_load(const uint8_t *lo, const uint8_t *hi)
{
	(void)hi; /* a whole chunk: hi is lo + 32 */
	return (struct pair){load(lo)};
}

ZMM void pair_store(uint8_t *lo, uint8_t *hi, struct pair x)
{
	(void)hi;
	store(lo, x.v);
}

ZMM struct pair pair_load_part(const uint8_t *lo, const uint8_t *hi, size_t n)
{
	const __mmask32 mask = ((__mmask32)1 << n) - 1;
	return (struct pair){
		_mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(mask, lo)),
			_mm256_maskz_loadu_epi8(mask, hi), 1)};
}

ZMM void pair_store_part(uint8_t *lo, uint8_t *hi, struct pair x, size_t n)
{
	const __mmask32 mask = ((__mmask32)1 << n) - 1;
	_mm256_mask_storeu_epi8(lo, mask, _mm512_castsi512_si256(x.v));
	_mm256_mask_storeu_epi8(hi, mask, _mm512_extracti64x4_epi64(x.v, 1));
}

ZMM struct pair pair_zero(void)
{
	return (struct pair){zero()};
}

ZMM struct pair pair_xor2(struct pair x, struct pair y)
{
	return (struct pair){xor2(x.v, y.v)};
}

ZMM struct delta delta_make(const struct pf_gf8_tables *t)
{
	return (struct delta){f8_halves(c8_delta(t), c8_make(t, 0))};
}

ZMM struct pair pair_form(struct pair x, struct delta form)
{
	return (struct pair){xor2(x.v, mul8(s8_make(swap_halves(x.v)), form.f))};
}

/* The same of a whole chunk in memory: a load brings the high bytes down, no shuffle is needed. */
ZMM VEC load_tower(const uint8_t *p, struct delta form)
{
	const __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
	return xor2(load(p), mul8(s8_make(_mm512_zextsi256_si512(high)), form.f));
}

ZMM void p8_c_make(struct p8_c *c, const struct pf_fec_dot *d, size_t at)
{
	c->c = c8_make(d->tables, ((const uint8_t *)d->coef)[at]);
}

ZMM struct p8_f p8_f_make(const struct p8_c *c)
{
	return (struct p8_f){f8_make(c->c)};
}

ZMM struct p8_s p8_s_make(struct pair x)
{
	return (struct p8_s){s8_make(x.v)};
}

ZMM struct pair p8_mul_add(struct pair acc, struct p8_s x, struct p8_f f)
{
	return (struct pair){xor2(acc.v, mul8(x.v, f.f))};
}

ZMM void p16_c_from(struct p16_c *c, const struct pf_gf8_tables *t, uint16_t v)
{
	uint8_t v0 = (uint8_t)v, v1 = (uint8_t)(v >> 8);
	c->straight = f8_halves(c8_make(t, v0), c8_make(t, v0 ^ v1));
	c->crossed = f8_halves(c8_make(t, t->cantor7[v1]), c8_make(t, v1));
}

ZMM void p16_c_make(struct p16_c *c, const struct pf_fec_dot *d, size_t at)
{
	p16_c_from(c, d->tables, ((const uint16_t *)d->coef)[at]);
}

ZMM struct p16_f p16_f_make(const struct p16_c *c)
{
	return (struct p16_f){c->straight, c->crossed};
}

ZMM struct p16_s p16_s_make(struct pair x)
{
	return (struct p16_s){s8_make(x.v), s8_make(swap_halves(x.v))};
}

ZMM struct pair p16_mul_add(struct pair acc, struct p16_s x, struct p16_f f)
{
	return (struct pair){xor3(acc.v, mul8(x.v, f.straight), mul8(x.swapped, f.crossed))};
}

#undef ZMM
