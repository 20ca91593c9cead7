/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Loads and stores of less than a vector where the instruction set has no masks (kernels_vec.h). */

static inline VEC load_part(const uint8_t *p, size_t n)
{
	uint8_t tmp[VEC_BYTES] = {0};
	memcpy(tmp, p, n);
	return load(tmp);
}

static inline void store_part(uint8_t *p, VEC v, size_t n)
{
	uint8_t tmp[VEC_BYTES];
	store(tmp, v);
	memcpy(p, tmp, n);
}

static inline VEC xor3(VEC a, VEC b, VEC c)
{
	return xor2(xor2(a, b), c);
}
