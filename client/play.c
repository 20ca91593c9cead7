/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/type.h"

#define WORDS_MAX 12u /* of a line: a snapshot has ten */
#define LINE_MAX  4096u
#define PRESS_MS  15u /* how long a key or button is down; hosts that poll see it */
#define COORD_MAX 65535

/* A line, cut into words; `rest[i]` is the line from word i on, for commands that take text. */
struct line {
	char *words[WORDS_MAX];
	const char *rest[WORDS_MAX];
	size_t n_words;
	struct play *play;
	const char *wrong; /* what is wrong with it */
};

struct word {
	const char *name;
	uint32_t value;
};

static const struct word buttons[] = {
	{"left", 1}, {"middle", 2}, {"right", 3}, {"x1", 4}, {"x2", 5}};
static const struct word axes[] = {{"v", 0}, {"h", 1}};
static const struct word touches[] = {{"down", PUNKTFUNK_INPUT_TOUCH_DOWN},
	{"move", PUNKTFUNK_INPUT_TOUCH_MOVE}, {"up", PUNKTFUNK_INPUT_TOUCH_UP}};
static const struct word deliveries[] = {{"burst", PUNKTFUNK_DELIVERY_BURST},
	{"capped", PUNKTFUNK_DELIVERY_CAPPED}, {"smooth", PUNKTFUNK_DELIVERY_SMOOTH}};
static const struct word cursors[] = {{"host", 0}, {"client", 1}};
static const struct word states[] = {{"up", 0}, {"down", 1}, {"press", 3}};
static const struct word pad_kinds[] = {{"auto", PUNKTFUNK_GAMEPAD_AUTO},
	{"xbox360", PUNKTFUNK_GAMEPAD_XBOX_360}, {"dualsense", PUNKTFUNK_GAMEPAD_DUALSENSE},
	{"xboxone", PUNKTFUNK_GAMEPAD_XBOX_ONE}, {"ds4", PUNKTFUNK_GAMEPAD_DS4}};
static const struct word pad_axes[] = {
	{"lx", 0}, {"ly", 1}, {"rx", 2}, {"ry", 3}, {"lt", 4}, {"rt", 5}};
static const struct word pad_buttons[] = {{"up", PUNKTFUNK_PAD_UP}, {"down", PUNKTFUNK_PAD_DOWN},
	{"left", PUNKTFUNK_PAD_LEFT}, {"right", PUNKTFUNK_PAD_RIGHT},
	{"start", PUNKTFUNK_PAD_START}, {"back", PUNKTFUNK_PAD_BACK}, {"ls", PUNKTFUNK_PAD_LS},
	{"rs", PUNKTFUNK_PAD_RS}, {"lb", PUNKTFUNK_PAD_LB}, {"rb", PUNKTFUNK_PAD_RB},
	{"guide", PUNKTFUNK_PAD_GUIDE}, {"a", PUNKTFUNK_PAD_A}, {"b", PUNKTFUNK_PAD_B},
	{"x", PUNKTFUNK_PAD_X}, {"y", PUNKTFUNK_PAD_Y}};
/* Windows virtual-keys of those that are no characters. */
static const struct word keys[] = {{"enter", 0x0d}, {"tab", 0x09}, {"escape", 0x1b},
	{"space", 0x20}, {"backspace", 0x08}, {"delete", 0x2e}, {"insert", 0x2d}, {"home", 0x24},
	{"end", 0x23}, {"pageup", 0x21}, {"pagedown", 0x22}, {"left", 0x25}, {"up", 0x26},
	{"right", 0x27}, {"down", 0x28}, {"shift", 0xa0}, {"ctrl", 0xa2}, {"alt", 0xa4},
	{"super", 0x5b}, {"f1", 0x70}, {"f2", 0x71}, {"f3", 0x72}, {"f4", 0x73}, {"f5", 0x74},
	{"f6", 0x75}, {"f7", 0x76}, {"f8", 0x77}, {"f9", 0x78}, {"f10", 0x79}, {"f11", 0x7a},
	{"f12", 0x7b}};
#define FIND(l, i, table, out) find_word(l, i, table, sizeof(table) / sizeof((table)[0]), out)

static bool find_word(struct line *l, size_t i, const struct word *table, size_t n, uint32_t *out)
{
	for (size_t j = 0; i < l->n_words && j < n; j++)
		if (!strcmp(l->words[i], table[j].name)) {
			*out = table[j].value;
			return true;
		}
	l->wrong = "has a word that this command does not know";
	return false;
}

static bool number(struct line *l, size_t i, int64_t min, int64_t max, int32_t *out)
{
	const char *s = i < l->n_words ? l->words[i] : "";
	bool minus = *s == '-';
	uint32_t v;
	s += minus;
	bool good = args_read_number(&s, 0, UINT32_MAX, &v) && !*s;
	int64_t value = minus ? -(int64_t)v : (int64_t)v;
	if (!good || value < min || value > max) {
		l->wrong = i < l->n_words ? "has a number that is out of range, or none"
					  : "lacks a number";
		return false;
	}
	*out = (int32_t)(uint32_t)value;
	return true;
}

/* NULL: there is no room; l->wrong says so. */
static struct play_step *add(struct line *l, enum play_kind kind)
{
	struct play *p = l->play;
	if (p->n_steps == PLAY_STEPS_MAX) {
		l->wrong = "is one step too many: a script has at most 65536";
		return NULL;
	}
	if (p->n_steps == p->room) {
		size_t room = p->room ? 2 * p->room : 64;
		struct play_step *steps = realloc(p->steps, room * sizeof(*steps));
		if (!steps) {
			l->wrong = "does not fit into memory";
			return NULL;
		}
		p->steps = steps;
		p->room = room;
	}
	struct play_step *s = &p->steps[p->n_steps++];
	*s = (struct play_step){.at_ms = p->clock_ms, .kind = kind};
	return s;
}

static bool add_input(
	struct line *l, uint32_t kind, uint32_t code, int32_t x, int32_t y, uint32_t flags)
{
	struct play_step *s = add(l, PLAY_INPUT);
	if (s)
		s->input = (struct punktfunk_input_event){
			.kind = (uint8_t)kind, .code = code, .x = x, .y = y, .flags = flags};
	return s != NULL;
}

/* Down, up, or both with the time of a press between them. */
static bool add_press(struct line *l, uint32_t down_kind, uint32_t code, uint32_t state)
{
	if (state & 1 && !add_input(l, down_kind, code, 0, 0, 0))
		return false;
	if (state == 1)
		return true;
	l->play->clock_ms += state == 3 ? PRESS_MS : 0;
	return add_input(l, down_kind + 1, code, 0, 0, 0);
}

static bool add_text(struct line *l, enum play_kind kind, const char *text)
{
	struct play_step *s = add(l, kind);
	if (!s)
		return false;
	s->text = strdup(text);
	s->text_len = strlen(text);
	if (!s->text)
		l->wrong = "does not fit into memory";
	return s->text != NULL;
}

static bool do_wait(struct line *l)
{
	int32_t ms;
	if (!number(l, 1, 0, PLAY_WAIT_MAX, &ms))
		return false;
	l->play->clock_ms += (uint32_t)ms;
	return true;
}

/* key NAME|CHARACTER|VK [down|up|press] */
static bool do_key(struct line *l)
{
	uint32_t vk = 0, state = 3;
	struct type_key key;
	int32_t code;
	const char *name = l->n_words > 1 ? l->words[1] : "";
	if (strlen(name) == 1 && type_lookup((unsigned char)*name, &key))
		vk = key.vk;
	else if (*name >= '0' && *name <= '9' && number(l, 1, 1, 254, &code))
		vk = (uint32_t)code;
	else if (!FIND(l, 1, keys, &vk))
		return false;
	if (l->n_words > 2 && !FIND(l, 2, states, &state))
		return false;
	return add_press(l, PUNKTFUNK_INPUT_KEY_DOWN, vk, state);
}

/* type TEXT, on a US keyboard */
static bool do_type(struct line *l)
{
	char named[TYPE_NAMED_MAX];
	struct type_state t;
	struct type_event e;
	if (l->n_words < 2 || type_check(l->rest[1], named) < 0) {
		l->wrong = "has a character that the US keyboard lacks, or none; try 'text'";
		return false;
	}
	type_init(&t, l->rest[1]);
	while (type_next(&t, &e)) {
		if (!add_input(l, e.down ? PUNKTFUNK_INPUT_KEY_DOWN : PUNKTFUNK_INPUT_KEY_UP, e.vk,
			    0, 0, 0))
			return false;
		l->play->clock_ms += PRESS_MS;
	}
	return true;
}

/* The scalar at *s, moved behind it; 0: it is no UTF-8. */
static uint32_t next_scalar(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t v = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	if (p[0] >= 0x80 && (p[0] < 0xc2 || p[0] > 0xf4))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3fu);
	}
	if ((len == 3 && v < 0x800) || (len == 4 && v < 0x10000) || (v >= 0xd800 && v < 0xe000) ||
		v > 0x10ffff)
		return 0;
	*s += len;
	return v;
}

/* text TEXT: as characters, any of Unicode */
static bool do_text(struct line *l)
{
	const char *s = l->n_words > 1 ? l->rest[1] : "";
	l->wrong = "has a text that is no UTF-8, or none";
	if (!*s)
		return false;
	while (*s) {
		uint32_t scalar = next_scalar(&s);
		if (!scalar || !add_input(l, PUNKTFUNK_INPUT_TEXT, scalar, 0, 0, 0))
			return false;
	}
	return true;
}

static bool do_move(struct line *l)
{
	int32_t x, y;
	return number(l, 1, 0, COORD_MAX, &x) && number(l, 2, 0, COORD_MAX, &y) &&
		add_input(l, PUNKTFUNK_INPUT_MOUSE_ABS, 0, x, y, 0);
}

static bool do_rel(struct line *l)
{
	int32_t x, y;
	return number(l, 1, -COORD_MAX, COORD_MAX, &x) && number(l, 2, -COORD_MAX, COORD_MAX, &y) &&
		add_input(l, PUNKTFUNK_INPUT_MOUSE_REL, 0, x, y, 0);
}

static bool do_button(struct line *l)
{
	uint32_t button, state = 3;
	if (!FIND(l, 1, buttons, &button) || (l->n_words > 2 && !FIND(l, 2, states, &state)))
		return false;
	return add_press(l, PUNKTFUNK_INPUT_BUTTON_DOWN, button, state);
}

/* scroll v|h UNITS: 120 a detent */
static bool do_scroll(struct line *l)
{
	uint32_t axis;
	int32_t units;
	return FIND(l, 1, axes, &axis) && number(l, 2, -COORD_MAX, COORD_MAX, &units) &&
		add_input(l, PUNKTFUNK_INPUT_SCROLL, axis, units, 0, 0);
}

/* smooth v|h PIXELS [SOURCE [PHASE]] */
static bool do_smooth(struct line *l)
{
	uint32_t axis;
	int32_t pixels, source = 0, phase = 0;
	return FIND(l, 1, axes, &axis) && number(l, 2, -32767, 32767, &pixels) &&
		(l->n_words < 4 || number(l, 3, 0, 255, &source)) &&
		(l->n_words < 5 || number(l, 4, 0, 255, &phase)) &&
		add_input(l, PUNKTFUNK_INPUT_SMOOTH_SCROLL, axis, pixels * 256, 0,
			(uint32_t)(source | phase << 8));
}

/* touch ID down|move X Y, touch ID up */
static bool do_touch(struct line *l)
{
	int32_t id, x = 0, y = 0;
	uint32_t kind;
	if (!number(l, 1, 0, 255, &id) || !FIND(l, 2, touches, &kind))
		return false;
	if ((kind != PUNKTFUNK_INPUT_TOUCH_UP || l->n_words > 3) &&
		(!number(l, 3, 0, COORD_MAX, &x) || !number(l, 4, 0, COORD_MAX, &y)))
		return false;
	return add_input(l, kind, (uint32_t)id, x, y, 0);
}

/* snapshot BUTTONS LX LY RX RY LT RT */
static bool pad_snapshot(struct line *l, uint32_t pad)
{
	int32_t all, stick[4], trigger[2];
	bool good = number(l, 3, 0, UINT32_MAX, &all);
	for (size_t i = 0; good && i < 4; i++)
		good = number(l, 4 + i, -32768, 32767, &stick[i]);
	for (size_t i = 0; good && i < 2; i++)
		good = number(l, 8 + i, 0, 255, &trigger[i]);
	if (!good)
		return false;
	uint32_t left = (uint32_t)stick[0] << 16 | (stick[1] & 0xffff);
	uint32_t right = (uint32_t)stick[2] << 16 | (stick[3] & 0xffff);
	return add_input(l, PUNKTFUNK_INPUT_PAD_SNAPSHOT, (uint32_t)all, (int32_t)left,
		(int32_t)right, (uint32_t)trigger[0] << 16 | (uint32_t)trigger[1] << 8 | pad);
}

/* pad N arrive [KIND] | remove | button NAME down|up|press | axis NAME VALUE | snapshot … */
static bool do_pad(struct line *l)
{
	int32_t pad, value;
	uint32_t what = 0, state = 3;
	if (!number(l, 1, 0, PUNKTFUNK_PAD_MAX_COUNT - 1, &pad) || l->n_words < 3)
		return false;
	const char *verb = l->words[2];
	uint32_t flags = (uint32_t)pad;
	if (!strcmp(verb, "arrive"))
		return (l->n_words < 4 || FIND(l, 3, pad_kinds, &what)) &&
			add_input(l, PUNKTFUNK_INPUT_PAD_ARRIVED, what, 0, 0, flags);
	if (!strcmp(verb, "remove"))
		return add_input(l, PUNKTFUNK_INPUT_PAD_REMOVED, 0, 0, 0, flags);
	if (!strcmp(verb, "snapshot"))
		return pad_snapshot(l, flags);
	if (!strcmp(verb, "axis")) {
		if (!FIND(l, 3, pad_axes, &what))
			return false;
		bool trigger = what >= 4;
		return number(l, 4, trigger ? 0 : -32768, trigger ? 255 : 32767, &value) &&
			add_input(l, PUNKTFUNK_INPUT_PAD_AXIS, what, value, 0, flags);
	}
	if (strcmp(verb, "button") != 0 || !FIND(l, 3, pad_buttons, &what) ||
		(l->n_words > 4 && !FIND(l, 4, states, &state)))
		return false;
	if (state & 1 && !add_input(l, PUNKTFUNK_INPUT_PAD_BUTTON, what, 1, 0, flags))
		return false;
	l->play->clock_ms += state == 3 ? PRESS_MS : 0;
	return state == 1 || add_input(l, PUNKTFUNK_INPUT_PAD_BUTTON, what, 0, 0, flags);
}

/* rich PAD touchpad FINGER down|up X Y | motion GX GY GZ AX AY AZ */
static bool do_rich(struct line *l)
{
	struct punktfunk_rich_input r = {.size = sizeof(r), .kind = PUNKTFUNK_RICH_TOUCHPAD};
	int32_t pad, finger = 0, v[6] = {0};
	uint32_t state = 0;
	if (!number(l, 1, 0, PUNKTFUNK_PAD_MAX_COUNT - 1, &pad) || l->n_words < 3)
		return false;
	if (!strcmp(l->words[2], "motion")) {
		r.kind = PUNKTFUNK_RICH_MOTION;
		for (size_t i = 0; i < 6; i++)
			if (!number(l, 3 + i, -32768, 32767, &v[i]))
				return false;
		for (size_t i = 0; i < 3; i++) {
			r.gyro[i] = (int16_t)v[i];
			r.accel[i] = (int16_t)v[3 + i];
		}
	} else if (strcmp(l->words[2], "touchpad") != 0 || !number(l, 3, 0, 1, &finger) ||
		!FIND(l, 4, states, &state) || !number(l, 5, 0, COORD_MAX, &r.x) ||
		!number(l, 6, 0, COORD_MAX, &r.y)) {
		return false;
	}
	r.pad = (uint8_t)pad;
	r.finger = (uint8_t)finger;
	r.state = state & 1;
	struct play_step *s = add(l, PLAY_RICH);
	if (!s || !(s->rich = malloc(sizeof(r)))) {
		l->wrong = "does not fit into memory";
		return false;
	}
	*s->rich = r;
	return true;
}

/* clip set TEXT, clip get FILE */
static bool do_clip(struct line *l)
{
	if (l->n_words < 3)
		return false;
	if (!strcmp(l->words[1], "set"))
		return add_text(l, PLAY_CLIP_SET, l->rest[2]);
	return !strcmp(l->words[1], "get") && add_text(l, PLAY_CLIP_GET, l->rest[2]);
}

static bool do_mode(struct line *l)
{
	struct punktfunk_mode mode;
	if (l->n_words < 2 || args_parse_mode(NULL, l->words[1], &mode))
		return false;
	struct play_step *s = add(l, PLAY_MODE);
	if (s)
		s->mode = mode;
	return s != NULL;
}

static bool add_number(struct line *l, enum play_kind kind, uint32_t value)
{
	struct play_step *s = add(l, kind);
	if (s)
		s->number = value;
	return s != NULL;
}

static bool do_bitrate(struct line *l)
{
	int32_t kbps;
	return number(l, 1, 500, 8000000, &kbps) && add_number(l, PLAY_BITRATE, (uint32_t)kbps);
}

static bool do_delivery(struct line *l)
{
	uint32_t value;
	return FIND(l, 1, deliveries, &value) && add_number(l, PLAY_DELIVERY, value);
}

static bool do_cursor(struct line *l)
{
	uint32_t value;
	return FIND(l, 1, cursors, &value) && add_number(l, PLAY_CURSOR, value);
}

static bool do_keyframe(struct line *l)
{
	return add(l, PLAY_KEYFRAME) != NULL;
}

static const struct {
	const char *name;
	bool (*run)(struct line *l);
	size_t max_words; /* 0 = the rest is text */
} commands[] = {{"wait", do_wait, 2}, {"key", do_key, 3}, {"type", do_type, 0},
	{"text", do_text, 0}, {"move", do_move, 3}, {"rel", do_rel, 3}, {"button", do_button, 3},
	{"scroll", do_scroll, 3}, {"smooth", do_smooth, 5}, {"touch", do_touch, 5},
	{"pad", do_pad, 10}, {"rich", do_rich, 9}, {"clip", do_clip, 0}, {"mode", do_mode, 2},
	{"bitrate", do_bitrate, 2}, {"delivery", do_delivery, 2}, {"cursor", do_cursor, 2},
	{"keyframe", do_keyframe, 1}};

/* `copy` is cut into words, `whole` stays whole. */
static void split(struct line *l, char *copy, const char *whole)
{
	for (char *p = copy; *p && l->n_words < WORDS_MAX;) {
		p += strspn(p, " \t");
		if (!*p)
			break;
		l->rest[l->n_words] = whole + (p - copy);
		l->words[l->n_words++] = p;
		p += strcspn(p, " \t");
		if (*p)
			*p++ = '\0';
	}
}

static const char *do_line(struct play *p, const char *text, size_t len)
{
	char copy[LINE_MAX], whole[LINE_MAX];
	struct line l = {.play = p};
	if (len >= LINE_MAX || memchr(text, '\0', len))
		return "is longer than 4095 bytes, or has a NUL";
	memcpy(copy, text, len);
	copy[len] = '\0';
	memcpy(whole, copy, len + 1);
	split(&l, copy, whole);
	if (!l.n_words || *l.words[0] == '#')
		return NULL;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, l.words[0]) != 0)
			continue;
		if (commands[i].max_words && l.n_words > commands[i].max_words)
			return "has a word too many";
		l.wrong = "lacks a word, or has one that this command does not know";
		return commands[i].run(&l) ? NULL : l.wrong;
	}
	return "begins with a command that there is not";
}

int play_parse(struct play *p, const char *text, size_t len, char message[PLAY_MESSAGE_MAX])
{
	size_t n_line = 0;
	*p = (struct play){0};
	for (const char *at = text, *end = text + len; at < end;) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t n = nl ? (size_t)(nl - at) : (size_t)(end - at);
		size_t shown = n && at[n - 1] == '\r' ? n - 1 : n;
		const char *wrong = do_line(p, at, shown);
		n_line++;
		if (wrong) {
			snprintf(message, PLAY_MESSAGE_MAX, "Line %zu, '%.*s', %s.", n_line,
				(int)(shown < ARGS_QUOTE_MAX ? shown : ARGS_QUOTE_MAX), at, wrong);
			play_finish(p);
			return PUNKTFUNK_E_INVALID;
		}
		at += n + 1;
	}
	return PUNKTFUNK_OK;
}

void play_finish(struct play *p)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		free(p->steps[i].text);
		free(p->steps[i].rich);
	}
	free(p->steps);
	*p = (struct play){0};
}

uint64_t play_deadline_ms(const struct play *p)
{
	return p->next < p->n_steps ? p->steps[p->next].at_ms : UINT64_MAX;
}

const struct play_step *play_due(const struct play *p, uint64_t since_ms)
{
	return play_deadline_ms(p) <= since_ms && p->next < p->n_steps ? &p->steps[p->next] : NULL;
}

void play_done(struct play *p)
{
	p->next++;
}
