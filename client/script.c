/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/script.h"

#include <math.h>

#include "client/clock.h"

#define CHAR_NS	 (NS_PER_S / 30)
#define PRESS_NS (15 * NS_PER_MS) /* how long a key is down; hosts that poll see it */
#define SHIFT_NS (2 * NS_PER_MS)  /* shift goes before its key */
#define MOVE_NS	 (16 * NS_PER_MS)
#define EIGHT_S	 2.0 /* once round */

void script_init(struct script *s, const char *text, bool mouse, uint64_t start_ns)
{
	*s = (struct script){.typing = text != NULL,
		.moving = mouse,
		.start_ns = start_ns,
		.key_ns = start_ns,
		.mouse_ns = start_ns};
	type_init(&s->type, text ? text : "");
}

void script_set_size(struct script *s, uint32_t width, uint32_t height)
{
	s->width = width;
	s->height = height;
}

static struct punktfunk_input_event move(const struct script *s, uint32_t n)
{
	double t = n * (double)MOVE_NS / (double)NS_PER_S / EIGHT_S * 2 * M_PI;
	return (struct punktfunk_input_event){.kind = PUNKTFUNK_INPUT_MOUSE_ABS,
		.x = (int32_t)(s->width * (0.75 + 0.15 * sin(t))),
		.y = (int32_t)(s->height * (0.75 + 0.15 * sin(2 * t))),
		.flags = s->width << 16 | (s->height & 0xffff)};
}

struct punktfunk_input_event script_first_move(const struct script *s)
{
	return move(s, 0);
}

uint64_t script_deadline(const struct script *s)
{
	uint64_t key = s->typing ? s->key_ns : UINT64_MAX;
	uint64_t mouse = s->moving && s->width ? s->mouse_ns : UINT64_MAX;
	return key < mouse ? key : mouse;
}

static bool poll_key(struct script *s, uint64_t now_ns, struct punktfunk_input_event *out)
{
	struct type_event e;
	if (!type_next(&s->type, &e)) {
		s->typing = false;
		return false;
	}
	*out = (struct punktfunk_input_event){
		.kind = e.down ? PUNKTFUNK_INPUT_KEY_DOWN : PUNKTFUNK_INPUT_KEY_UP, .code = e.vk};
	if (e.ends_char) {
		uint64_t due = s->start_ns + ++s->n_chars * CHAR_NS;
		s->key_ns = due > now_ns ? due : now_ns;
	} else {
		s->key_ns = now_ns + (e.vk == TYPE_VK_SHIFT ? SHIFT_NS : PRESS_NS);
	}
	return true;
}

bool script_poll(struct script *s, uint64_t now_ns, struct punktfunk_input_event *out)
{
	if (s->typing && now_ns >= s->key_ns && poll_key(s, now_ns, out))
		return true;
	if (!s->moving || now_ns < s->mouse_ns)
		return false;
	if (!s->width)
		return false;
	*out = move(s, s->n_moves++);
	s->mouse_ns += MOVE_NS;
	if (s->mouse_ns <= now_ns)
		s->mouse_ns = now_ns + MOVE_NS;
	return true;
}

bool script_done(const struct script *s)
{
	return !s->typing && !s->moving;
}

void script_cancel(struct script *s)
{
	s->moving = false;
	s->type.next = "";
	s->key_ns = 0;
}
