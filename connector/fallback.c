/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "connector/internal.h"

/* Input of kinds that a host did not announce: an older host drops what it does not know without a word. */

/* Smooth scroll is in 256ths of the compositor's unit, 15 to a detent, of which the wheel has 120ths. */
#define WHEEL_PER_UNIT 8
#define Q8	       256

enum pad_axis { AXIS_LX, AXIS_LY, AXIS_RX, AXIS_RY, AXIS_LT, AXIS_RT };
_Static_assert(AXIS_RT + 1 == FALLBACK_AXES, "an axis has a place");

static int put(struct punktfunk_connection *c, const struct pf_input *in)
{
	uint8_t buf[PF_INPUT_LEN];
	pf_input_write(buf, in);
	return session_post(c, true, buf, sizeof(buf));
}

/* What is left of a wheel's 120th goes with the next one, so that the way is the same in the end. */
static int scroll(struct punktfunk_connection *c, const struct pf_input *in)
{
	int64_t *rest = &c->fallback.scroll_rest[in->code == 1];
	int64_t all = *rest + (int64_t)in->x * WHEEL_PER_UNIT, whole = all / Q8;
	int err = PF_OK;
	if (whole)
		err = put(c, &(struct pf_input){PF_INPUT_SCROLL, in->code, (int32_t)whole, 0, 0});
	if (err == PF_OK)
		*rest = all % Q8;
	return err;
}

/* Sends what has changed. After PF_E_FULL the same snapshot sends the rest of it. */
static int snapshot(struct punktfunk_connection *c, const struct pf_input *in)
{
	const uint32_t pad = in->flags & 0xFF, x = (uint32_t)in->x, y = (uint32_t)in->y;
	const int32_t axes[FALLBACK_AXES] = {
		[AXIS_LX] = (int16_t)(x >> 16),
		[AXIS_LY] = (int16_t)(x & 0xFFFF),
		[AXIS_RX] = (int16_t)(y >> 16),
		[AXIS_RY] = (int16_t)(y & 0xFFFF),
		[AXIS_LT] = (int32_t)(in->flags >> 16 & 0xFF),
		[AXIS_RT] = (int32_t)(in->flags >> 8 & 0xFF),
	};
	struct fallback_pad *p = &c->fallback.pads[pad];
	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (!((p->buttons ^ in->code) & bit))
			continue;
		int err = put(c,
			&(struct pf_input){
				PF_INPUT_PAD_BUTTON, bit, (in->code & bit) != 0, 0, pad});
		if (err < 0)
			return err;
		p->buttons ^= bit;
	}
	for (uint32_t i = 0; i < FALLBACK_AXES; i++) {
		if (p->axes[i] == axes[i])
			continue;
		int err = put(c, &(struct pf_input){PF_INPUT_PAD_AXIS, i, axes[i], 0, pad});
		if (err < 0)
			return err;
		p->axes[i] = axes[i];
	}
	return PF_OK;
}

bool fallback_wanted(const struct punktfunk_connection *c, uint8_t kind)
{
	const uint32_t caps = c->welcome.host_caps, caps2 = c->welcome.host_caps2;
	switch (kind) {
	case PF_INPUT_PAD_SNAPSHOT:
	case PF_INPUT_PAD_REMOVED:
	case PF_INPUT_PAD_ARRIVED:
		return !(caps & PF_HCAP_PAD_SNAPSHOT);
	case PF_INPUT_TEXT:
		return !(caps & PF_HCAP_TEXT);
	case PF_INPUT_TOUCH_DOWN:
	case PF_INPUT_TOUCH_MOVE:
	case PF_INPUT_TOUCH_UP:
		return !(caps2 & PF_HCAP2_TOUCH);
	case PF_INPUT_SMOOTH_SCROLL:
		return !(caps2 & PF_HCAP2_SMOOTH_SCROLL);
	default:
		return false;
	}
}

int fallback_send(struct punktfunk_connection *c, const struct pf_input *in)
{
	int err = PF_E_UNSUPPORTED;
	pthread_mutex_lock(&c->state_lock);
	if (in->kind == PF_INPUT_SMOOTH_SCROLL)
		err = scroll(c, in);
	else if (in->kind == PF_INPUT_PAD_SNAPSHOT)
		err = snapshot(c, in);
	else if (in->kind == PF_INPUT_PAD_REMOVED) /* nothing stays held down */
		err = snapshot(c, &(struct pf_input){.flags = in->flags & 0xFF});
	else if (in->kind == PF_INPUT_PAD_ARRIVED)
		err = PF_OK; /* there is a pad as soon as it does something */
	pthread_mutex_unlock(&c->state_lock);
	return err;
}
