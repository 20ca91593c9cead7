/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/pair/pair.h"

#include <string.h>

#include "core/base/bytes.h"

#define N_PINS 10000u
#define FAIR   (UINT32_MAX / N_PINS * N_PINS) /* below it each PIN is equally often */

int pf_pin_make(char pin[static PF_PIN_LEN + 1], const uint8_t random[static PF_PIN_RANDOM_LEN])
{
	for (size_t at = 0; at < PF_PIN_RANDOM_LEN; at += 4) {
		uint32_t v = pf_get_le32(random + at);
		if (v >= FAIR)
			continue;
		for (size_t i = PF_PIN_LEN; i--; v /= 10)
			pin[i] = (char)('0' + v % 10);
		pin[PF_PIN_LEN] = 0;
		return PF_OK;
	}
	return PF_E_AGAIN;
}

bool pf_pin_valid(const char *pin)
{
	if (!pin || strnlen(pin, PF_PIN_LEN + 1) != PF_PIN_LEN)
		return false;
	for (size_t i = 0; i < PF_PIN_LEN; i++)
		if (pin[i] < '0' || pin[i] > '9')
			return false;
	return true;
}
