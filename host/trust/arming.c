/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trust/arming.h"

#include <string.h>

#include "core/base/alloc.h"

#define SECOND_NS 1000000000ull

void arming_init(struct arming *a, uint64_t cooldown_ns)
{
	*a = (struct arming){.cooldown_ns = cooldown_ns};
}

void arming_finish(struct arming *a)
{
	pf_wipe(a, sizeof(*a));
}

void arming_disarm(struct arming *a)
{
	pf_wipe(a->pin, sizeof(a->pin));
	a->until_ns = 0;
	a->bound = false;
}

int arming_arm(struct arming *a, uint64_t now_ns, uint32_t ttl_s, const uint8_t *bound_fp,
	const uint8_t random[static PF_PIN_RANDOM_LEN])
{
	char pin[PF_PIN_LEN + 1];
	if (!ttl_s || ttl_s > ARMING_TTL_MAX_S)
		return PF_E_INVALID;
	int err = pf_pin_make(pin, random);
	if (err < 0)
		return err;
	arming_disarm(a);
	memcpy(a->pin, pin, sizeof(a->pin));
	pf_wipe(pin, sizeof(pin));
	a->until_ns = now_ns + ttl_s * SECOND_NS;
	a->bound = bound_fp;
	if (bound_fp)
		memcpy(a->bound_fp, bound_fp, sizeof(a->bound_fp));
	return PF_OK;
}

uint32_t arming_left_s(struct arming *a, uint64_t now_ns)
{
	if (a->until_ns && now_ns >= a->until_ns)
		arming_disarm(a);
	return a->until_ns ? (uint32_t)((a->until_ns - now_ns + SECOND_NS - 1) / SECOND_NS) : 0;
}

int arming_begin(struct arming *a, uint64_t now_ns,
	const uint8_t fp[static PF_PAIR_FINGERPRINT_LEN], char pin[static PF_PIN_LEN + 1])
{
	if (!arming_left_s(a, now_ns))
		return PF_E_NOT_ARMED;
	/* A fingerprint is no secret: who sees it may learn how far another one agrees. */
	if (a->bound && memcmp(a->bound_fp, fp, sizeof(a->bound_fp)) != 0)
		return PF_E_BOUND_TO_OTHER;
	if (now_ns < a->ceremony_ns || now_ns < a->next_ns)
		return PF_E_RATE_LIMITED;
	memcpy(pin, a->pin, sizeof(a->pin));
	arming_disarm(a);
	a->ceremony_ns = now_ns + ARMING_CEREMONY_NS;
	a->next_ns = now_ns + a->cooldown_ns;
	a->n_attempts++;
	return PF_OK;
}

void arming_end(struct arming *a)
{
	a->ceremony_ns = 0;
}
