/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every FEC kernel of every level that this machine has, against plain C. */
#include "core/fec/gf16.h"
#include "core/fec/kernels.h"
#include "tests/kernels/kernels.h"

#define ROWS  16u  /* outputs: more than two passes of any level, all of a transform */
#define SRCS  70u  /* sources: more than a level prepares at once */
#define ROOM  512u /* bytes of one row, with space for shifts and guards */
#define GUARD 64u

static struct pf_gf8_tables tables;
static _Alignas(64) uint8_t src_mem[SRCS][ROOM], dst_mem[2][ROWS][ROOM];
static unsigned n_failed, n_passed;

static void fill_rows(uint64_t *seed)
{
	rnd_bytes(seed, src_mem[0], sizeof(src_mem));
	rnd_bytes(seed, dst_mem[0][0], sizeof(dst_mem[0]));
	memcpy(dst_mem[1], dst_mem[0], sizeof(dst_mem[0]));
}

/* Whole rows are compared, guards too: nothing may be written outside. */
static void verdict(const char *level, const char *kernel, const char *how)
{
	if (!memcmp(dst_mem[0], dst_mem[1], sizeof(dst_mem[0]))) {
		n_passed++;
		return;
	}
	n_failed++;
	printf("# %s of level %s differs from plain C: %s\n", kernel, level, how);
}

static void check_dot(const struct pf_fec_kernels *plain, const struct pf_fec_kernels *k,
	const char *level, uint64_t *seed)
{
	static uint16_t coef16[ROWS * SRCS];
	static uint8_t coef8[ROWS * SRCS];
	for (unsigned round = 0; round < 400; round++) {
		int wide = round & 1;
		unsigned flags = (rnd(seed) & 1 ? PF_FEC_ADD : 0) |
			(!wide && rnd(seed) & 1 ? PF_FEC_TOWER : 0);
		size_t n_out = (size_t)(rnd(seed) % ROWS) + 1,
		       n_src = (size_t)(rnd(seed) % SRCS) + 1;
		size_t len = (size_t)(rnd(seed) % 300) + 1;
		if (wide || flags & PF_FEC_TOWER)
			len += len & 1;
		const uint8_t *src[SRCS];
		uint8_t *out[2][ROWS];
		fill_rows(seed);
		for (size_t i = 0; i < n_src; i++)
			src[i] = src_mem[i] + rnd(seed) % 64;
		for (size_t r = 0; r < n_out; r++) {
			size_t shift = GUARD + rnd(seed) % 64;
			out[0][r] = dst_mem[0][r] + shift;
			out[1][r] = dst_mem[1][r] + shift;
		}
		for (size_t c = 0; c < ROWS * SRCS; c++) {
			coef16[c] = (uint16_t)(rnd(seed) >> 40);
			coef8[c] = (uint8_t)(rnd(seed) >> 40);
		}
		struct pf_fec_dot d = {.tables = &tables,
			.src = src,
			.n_out = n_out,
			.n_src = n_src,
			.len = len,
			.coef_stride = n_src,
			.flags = flags,
			.coef = wide ? (const void *)coef16 : coef8};
		d.out = out[0];
		(wide ? plain->dot16 : plain->dot8)(&d);
		d.out = out[1];
		(wide ? k->dot16 : k->dot8)(&d);
		char how[100];
		snprintf(how, sizeof(how), "%zu x %zu, %zu bytes, flags %u", n_out, n_src, len,
			flags);
		verdict(level, wide ? "dot16" : "dot8", how);
	}
}

static void check_fft(const struct pf_fec_kernels *plain, const struct pf_fec_kernels *k,
	const char *level, uint64_t *seed)
{
	static const char *const names[] = {"ifft4", "fft4", "ifft2", "fft2"};
	for (unsigned round = 0; round < 1600; round++) {
		unsigned which = round & 3, wide = round >> 2 & 1, in_place = round >> 3 & 1;
		unsigned flags = 0, inverse = !(which & 1), four = which < 2;
		if (inverse && rnd(seed) & 1)
			flags |= PF_FEC_ADD;
		if (four && !in_place && rnd(seed) & 1)
			flags |= PF_FEC_TOWER;
		if (four && inverse && !wide && !in_place && rnd(seed) & 1)
			flags |= PF_FEC_SCALE;
		if (in_place)
			flags &= ~(unsigned)PF_FEC_ADD;
		/* What is in wire form is a shard, anywhere; work rows are aligned. */
		size_t src_shift = flags & (PF_FEC_TOWER | PF_FEC_SCALE) && inverse ? rnd(seed) % 64
										    : 0;
		size_t dst_shift = flags & PF_FEC_TOWER && !inverse ? rnd(seed) % 64 : 0;
		struct pf_fec_fft4 f = {.tables = &tables,
			.len = 64 * (rnd(seed) % 5 + 1),
			.scale = (uint8_t)rnd(seed),
			.flags = flags};
		for (unsigned s = 0; s < 3; s++)
			f.skew[s] = (uint16_t)(rnd(seed) >> 40 & (wide ? 0xffff : 0xff));
		fill_rows(seed);
		pf_fec_fft4_fn fn[2][4] = {{plain->ifft4[wide], plain->fft4[wide],
						   plain->ifft2[wide], plain->fft2[wide]},
			{k->ifft4[wide], k->fft4[wide], k->ifft2[wide], k->fft2[wide]}};
		for (unsigned side = 0; side < 2; side++) {
			for (unsigned q = 0; q < 4; q++) {
				f.dst[q] = dst_mem[side][q] + GUARD + dst_shift;
				f.src[q] = in_place ? f.dst[q] : src_mem[q] + src_shift;
			}
			fn[side][which](&f);
		}
		char how[100];
		snprintf(how, sizeof(how), "%zu bytes, flags %u, %s, width %u", f.len, flags,
			in_place ? "in place" : "apart", wide ? 16u : 8u);
		verdict(level, names[which], how);
	}
}

static void check_fft16(const struct pf_fec_kernels *plain, const struct pf_fec_kernels *k,
	const char *level, uint64_t *seed)
{
	for (unsigned round = 0; round < 400; round++) {
		int inverse = round & 1, in_place = round >> 1 & 1;
		unsigned flags = 0;
		if (!in_place)
			flags = (unsigned)rnd(seed) &
				(inverse ? PF_FEC_ADD | PF_FEC_TOWER | PF_FEC_SCALE : PF_FEC_TOWER);
		size_t src_shift = flags & (PF_FEC_TOWER | PF_FEC_SCALE) && inverse ? rnd(seed) % 64
										    : 0;
		size_t dst_shift = flags & PF_FEC_TOWER && !inverse ? rnd(seed) % 64 : 0;
		struct pf_fec_fft16 f = {.tables = &tables,
			.len = 64 * (rnd(seed) % 5 + 1),
			.scale = (uint8_t)rnd(seed),
			.flags = flags};
		rnd_bytes(seed, f.skew, sizeof(f.skew));
		fill_rows(seed);
		for (unsigned side = 0; side < 2; side++) {
			const struct pf_fec_kernels *by = side ? k : plain;
			for (unsigned q = 0; q < 16; q++) {
				f.dst[q] = dst_mem[side][q] + GUARD + dst_shift;
				f.src[q] = in_place ? f.dst[q] : src_mem[q] + src_shift;
			}
			(inverse ? by->ifft16 : by->fft16)(&f);
		}
		char how[100];
		snprintf(how, sizeof(how), "%zu bytes, flags %u, %s", f.len, flags,
			in_place ? "in place" : "apart");
		verdict(level, inverse ? "ifft16" : "fft16", how);
	}
}

static void check_ends(const struct pf_fec_kernels *plain, const struct pf_fec_kernels *k,
	const char *level, uint64_t *seed)
{
	for (unsigned round = 0; round < 200; round++) {
		size_t len = 64 * (rnd(seed) % 5 + 1), shift = rnd(seed) % 64;
		uint16_t c = (uint16_t)(rnd(seed) >> 40 & (round & 1 ? 0xffff : 0xff));
		fill_rows(seed);
		plain->syndrome(&tables, dst_mem[0][0] + GUARD, src_mem[0] + shift, c, len);
		k->syndrome(&tables, dst_mem[1][0] + GUARD, src_mem[0] + shift, c, len);
		verdict(level, "syndrome", "");
		fill_rows(seed);
		plain->repair(&tables, dst_mem[0][0] + GUARD + shift, src_mem[1], c, len);
		k->repair(&tables, dst_mem[1][0] + GUARD + shift, src_mem[1], c, len);
		verdict(level, "repair", "");
	}
}

/* Plain C itself, against the field. */
static void check_plain(const struct pf_fec_kernels *plain, uint64_t *seed)
{
	for (unsigned round = 0; round < 500; round++) {
		uint16_t a = (uint16_t)(rnd(seed) >> 40), c = (uint16_t)(rnd(seed) >> 40);
		uint8_t in[2] = {(uint8_t)a, (uint8_t)(a >> 8)}, got[2];
		const uint8_t *src[1] = {in};
		uint8_t *out[1] = {got};
		uint16_t tower = pf_gf16_swap_form(c);
		struct pf_fec_dot d = {.tables = &tables,
			.out = out,
			.src = src,
			.n_out = 1,
			.n_src = 1,
			.len = 2,
			.coef = &tower,
			.coef_stride = 1};
		plain->dot16(&d);
		uint16_t want = pf_gf16_mul(a, c);
		if ((got[0] | got[1] << 8) == want) {
			n_passed++;
			continue;
		}
		n_failed++;
		printf("# dot16 of plain C: %04x * %04x is not %02x%02x\n", a, c, got[1], got[0]);
	}
}

int main(void)
{
	uint64_t seed = 31;
	struct pf_fec_kernels plain;
	pf_gf8_tables_init(&tables, &pf_gf8_cantor, pf_gf16_delta);
	pf_fec_kernels_init(&plain, 0);
	check_plain(&plain, &seed);
	printf("1..%zu\n", N_LEVELS);
	int bad = 0;
	for (size_t l = 0; l < N_LEVELS; l++) {
		if (!level_here(l)) {
			printf("ok %zu - %s # SKIP not on this machine\n", l + 1, levels[l].name);
			continue;
		}
		struct pf_fec_kernels k;
		pf_fec_kernels_init(&k, levels[l].flags);
		check_dot(&plain, &k, levels[l].name, &seed);
		check_fft(&plain, &k, levels[l].name, &seed);
		if (k.ifft16)
			check_fft16(&plain, &k, levels[l].name, &seed);
		check_ends(&plain, &k, levels[l].name, &seed);
		printf("%sok %zu - %s, %u comparisons\n", n_failed ? "not " : "", l + 1,
			levels[l].name, n_passed);
		bad |= n_failed != 0;
		n_failed = n_passed = 0;
	}
	return bad;
}
