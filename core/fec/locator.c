/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/locator.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"

#define ORDER 65535u

/* Values modulo 65535 are kept below 2^16 + 1: folding the high half in is cheaper than dividing. */
typedef uint32_t lanes __attribute__((vector_size(16)));

static lanes fold(lanes v)
{
	return (v & 0xffff) + (v >> 16);
}

static uint32_t fold_scalar(uint32_t v)
{
	v = (v & 0xffff) + (v >> 16);
	v = (v & 0xffff) + (v >> 16);
	return v >= ORDER ? v - ORDER : v;
}

/* n is a power of two, at least 4; v is 64-byte aligned. */
static void walsh_hadamard(uint32_t *v, size_t n)
{
	lanes *p = (lanes *)(void *)v;
	const lanes bias = {2 * ORDER, 2 * ORDER, 2 * ORDER, 2 * ORDER};
	for (size_t half = n / 8; half; half /= 2)
		for (size_t block = 0; block < n / 4; block += 2 * half)
			for (size_t i = block; i < block + half; i++) {
				lanes a = p[i], b = p[i + half];
				p[i] = fold(a + b);
				p[i + half] = fold(a + bias - b);
			}
	for (size_t i = 0; i < n; i += 4) {
		uint32_t a = v[i] + v[i + 2], b = v[i + 1] + v[i + 3];
		uint32_t c = v[i] + 2 * ORDER - v[i + 2], d = v[i + 1] + 2 * ORDER - v[i + 3];
		v[i] = fold_scalar(a + b);
		v[i + 1] = fold_scalar(a + 4 * ORDER - b);
		v[i + 2] = fold_scalar(c + d);
		v[i + 3] = fold_scalar(c + 8 * ORDER - d);
	}
}

int pf_locator_init(struct pf_locator *l, size_t max)
{
	l->max = max < 4 ? 4 : max;
	l->n = 0;
	l->spectrum = pf_calloc(l->max, sizeof(*l->spectrum));
	l->value = pf_calloc(l->max, sizeof(*l->value));
	return l->spectrum && l->value ? PF_OK : PF_E_NOMEM;
}

void pf_locator_finish(struct pf_locator *l)
{
	pf_free(l->spectrum);
	pf_free(l->value);
	*l = (struct pf_locator){0};
}

void pf_locator_begin(struct pf_locator *l, const uint16_t *log, size_t n)
{
	memset(l->value, 0, n * sizeof(*l->value));
	if (l->n == n)
		return;
	l->n = n;
	l->spectrum[0] = 0; /* a point's own factor is left out */
	for (size_t i = 1; i < n; i++)
		l->spectrum[i] = log[i];
	walsh_hadamard(l->spectrum, n);
	/* 2^16 is 1 modulo 65535, so 1/n is 2^16/n. */
	uint32_t inverse = n == 65536 ? 1 : (uint32_t)(65536 / n);
	for (size_t i = 0; i < n; i++)
		l->spectrum[i] = fold_scalar(fold_scalar(l->spectrum[i]) * inverse);
}

void pf_locator_solve(struct pf_locator *l)
{
	walsh_hadamard(l->value, l->n);
	for (size_t i = 0; i < l->n; i++)
		l->value[i] = fold_scalar(fold_scalar(l->value[i]) * l->spectrum[i]);
	walsh_hadamard(l->value, l->n);
	for (size_t i = 0; i < l->n; i++)
		l->value[i] = fold_scalar(l->value[i]);
}
