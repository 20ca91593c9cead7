/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_INPUT_H
#define TESTS_MOONLIGHT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/moonlight/control.h"

/* Input packets as stock clients write them, and the channel and the way that each takes. Thread: any. */

#define MOON_INPUT_MAX 64u

struct moon_input {
	uint8_t data[MOON_INPUT_MAX];
	size_t len;
	unsigned channel;
	enum moon_way way;
};

void moon_input_key(struct moon_input *in, bool down, uint8_t vk, uint8_t modifiers);
void moon_input_text(struct moon_input *in, const char *utf8);
void moon_input_move(struct moon_input *in, int16_t dx, int16_t dy);
void moon_input_place(
	struct moon_input *in, uint16_t x, uint16_t y, uint16_t width, uint16_t height);
void moon_input_button(struct moon_input *in, bool down, uint8_t button);
void moon_input_scroll(struct moon_input *in, bool horizontal, int16_t amount);
void moon_input_haptics(struct moon_input *in);
void moon_input_touch(
	struct moon_input *in, uint8_t event, uint32_t id, float x, float y, float pressure);
void moon_input_pen(struct moon_input *in, uint8_t event, uint8_t tool, uint8_t buttons, float x,
	float y, float pressure);

struct moon_pad {
	uint16_t number, active;
	uint32_t buttons;
	uint8_t left_trigger, right_trigger;
	int16_t lx, ly, rx, ry;
};
void moon_input_pad(struct moon_input *in, const struct moon_pad *p);
void moon_input_arrival(
	struct moon_input *in, uint8_t number, uint8_t type, uint16_t caps, uint32_t buttons);
void moon_input_pad_touch(
	struct moon_input *in, uint8_t number, uint8_t event, uint32_t finger, float x, float y);
void moon_input_motion(struct moon_input *in, uint8_t number, uint8_t sensor, const float v[3]);
void moon_input_battery(struct moon_input *in, uint8_t number, uint8_t state, uint8_t percent);

bool moon_input_send(struct moon_control *c, const struct moon_input *in);

#endif
