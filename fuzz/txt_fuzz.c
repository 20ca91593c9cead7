/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * The TXT record of a service. What the reader accepts is within the bounds of its header, can be written, and
 * reads the same again.
 */
#include <string.h>

#include "core/wire/txt.h"
#include "fuzz/fuzz.h"

static void check_bounds(const struct pf_txt *t)
{
	FUZZ_CHECK(strnlen(t->id, sizeof(t->id)) <= PF_TXT_ID_MAX);
	FUZZ_CHECK(strnlen(t->os, sizeof(t->os)) < PF_TXT_OS_MAX);
	FUZZ_CHECK(t->n_macs <= PF_TXT_MACS_MAX && t->pair <= PF_TXT_PAIR_OPTIONAL);
	for (const char *p = t->id; *p; p++)
		FUZZ_CHECK(*p > ' ' && *p <= '~');
	for (const char *p = t->os; *p; p++)
		FUZZ_CHECK(strchr("abcdefghijklmnopqrstuvwxyz0123456789._-/", *p));
}

static void fuzz_record(const uint8_t *data, size_t size)
{
	static uint8_t out[PF_TXT_RECORD_MAX];
	struct pf_txt t, again;
	if (pf_txt_read(&t, data, size) < 0)
		return;
	check_bounds(&t);
	int n = pf_txt_write(out, sizeof(out), &t);
	FUZZ_CHECK(n > 0);
	FUZZ_CHECK(pf_txt_read(&again, out, (size_t)n) == PF_OK);
	t.old = false;
	if (!t.wires)
		t.wires = again.wires; /* generations that are beyond the mask are not written */
	FUZZ_CHECK(t.has_fp == again.has_fp && !memcmp(t.fp, again.fp, sizeof(t.fp)));
	FUZZ_CHECK(t.pair == again.pair && t.mgmt == again.mgmt && t.addr == again.addr);
	FUZZ_CHECK(!strcmp(t.id, again.id) && !strcmp(t.os, again.os) && t.wires == again.wires);
	FUZZ_CHECK(
		t.n_macs == again.n_macs && !memcmp(t.macs, again.macs, t.n_macs * PF_TXT_MAC_LEN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Its own memory, so that the sanitizer sees a read of one byte too many. */
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	fuzz_record(copy, size);
	free(copy);
	return 0;
}
