/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Pairing with a Moonlight client by requests in any order with anything in them: nobody is ever paired, as no
 * fuzzer signs what the host has just drawn. Each line is a request: a letter, then its argument; b has salt and
 * certificate with a blank between. P is the certificate as PEM, not in hex.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "host/gamestream/hex.h"
#include "host/gamestream/identity.h"
#include "host/gamestream/pairing.h"

#define LINE_MAX_LEN 9000

static struct gs_identity *make_identity(void)
{
	static struct gs_identity id; /* without a key: signing fails, cleanly */
	id.cert.sig_len = 256;
	return &id;
}

static void one(struct pairing *p, char *line, uint64_t now)
{
	static char hex[2 * LINE_MAX_LEN + 1];
	char out[2 * PAIRING_SECRET_MAX + 1], *blank;
	union udp_addr addr = {.in4 = {.sin_family = AF_INET}};
	const struct pairing_from from = {"x", &addr};
	struct pairing_device d;
	static int parked;
	switch (line[0]) {
	case 'b':
		blank = strchr(line, ' ');
		if (blank)
			*blank = '\0';
		(void)!pairing_begin(
			p, now, &from, line + 1, blank ? blank + 1 : NULL, &parked, &d);
		break;
	case 'P':
		for (char *c = line; *c; c++)
			*c = *c == '|' ? '\n' : *c;
		hex_write(hex, (const uint8_t *)line + 1, strlen(line + 1));
		(void)!pairing_begin(
			p, now, &from, "00112233445566778899aabbccddeeff", hex, &parked, &d);
		break;
	case 'p':
		(void)!pairing_pin(p, now, line + 1, 0, "", &d);
		break;
	case 'c':
		(void)!pairing_challenge(p, now, &from, line + 1, out);
		break;
	case 'r':
		(void)!pairing_response(p, now, &from, line + 1, out);
		break;
	case 's':
		FUZZ_CHECK(pairing_secret(p, now, &from, line + 1, &d) < 0);
		break;
	case 'u':
		(void)pairing_cancel(p, &from);
		break;
	default:
		pairing_gone(p, &parked);
	}
	while (pairing_reap(p, now))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char line[LINE_MAX_LEN + 1];
	struct pairing *p = NULL;
	uint64_t now = 1;
	FUZZ_CHECK(pairing_create(&p, make_identity()) == PF_OK);
	for (size_t at = 0; at < size;) {
		const uint8_t *stop = memchr(data + at, '\n', size - at);
		size_t n = stop ? (size_t)(stop - data) - at : size - at;
		size_t take = n < LINE_MAX_LEN ? n : LINE_MAX_LEN;
		memcpy(line, data + at, take);
		line[take] = '\0';
		one(p, line, now += 1000000000);
		at += n + 1;
	}
	pairing_destroy(p);
	return 0;
}
