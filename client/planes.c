/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/planes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/run.h"

#define AT_ONCE 256 /* things of one plane in one go: what the library holds at most */
#define GAP_MS	500 /* shorter gaps are told by the picture itself */

#define ALL_GRANTS 0xffu

void planes_init(struct planes *p, bool quiet)
{
	*p = (struct planes){.quiet = quiet, .grants = UINT32_MAX};
}

void planes_grants_text(uint32_t grants, char out[PLANES_GRANTS_MAX])
{
	static const char *const words[] = {"gamepad", "pointer", "keyboard", "clipboard",
		"microphone", "launch", "power", "manage"};
	size_t len = 0;
	out[0] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && len < PLANES_GRANTS_MAX; i++)
		if (grants & 1u << i)
			len += (size_t)snprintf(out + len, PLANES_GRANTS_MAX - len, "%s%s",
				len ? ", " : "", words[i]);
	if (!len || (grants & ALL_GRANTS) == ALL_GRANTS)
		snprintf(out, PLANES_GRANTS_MAX, "%s", len ? "everything" : "only watch");
}

static void say_access(struct planes *p, uint32_t grants, uint32_t left_s)
{
	char text[PLANES_GRANTS_MAX];
	bool changed = (grants & ALL_GRANTS) != (p->grants & ALL_GRANTS);
	p->grants = grants;
	planes_grants_text(grants, text);
	if (p->quiet || (!changed && left_s == UINT32_MAX))
		return;
	if (left_s == UINT32_MAX)
		run_say("What this client may do at the host now: %s.", text);
	else
		run_say("What this client may do at the host now: %s; its access ends in %u s.",
			text, left_s);
}

static void say_launch(const struct punktfunk_event *e)
{
	static const char *const words[] = {"The program of --launch runs",
		"The program of --launch ran already",
		"The program of --launch ran already, perhaps",
		("Nothing was started for --launch: this client may not start it, or the host does "
		 "not know it"),
		"The program of --launch did not start; look at the host's messages",
		"Nothing was started for --launch: somebody must sign in at the host first"};
	size_t n = sizeof(words) / sizeof(words[0]);
	run_say("%s%s%s.",
		e->value < n ? words[e->value] : "The host's answer to --launch is not known here",
		e->text[0] ? "; the host says: " : "", e->text);
}

static void take_event(struct planes *p, const struct punktfunk_event *e)
{
	p->counters.events++;
	switch (e->kind) {
	case PUNKTFUNK_EVENT_BITRATE:
		p->counters.bitrate_changes++;
		p->bitrate_why = e->detail;
		break;
	case PUNKTFUNK_EVENT_ACCESS:
		say_access(p, e->value, e->detail);
		break;
	case PUNKTFUNK_EVENT_PIPELINE_GAP:
		if (!p->quiet && e->value >= GAP_MS)
			run_say("The host made no picture for %u ms.", e->value);
		break;
	case PUNKTFUNK_EVENT_LAUNCH:
		if (!p->quiet)
			say_launch(e);
		break;
	case PUNKTFUNK_EVENT_DELIVERY:
		if (!p->quiet && e->detail)
			run_say("The host spreads packets its own way: %s.",
				e->value == PUNKTFUNK_DELIVERY_SMOOTH		? "smooth"
					: e->value == PUNKTFUNK_DELIVERY_CAPPED ? "capped"
										: "burst");
		break;
	case PUNKTFUNK_EVENT_SPEED_TEST:
		p->speed_done = true;
		p->speed_good = e->value == 1;
		break;
	default:
		break;
	}
}

#define TAKE(type, call, action) \
	do { \
		for (int i = 0; i < AT_ONCE; i++) { \
			struct type it = {.size = sizeof(it)}; \
			if (punktfunk_connection_##call(c, &it, 0) != PUNKTFUNK_OK) \
				break; \
			action; \
		} \
	} while (0)

void planes_poll(struct planes *p, struct punktfunk_connection *c)
{
	struct planes_counters *n = &p->counters;
	TAKE(punktfunk_event, next_event, take_event(p, &it));
	TAKE(punktfunk_host_timing, next_host_timing,
		p->host_us[n->host_timings++ % PLANES_TIMINGS] = it.host_us);
	TAKE(punktfunk_audio_packet, next_audio,
		(n->audio_packets++,
			n->audio_gaps += it.flags & PUNKTFUNK_AUDIO_AFTER_GAP ? 1 : 0));
	TAKE(punktfunk_audio_packet, next_pad_audio, n->pad_audio_packets++);
	TAKE(punktfunk_rumble, next_rumble, n->rumbles++);
	TAKE(punktfunk_hid_output, next_hidout, n->pad_outputs++);
	TAKE(punktfunk_hdr_meta, next_hdr_meta, n->hdr_metas++);
	TAKE(punktfunk_cursor_shape, next_cursor_shape, n->cursor_shapes++);
	TAKE(punktfunk_cursor_state, next_cursor_state, n->cursor_states++);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

uint32_t planes_host_us(const struct planes *p)
{
	uint32_t sorted[PLANES_TIMINGS];
	uint64_t n = p->counters.host_timings;
	n = n < PLANES_TIMINGS ? n : PLANES_TIMINGS;
	memcpy(sorted, p->host_us, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare);
	return n ? sorted[n / 2] : 0;
}

const char *planes_bitrate_word(const struct planes *p)
{
	static const char *const words[] = {
		"", " (encoder's limit)", " (cadence)", " (link)", " (pinned)"};
	bool known = p->bitrate_why < sizeof(words) / sizeof(words[0]);
	return known ? words[p->bitrate_why] : "";
}
