/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/session/cursor.h"

bool cursor_relay_put(
	struct cursor_relay *r, struct cursor_shape *shape, const struct cursor_state *state)
{
	if (shape)
		cursor_shape_unref(atomic_exchange(&r->shape, cursor_shape_ref(shape)));
	/* Torn against each other for a moment at most: another put, and with it another look, follows. */
	atomic_store(&r->place, (uint64_t)(uint32_t)state->x << 32 | (uint32_t)state->y);
	atomic_store(&r->look, (uint64_t)state->serial << 1 | state->visible);
	return !atomic_exchange(&r->posted, true);
}

void cursor_relay_untold(struct cursor_relay *r)
{
	atomic_store(&r->posted, false);
}

struct cursor_shape *cursor_relay_take(struct cursor_relay *r, struct cursor_state *state)
{
	atomic_store(&r->posted, false);
	uint64_t look = atomic_load(&r->look), place = atomic_load(&r->place);
	*state = (struct cursor_state){.serial = (uint32_t)(look >> 1),
		.visible = look & 1,
		.x = (int32_t)(uint32_t)(place >> 32),
		.y = (int32_t)(uint32_t)place};
	return atomic_exchange(&r->shape, NULL);
}
