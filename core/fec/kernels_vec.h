/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The vector kernels, once for all instruction sets (no include guard: one inclusion per file of
 * x86/ and arm/, which defines before it):
 *   VEC, VEC_BYTES (16, 32 or 64), MAX_ROWS, SOURCES (sources whose factors are kept prepared),
 *   load, store, load_part, store_part, zero, xor2, xor3,
 *   struct c8, c8_make, struct f8, f8_make: a factor in memory and in registers,
 *   struct s8, s8_make, mul8: a vector ready to be multiplied, and the product,
 *   struct delta, delta_make: the map between wire and tower form;
 * and for pairs of low and high bytes (kernels_pair.h defines them where a chunk is two or more
 * vectors): struct pair, pair_load, pair_store, pair_load_part, pair_store_part, pair_zero,
 *   pair_xor2, pair_xor3, pair_form, and p8_ and p16_ counterparts of the above.
 */

#define INLINE static inline __attribute__((always_inline))

/*
 * Loops over rows and blocks must go, so that the arrays they index become registers. Not where a
 * sanitizer follows each access: compilers take minutes over what it makes of the result.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define UNROLL
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#undef UNROLL
#define UNROLL
#endif
#if !defined(UNROLL) && defined(__clang__)
#define UNROLL _Pragma("unroll")
#elif !defined(UNROLL)
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* dot8 without forms: any length. The last column is masked, or a row at a time without masks. */

#if VEC_BYTES == 64
#define LOAD_COLUMN(p)	   load_part((p), n_bytes)
#define STORE_COLUMN(p, v) store_part((p), (v), n_bytes)
#else
#define LOAD_COLUMN(p)	   load(p)
#define STORE_COLUMN(p, v) store((p), (v))
#endif

INLINE void dot_lanes(const struct pf_fec_dot *d, const struct c8 *coef, size_t first, size_t n,
	size_t row, const int n_rows)
{
	const uint8_t *const *src = d->src + first;
	uint8_t *const *out = d->out + row;
	const int more = first || d->flags & PF_FEC_ADD;
	const size_t len = d->len;
#if VEC_BYTES == 64
	for (size_t at = 0; at < len; at += VEC_BYTES) {
		const size_t n_bytes = len - at < VEC_BYTES ? len - at : VEC_BYTES;
#else
	for (size_t at = 0; at + VEC_BYTES <= len; at += VEC_BYTES) {
#endif
		VEC acc[6];
		UNROLL
		for (int r = 0; r < n_rows; r++)
			acc[r] = more ? LOAD_COLUMN(out[r] + at) : zero();
		const struct c8 *c = coef;
		size_t i = 0;
		for (; i + 1 < n; i += 2, c += 2 * n_rows) {
			const struct s8 x = s8_make(LOAD_COLUMN(src[i] + at));
			const struct s8 y = s8_make(LOAD_COLUMN(src[i + 1] + at));
			UNROLL
			for (int r = 0; r < n_rows; r++)
				acc[r] = xor3(acc[r], mul8(x, f8_make(c[r])),
					mul8(y, f8_make(c[n_rows + r])));
		}
		if (i < n) {
			const struct s8 x = s8_make(LOAD_COLUMN(src[i] + at));
			UNROLL
			for (int r = 0; r < n_rows; r++)
				acc[r] = xor2(acc[r], mul8(x, f8_make(c[r])));
		}
		UNROLL
		for (int r = 0; r < n_rows; r++)
			STORE_COLUMN(out[r] + at, acc[r]);
	}
}

#if VEC_BYTES < 64
static void dot_lanes_rest(const struct pf_fec_dot *d, const struct c8 *coef, size_t first,
	size_t n, size_t row, size_t n_rows)
{
	size_t at = d->len / VEC_BYTES * VEC_BYTES, rest = d->len - at;
	for (size_t r = 0; rest && r < n_rows; r++) {
		uint8_t *out = d->out[row + r] + at;
		VEC acc = first || d->flags & PF_FEC_ADD ? load_part(out, rest) : zero();
		for (size_t i = 0; i < n; i++)
			acc = xor2(acc,
				mul8(s8_make(load_part(d->src[first + i] + at, rest)),
					f8_make(coef[i * n_rows + r])));
		store_part(out, acc, rest);
	}
}
#endif

#define LANE_SOURCES 64u

static void dot_lanes_rows(const struct pf_fec_dot *d, size_t row, size_t n_rows)
{
	struct c8 coef[LANE_SOURCES * 6];
	const uint8_t *from = d->coef;
	for (size_t first = 0; first < d->n_src; first += LANE_SOURCES) {
		size_t n = d->n_src - first < LANE_SOURCES ? d->n_src - first : LANE_SOURCES;
		for (size_t i = 0; i < n; i++)
			for (size_t r = 0; r < n_rows; r++)
				coef[i * n_rows + r] = c8_make(
					d->tables, from[(row + r) * d->coef_stride + first + i]);
#define CASE(N) \
	case N: \
		dot_lanes(d, coef, first, n, row, N); \
		break
		switch (n_rows) {
			CASE(1);
			CASE(2);
			CASE(3);
			CASE(4);
			CASE(5);
			CASE(6);
		}
#undef CASE
#if VEC_BYTES < 64
		dot_lanes_rest(d, coef, first, n, row, n_rows);
#endif
	}
}

/* dot8 with forms and dot16: pairs of low and high bytes. A short last chunk goes row by row. */

#define PAIR_BYTES (VEC_BYTES < 32 ? VEC_BYTES : 32) /* low bytes in a pair */

INLINE struct pair load_pair(const uint8_t *p, size_t off, size_t half)
{
	size_t n = half - off < PAIR_BYTES ? half - off : PAIR_BYTES;
	return n < PAIR_BYTES ? pair_load_part(p + off, p + half + off, n)
			      : pair_load(p + off, p + half + off);
}

#define DOT_PAIRS(name, P) \
	INLINE void name(const struct pf_fec_dot *d, const struct P##_c *coef, size_t first, \
		size_t n, size_t row, const int n_rows) \
	{ \
		const struct delta form = delta_make(d->tables); \
		const uint8_t *const *src = d->src + first; \
		uint8_t *const *out = d->out + row; \
		const int more = first || d->flags & PF_FEC_ADD; \
		const size_t end = d->len / PF_FEC_CHUNK * PF_FEC_CHUNK; \
		for (size_t lo = 0; lo < end; \
			lo += (lo + PAIR_BYTES) % 32 ? PAIR_BYTES : PAIR_BYTES + 32) { \
			struct pair acc[6]; \
			UNROLL \
			for (int r = 0; r < n_rows; r++) \
				acc[r] = pair_zero(); \
			const struct P##_c *c = coef; \
			for (size_t i = 0; i < n; i++, c += n_rows) { \
				const struct P##_s x = P##_s_make(pair_form( \
					pair_load(src[i] + lo, src[i] + lo + 32), form)); \
				UNROLL \
				for (int r = 0; r < n_rows; r++) \
					acc[r] = P##_mul_add(acc[r], x, P##_f_make(c + r)); \
			} \
			UNROLL \
			for (int r = 0; r < n_rows; r++) { \
				uint8_t *p = out[r] + lo; \
				struct pair sum = pair_form(acc[r], form); \
				if (more) \
					sum = pair_xor2(sum, pair_load(p, p + 32)); \
				pair_store(p, p + 32, sum); \
			} \
		} \
	} \
	static void name##_rest(const struct pf_fec_dot *d, const struct P##_c *coef, \
		size_t first, size_t n, size_t row, size_t n_rows) \
	{ \
		const struct delta form = delta_make(d->tables); \
		size_t at = d->len / PF_FEC_CHUNK * PF_FEC_CHUNK, half = (d->len - at) / 2; \
		for (size_t r = 0; r < n_rows; r++) \
			for (size_t off = 0; off < half; off += PAIR_BYTES) { \
				struct pair acc = pair_zero(); \
				for (size_t i = 0; i < n; i++) \
					acc = P##_mul_add(acc, \
						P##_s_make(pair_form( \
							load_pair(d->src[first + i] + at, off, \
								half), \
							form)), \
						P##_f_make(coef + i * n_rows + r)); \
				uint8_t *p = d->out[row + r] + at; \
				acc = pair_form(acc, form); \
				if (first || d->flags & PF_FEC_ADD) \
					acc = pair_xor2(acc, load_pair(p, off, half)); \
				if (half - off < PAIR_BYTES) \
					pair_store_part(p + off, p + half + off, acc, half - off); \
				else \
					pair_store(p + off, p + half + off, acc); \
			} \
	} \
	static void name##_rows(const struct pf_fec_dot *d, size_t row, size_t n_rows) \
	{ \
		struct P##_c coef[SOURCES * MAX_ROWS]; \
		for (size_t first = 0; first < d->n_src; first += SOURCES) { \
			size_t n = d->n_src - first < SOURCES ? d->n_src - first : SOURCES; \
			for (size_t i = 0; i < n; i++) \
				for (size_t r = 0; r < n_rows; r++) \
					P##_c_make(&coef[i * n_rows + r], d, \
						(row + r) * d->coef_stride + first + i); \
			switch (n_rows) { \
				PAIR_CASES(name) \
			} \
			name##_rest(d, coef, first, n, row, n_rows); \
		} \
	}

#define PAIR_CASE(name, N) \
	case N: \
		name(d, coef, first, n, row, N); \
		break;
#if MAX_ROWS == 6
#define PAIR_CASES(name) \
	PAIR_CASE(name, 1) \
	PAIR_CASE(name, 2) \
	PAIR_CASE(name, 3) PAIR_CASE(name, 4) PAIR_CASE(name, 5) PAIR_CASE(name, 6)
#else
#define PAIR_CASES(name) PAIR_CASE(name, 1) PAIR_CASE(name, 2) PAIR_CASE(name, 3)
#endif

DOT_PAIRS(dot_pairs8, p8)
DOT_PAIRS(dot_pairs16, p16)

static void dot8(const struct pf_fec_dot *d)
{
	size_t max = d->flags & PF_FEC_TOWER ? MAX_ROWS : 6;
	for (size_t row = 0; row < d->n_out; row += max) {
		size_t n = d->n_out - row < max ? d->n_out - row : max;
		if (d->flags & PF_FEC_TOWER)
			dot_pairs8_rows(d, row, n);
		else
			dot_lanes_rows(d, row, n);
	}
}

static void dot16(const struct pf_fec_dot *d)
{
	for (size_t row = 0; row < d->n_out; row += MAX_ROWS)
		dot_pairs16_rows(d, row, d->n_out - row < MAX_ROWS ? d->n_out - row : MAX_ROWS);
}

/* The transforms over bytes: every vector alike, save for the forms at both ends. */

/* The vector at off of a chunk in wire form, in tower form: low bytes take from the high ones. */
INLINE VEC load_form(const uint8_t *p, size_t off, struct delta form)
{
#if VEC_BYTES == 64
	(void)off;
	return load_tower(p, form);
#else
	VEC v = load(p + off);
	return off < 32 ? xor2(v, mul8(s8_make(load(p + off + 32)), form.f)) : v;
#endif
}

/* High bytes are stored first, and are the same in both forms. */
INLINE void store_form(uint8_t *p, size_t off, VEC v, struct delta form)
{
#if VEC_BYTES == 64
	(void)off;
	pair_store(p, p + 32, pair_form((struct pair){v}, form));
#else
	store(p + off, off < 32 ? xor2(v, mul8(s8_make(load(p + off + 32)), form.f)) : v);
#endif
}

/* Copies that the stores below cannot be thought to change: they stay in registers. */
#define LOCALS(n) \
	const uint8_t *src[n]; \
	uint8_t *dst[n]; \
	const size_t len = f->len; \
	UNROLL \
	for (int q = 0; q < (n); q++) { \
		src[q] = f->src[q]; \
		dst[q] = f->dst[q]; \
	}

#define INVERSE(x, y, f) \
	do { \
		(y) = xor2((y), (x)); \
		(x) = xor2((x), mul8(s8_make(y), (f))); \
	} while (0)
#define FORWARD(x, y, f) \
	do { \
		(x) = xor2((x), mul8(s8_make(y), (f))); \
		(y) = xor2((y), (x)); \
	} while (0)

INLINE void ifft4_8_with(const struct pf_fec_fft4 *f, const unsigned flags)
{
	LOCALS(4)
	const struct f8 f0 = f8_make(c8_make(f->tables, f->skew[0]));
	const struct f8 f1 = f8_make(c8_make(f->tables, f->skew[1]));
	const struct f8 f2 = f8_make(c8_make(f->tables, f->skew[2]));
	const struct f8 scale = f8_make(c8_make(f->tables, f->scale));
	const struct delta form = delta_make(f->tables);
	for (size_t at = 0; at < len; at += PF_FEC_CHUNK)
		for (size_t off = 0; off < PF_FEC_CHUNK; off += VEC_BYTES) {
			VEC b[4];
			UNROLL
			for (int q = 0; q < 4; q++) {
				b[q] = flags & PF_FEC_TOWER ? load_form(src[q] + at, off, form)
							    : load(src[q] + at + off);
				if (flags & PF_FEC_SCALE)
					b[q] = mul8(s8_make(b[q]), scale);
			}
			INVERSE(b[0], b[1], f0);
			INVERSE(b[2], b[3], f1);
			INVERSE(b[0], b[2], f2);
			INVERSE(b[1], b[3], f2);
			UNROLL
			for (int q = 0; q < 4; q++)
				store(dst[q] + at + off,
					flags & PF_FEC_ADD ? xor2(b[q], load(dst[q] + at + off))
							   : b[q]);
		}
}

static void ifft4_8(const struct pf_fec_fft4 *f)
{
	switch (f->flags) {
	case 0:
		ifft4_8_with(f, 0);
		break;
	case PF_FEC_ADD:
		ifft4_8_with(f, PF_FEC_ADD);
		break;
	case PF_FEC_TOWER:
		ifft4_8_with(f, PF_FEC_TOWER);
		break;
	case PF_FEC_SCALE:
		ifft4_8_with(f, PF_FEC_SCALE);
		break;
	default:
		ifft4_8_with(f, f->flags);
	}
}

INLINE void fft4_8_with(const struct pf_fec_fft4 *f, const unsigned flags)
{
	LOCALS(4)
	const struct f8 f0 = f8_make(c8_make(f->tables, f->skew[0]));
	const struct f8 f1 = f8_make(c8_make(f->tables, f->skew[1]));
	const struct f8 f2 = f8_make(c8_make(f->tables, f->skew[2]));
	const struct delta form = delta_make(f->tables);
	for (size_t at = 0; at < len; at += PF_FEC_CHUNK)
		for (size_t off = PF_FEC_CHUNK; off; off -= VEC_BYTES) {
			size_t o = off - VEC_BYTES;
			VEC b[4];
			UNROLL
			for (int q = 0; q < 4; q++)
				b[q] = load(src[q] + at + o);
			FORWARD(b[0], b[2], f2);
			FORWARD(b[1], b[3], f2);
			FORWARD(b[0], b[1], f0);
			FORWARD(b[2], b[3], f1);
			UNROLL
			for (int q = 0; q < 4; q++)
				if (flags & PF_FEC_TOWER)
					store_form(dst[q] + at, o, b[q], form);
				else
					store(dst[q] + at + o, b[q]);
		}
}

static void fft4_8(const struct pf_fec_fft4 *f)
{
	if (f->flags & PF_FEC_TOWER)
		fft4_8_with(f, PF_FEC_TOWER);
	else
		fft4_8_with(f, 0);
}

static void ifft2_8(const struct pf_fec_fft4 *f)
{
	LOCALS(2)
	const unsigned flags = f->flags;
	const struct f8 f0 = f8_make(c8_make(f->tables, f->skew[0]));
	for (size_t at = 0; at < len; at += VEC_BYTES) {
		VEC x = load(src[0] + at), y = load(src[1] + at);
		INVERSE(x, y, f0);
		if (flags & PF_FEC_ADD) {
			x = xor2(x, load(dst[0] + at));
			y = xor2(y, load(dst[1] + at));
		}
		store(dst[0] + at, x);
		store(dst[1] + at, y);
	}
}

static void fft2_8(const struct pf_fec_fft4 *f)
{
	LOCALS(2)
	const struct f8 f0 = f8_make(c8_make(f->tables, f->skew[0]));
	for (size_t at = 0; at < len; at += VEC_BYTES) {
		VEC x = load(src[0] + at), y = load(src[1] + at);
		FORWARD(x, y, f0);
		store(dst[0] + at, x);
		store(dst[1] + at, y);
	}
}

/*
 * Sixteen blocks: with 32 registers of 64 bytes nothing is stored between the steps. With 16 registers
 * it was measured to lose a fifth to four blocks at a time.
 */
#if VEC_BYTES == 64

INLINE void factors16(struct c8 *c, const struct pf_fec_fft16 *f)
{
	for (int i = 0; i < 15; i++)
		c[i] = c8_make(f->tables, f->skew[i]);
}

INLINE void ifft16_with(const struct pf_fec_fft16 *f, const unsigned flags)
{
	struct c8 c[15];
	factors16(c, f);
	const struct f8 scale = f8_make(c8_make(f->tables, f->scale));
	const struct delta form = delta_make(f->tables);
	for (size_t at = 0; at < f->len; at += PF_FEC_CHUNK)
		for (size_t off = 0; off < PF_FEC_CHUNK; off += VEC_BYTES) {
			VEC b[16];
			UNROLL
			for (int q = 0; q < 16; q++) {
				const uint8_t *src = f->src[q] + at;
				b[q] = flags & PF_FEC_TOWER ? load_form(src, off, form)
							    : load(src + off);
				if (flags & PF_FEC_SCALE)
					b[q] = mul8(s8_make(b[q]), scale);
				if (q & 1)
					INVERSE(b[q - 1], b[q], f8_make(c[q / 2]));
				if ((q & 3) == 3) {
					const struct f8 f1 = f8_make(c[8 + q / 4]);
					INVERSE(b[q - 3], b[q - 1], f1);
					INVERSE(b[q - 2], b[q], f1);
				}
			}
			UNROLL
			for (int q = 0; q < 16; q++)
				if (!(q & 4))
					INVERSE(b[q], b[q + 4], f8_make(c[12 + q / 8]));
			UNROLL
			for (int q = 0; q < 8; q++)
				INVERSE(b[q], b[q + 8], f8_make(c[14]));
			if (f->flags & PF_FEC_ADD) {
				UNROLL
				for (int q = 0; q < 16; q++)
					b[q] = xor2(b[q], load(f->dst[q] + at + off));
			}
			UNROLL
			for (int q = 0; q < 16; q++)
				store(f->dst[q] + at + off, b[q]);
		}
}

static void ifft16(const struct pf_fec_fft16 *f)
{
	if (f->flags & PF_FEC_TOWER && f->flags & PF_FEC_SCALE)
		ifft16_with(f, PF_FEC_TOWER | PF_FEC_SCALE);
	else if (f->flags & PF_FEC_TOWER)
		ifft16_with(f, PF_FEC_TOWER);
	else if (f->flags & PF_FEC_SCALE)
		ifft16_with(f, PF_FEC_SCALE);
	else
		ifft16_with(f, 0);
}

INLINE void fft16_with(const struct pf_fec_fft16 *f, const unsigned flags)
{
	struct c8 c[15];
	factors16(c, f);
	const struct delta form = delta_make(f->tables);
	for (size_t at = 0; at < f->len; at += PF_FEC_CHUNK)
		for (size_t off = PF_FEC_CHUNK; off; off -= VEC_BYTES) {
			size_t o = off - VEC_BYTES;
			VEC b[16];
			UNROLL
			for (int q = 0; q < 16; q++)
				b[q] = load(f->src[q] + at + o);
			UNROLL
			for (int q = 0; q < 8; q++)
				FORWARD(b[q], b[q + 8], f8_make(c[14]));
			UNROLL
			for (int q = 0; q < 16; q++)
				if (!(q & 4))
					FORWARD(b[q], b[q + 4], f8_make(c[12 + q / 8]));
			UNROLL
			for (int q = 3; q < 16; q += 4) {
				const struct f8 f1 = f8_make(c[8 + q / 4]);
				FORWARD(b[q - 3], b[q - 1], f1);
				FORWARD(b[q - 2], b[q], f1);
				FORWARD(b[q - 3], b[q - 2], f8_make(c[q / 2 - 1]));
				FORWARD(b[q - 1], b[q], f8_make(c[q / 2]));
				UNROLL
				for (int r = q - 3; r <= q; r++)
					if (flags & PF_FEC_TOWER)
						store_form(f->dst[r] + at, o, b[r], form);
					else
						store(f->dst[r] + at + o, b[r]);
			}
		}
}

static void fft16(const struct pf_fec_fft16 *f)
{
	if (f->flags & PF_FEC_TOWER)
		fft16_with(f, PF_FEC_TOWER);
	else
		fft16_with(f, 0);
}

#endif

/* The transforms over GF(2^16). */

INLINE struct p16_f factor16(const struct pf_gf8_tables *t, uint16_t c)
{
	struct p16_c mem;
	p16_c_from(&mem, t, c);
	return p16_f_make(&mem);
}

#define PAIR_AT(p) (p) + at + off, (p) + at + off + 32
#define INVERSE16(x, y, f) \
	do { \
		(y) = pair_xor2((y), (x)); \
		(x) = p16_mul_add((x), p16_s_make(y), (f)); \
	} while (0)
#define FORWARD16(x, y, f) \
	do { \
		(x) = p16_mul_add((x), p16_s_make(y), (f)); \
		(y) = pair_xor2((y), (x)); \
	} while (0)
#define EACH_PAIR \
	for (size_t at = 0; at < len; at += PF_FEC_CHUNK) \
		for (size_t off = 0; off < 32; off += PAIR_BYTES)

static void ifft4_16(const struct pf_fec_fft4 *f)
{
	LOCALS(4)
	const unsigned flags = f->flags;
	const struct p16_f f0 = factor16(f->tables, f->skew[0]);
	const struct p16_f f1 = factor16(f->tables, f->skew[1]);
	const struct p16_f f2 = factor16(f->tables, f->skew[2]);
	const struct delta form = delta_make(f->tables);
	EACH_PAIR
	{
		struct pair b[4];
		UNROLL
		for (int q = 0; q < 4; q++) {
			b[q] = pair_load(PAIR_AT(src[q]));
			if (flags & PF_FEC_TOWER)
				b[q] = pair_form(b[q], form);
		}
		INVERSE16(b[0], b[1], f0);
		INVERSE16(b[2], b[3], f1);
		INVERSE16(b[0], b[2], f2);
		INVERSE16(b[1], b[3], f2);
		UNROLL
		for (int q = 0; q < 4; q++) {
			if (flags & PF_FEC_ADD)
				b[q] = pair_xor2(b[q], pair_load(PAIR_AT(dst[q])));
			pair_store(PAIR_AT(dst[q]), b[q]);
		}
	}
}

static void fft4_16(const struct pf_fec_fft4 *f)
{
	LOCALS(4)
	const unsigned flags = f->flags;
	const struct p16_f f0 = factor16(f->tables, f->skew[0]);
	const struct p16_f f1 = factor16(f->tables, f->skew[1]);
	const struct p16_f f2 = factor16(f->tables, f->skew[2]);
	const struct delta form = delta_make(f->tables);
	EACH_PAIR
	{
		struct pair b[4];
		UNROLL
		for (int q = 0; q < 4; q++)
			b[q] = pair_load(PAIR_AT(src[q]));
		FORWARD16(b[0], b[2], f2);
		FORWARD16(b[1], b[3], f2);
		FORWARD16(b[0], b[1], f0);
		FORWARD16(b[2], b[3], f1);
		UNROLL
		for (int q = 0; q < 4; q++)
			pair_store(PAIR_AT(dst[q]),
				flags & PF_FEC_TOWER ? pair_form(b[q], form) : b[q]);
	}
}

static void ifft2_16(const struct pf_fec_fft4 *f)
{
	LOCALS(2)
	const unsigned flags = f->flags;
	const struct p16_f f0 = factor16(f->tables, f->skew[0]);
	EACH_PAIR
	{
		struct pair x = pair_load(PAIR_AT(src[0])), y = pair_load(PAIR_AT(src[1]));
		INVERSE16(x, y, f0);
		if (flags & PF_FEC_ADD) {
			x = pair_xor2(x, pair_load(PAIR_AT(dst[0])));
			y = pair_xor2(y, pair_load(PAIR_AT(dst[1])));
		}
		pair_store(PAIR_AT(dst[0]), x);
		pair_store(PAIR_AT(dst[1]), y);
	}
}

static void fft2_16(const struct pf_fec_fft4 *f)
{
	LOCALS(2)
	const struct p16_f f0 = factor16(f->tables, f->skew[0]);
	EACH_PAIR
	{
		struct pair x = pair_load(PAIR_AT(src[0])), y = pair_load(PAIR_AT(src[1]));
		FORWARD16(x, y, f0);
		pair_store(PAIR_AT(dst[0]), x);
		pair_store(PAIR_AT(dst[1]), y);
	}
}

static void syndrome(
	const struct pf_gf8_tables *t, uint8_t *row, const uint8_t *src, uint16_t c, size_t len)
{
	const struct p16_f f = factor16(t, c);
	const struct delta form = delta_make(t);
	for (size_t at = 0; at < len; at += PF_FEC_CHUNK)
		for (size_t off = 0; off < 32; off += PAIR_BYTES) {
			struct pair x = pair_form(pair_load(PAIR_AT(src)), form);
			x = pair_xor2(x, pair_load(PAIR_AT(row)));
			pair_store(PAIR_AT(row), p16_mul_add(pair_zero(), p16_s_make(x), f));
		}
}

static void repair(
	const struct pf_gf8_tables *t, uint8_t *out, const uint8_t *row, uint16_t c, size_t len)
{
	const struct p16_f f = factor16(t, c);
	const struct delta form = delta_make(t);
	for (size_t at = 0; at < len; at += PF_FEC_CHUNK)
		for (size_t off = 0; off < 32; off += PAIR_BYTES) {
			struct pair x = pair_load(PAIR_AT(row));
			x = p16_mul_add(pair_zero(), p16_s_make(x), f);
			pair_store(PAIR_AT(out), pair_form(x, form));
		}
}

static void fill(struct pf_fec_kernels *k)
{
	*k = (struct pf_fec_kernels)
	{
		.dot8 = dot8, .dot16 = dot16, .ifft4 = {ifft4_8, ifft4_16},
		.fft4 = {fft4_8, fft4_16}, .ifft2 = {ifft2_8, ifft2_16}, .fft2 = {fft2_8, fft2_16},
#if VEC_BYTES == 64
		.ifft16 = ifft16, .fft16 = fft16,
#endif
		.syndrome = syndrome, .repair = repair,
	};
}
