/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* The file of known hosts. What is read can be written, and reads the same again. */
#include <string.h>

#include "client/known.h"
#include "fuzz/fuzz.h"

static void check_host(const struct known_host *h)
{
	FUZZ_CHECK(h->n_addrs >= 1 && h->n_addrs <= KNOWN_ADDRS_MAX);
	FUZZ_CHECK(h->n_macs <= KNOWN_MACS_MAX);
	for (size_t i = 0; i < h->n_addrs; i++)
		FUZZ_CHECK(h->addrs[i].port && h->addrs[i].host[0]);
	for (const char *p = h->name; *p; p++)
		FUZZ_CHECK((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void fuzz_text(const char *data, size_t size)
{
	struct known k, again;
	size_t bad, len;
	char *text;
	int err = known_parse(&k, data, size, &bad);
	if (err)
		return;
	for (size_t i = 0; i < k.n_hosts; i++)
		check_host(&k.hosts[i]);
	FUZZ_CHECK(known_format(&k, &text, &len) == 0);
	FUZZ_CHECK(known_parse(&again, text, len, &bad) == 0);
	FUZZ_CHECK(again.n_hosts == k.n_hosts && again.comments_len == k.comments_len);
	for (size_t i = 0; i < k.n_hosts; i++) {
		const struct known_host *a = &k.hosts[i], *b = &again.hosts[i];
		FUZZ_CHECK(!memcmp(a->sha256, b->sha256, 32) && a->n_addrs == b->n_addrs);
		FUZZ_CHECK(!strcmp(a->name, b->name) && !strcmp(a->id, b->id));
		FUZZ_CHECK(a->paired == b->paired && a->used_s == b->used_s);
		FUZZ_CHECK(a->n_macs == b->n_macs && !memcmp(a->macs, b->macs, sizeof(a->macs)));
		for (size_t j = 0; j < a->n_addrs; j++)
			FUZZ_CHECK(!strcmp(a->addrs[j].host, b->addrs[j].host) &&
				a->addrs[j].port == b->addrs[j].port);
	}
	free(text);
	known_finish(&again);
	known_finish(&k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Its own memory, so that the sanitizer sees a read of one byte too many. */
	char *copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	fuzz_text(copy, size);
	free(copy);
	return 0;
}
