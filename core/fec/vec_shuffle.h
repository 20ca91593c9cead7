/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Multiplication by two table lookups a byte (kernels_vec.h), for any vector width. */

/* The 32 bytes of pf_gf8_tables. */
struct c8 {
	const uint8_t *nibble;
};

struct f8 {
	VEC lo, hi;
};

struct s8 {
	VEC lo, hi;
};

static inline struct c8 c8_make(const struct pf_gf8_tables *t, uint16_t c)
{
	return (struct c8){t->nibble[c & 255]};
}

static inline struct c8 c8_delta(const struct pf_gf8_tables *t)
{
	return (struct c8){t->delta_nibble};
}
