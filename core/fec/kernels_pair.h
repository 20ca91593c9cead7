/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pairs of vectors, low and high bytes, for vectors of 16 or 32 bytes: see kernels_vec.h. */

#include "core/fec/vec_part.h"

#define PAIR static inline __attribute__((always_inline))

struct pair {
	VEC lo, hi;
};

struct delta {
	struct f8 f;
};

/* A factor below 256 and a pair ready for it. */
struct p8_c {
	struct c8 c;
};
struct p8_f {
	struct f8 f;
};
struct p8_s {
	struct s8 lo, hi;
};

/* lo' = a lo + b hi, hi' = c lo + d hi */
struct p16_c {
	struct c8 a, b, c, d;
};
struct p16_f {
	struct f8 a, b, c, d;
};
struct p16_s {
	struct s8 lo, hi;
};

PAIR struct pair pair_load(const uint8_t *lo, const uint8_t *hi)
{
	return (struct pair){load(lo), load(hi)};
}

PAIR void pair_store(uint8_t *lo, uint8_t *hi, struct pair x)
{
	store(lo, x.lo);
	store(hi, x.hi);
}

PAIR struct pair pair_load_part(const uint8_t *lo, const uint8_t *hi, size_t n)
{
	return (struct pair){load_part(lo, n), load_part(hi, n)};
}

PAIR void pair_store_part(uint8_t *lo, uint8_t *hi, struct pair x, size_t n)
{
	store_part(lo, x.lo, n);
	store_part(hi, x.hi, n);
}

PAIR struct pair pair_zero(void)
{
	return (struct pair){zero(), zero()};
}

PAIR struct pair pair_xor2(struct pair x, struct pair y)
{
	return (struct pair){xor2(x.lo, y.lo), xor2(x.hi, y.hi)};
}

PAIR struct delta delta_make(const struct pf_gf8_tables *t)
{
	return (struct delta){f8_make(c8_delta(t))};
}

PAIR struct pair pair_form(struct pair x, struct delta form)
{
	return (struct pair){xor2(x.lo, mul8(s8_make(x.hi), form.f)), x.hi};
}

PAIR void p8_c_make(struct p8_c *c, const struct pf_fec_dot *d, size_t at)
{
	c->c = c8_make(d->tables, ((const uint8_t *)d->coef)[at]);
}

PAIR struct p8_f p8_f_make(const struct p8_c *c)
{
	return (struct p8_f){f8_make(c->c)};
}

PAIR struct p8_s p8_s_make(struct pair x)
{
	return (struct p8_s){s8_make(x.lo), s8_make(x.hi)};
}

PAIR struct pair p8_mul_add(struct pair acc, struct p8_s x, struct p8_f f)
{
	return (struct pair){xor2(acc.lo, mul8(x.lo, f.f)), xor2(acc.hi, mul8(x.hi, f.f))};
}

PAIR void p16_c_from(struct p16_c *c, const struct pf_gf8_tables *t, uint16_t v)
{
	uint8_t v0 = (uint8_t)v, v1 = (uint8_t)(v >> 8);
	*c = (struct p16_c){
		c8_make(t, v0), c8_make(t, t->cantor7[v1]), c8_make(t, v1), c8_make(t, v0 ^ v1)};
}

PAIR void p16_c_make(struct p16_c *c, const struct pf_fec_dot *d, size_t at)
{
	p16_c_from(c, d->tables, ((const uint16_t *)d->coef)[at]);
}

PAIR struct p16_f p16_f_make(const struct p16_c *c)
{
	return (struct p16_f){f8_make(c->a), f8_make(c->b), f8_make(c->c), f8_make(c->d)};
}

PAIR struct p16_s p16_s_make(struct pair x)
{
	return (struct p16_s){s8_make(x.lo), s8_make(x.hi)};
}

PAIR struct pair p16_mul_add(struct pair acc, struct p16_s x, struct p16_f f)
{
	return (struct pair){xor3(acc.lo, mul8(x.lo, f.a), mul8(x.hi, f.b)),
		xor3(acc.hi, mul8(x.lo, f.c), mul8(x.hi, f.d))};
}

#undef PAIR
