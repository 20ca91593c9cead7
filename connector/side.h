/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CONNECTOR_SIDE_H
#define CONNECTOR_SIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connector/ring.h"
#include "core/wire/datagram.h"

/* The planes beside the video, from the host's datagrams to the callers of next_*. */

struct punktfunk_connection;
struct pf_msg;

/* How much of each plane is held for a thread that pulls too slowly. */
#define AUDIO_SLOTS   64u  /* a third of a second of 5 ms packets */
#define HID_SLOTS     64u  /* more than a game sets in one frame on 16 pads */
#define TIMING_SLOTS  256u /* a second of frames at 240 Hz */
#define SHAPE_SLOTS   4u   /* 57 KB each; only the newest is shown */
#define EVENT_SLOTS   64u
#define AUDIO_MAX_LEN 1500u /* no datagram is longer */

/* What came of a numbered plane. */
struct seq_order {
	bool started;
	uint32_t last;
	uint64_t last_ns;
};

/* The motors of one pad. */
struct rumble_pad {
	struct pf_rumble given, now; /* as next_rumble said, and as it is */
	uint64_t ends_ns;	     /* UINT64_MAX = when told */
	uint64_t seen_ns;
	bool known;
};

struct rumble_table {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct rumble_pad pads[PF_PADS];
	unsigned next; /* whose turn it is */
	bool closed, ready;
};

struct side {
	struct ring audio, pcm, pad_audio, hidout, hdr, shape, cursor, timing, events;
	struct rumble_table rumble;
	struct seq_order audio_order, pcm_order, pad_order[PF_PADS][2];
};

/* side.c. Errors: PF_E_NOMEM; finish takes what is half made. */
int side_init(struct side *s) PF_MUST_CHECK;
void side_finish(struct side *s);
/* Everything that waits returns. */
void side_close(struct side *s);
uint64_t side_dropped(struct side *s);
/* A datagram of the host. Errors: PF_E_BAD_PACKET, PF_E_UNSUPPORTED. Thread: the library's. */
int side_datagram(struct punktfunk_connection *c, const uint8_t *data, size_t len) PF_MUST_CHECK;
void side_cursor_shape(struct punktfunk_connection *c, const struct pf_msg *m);
/* text: not cleaned yet. */
void side_event(struct punktfunk_connection *c, uint32_t kind, uint32_t value, uint32_t detail,
	uint32_t more, const uint8_t *text, size_t text_len);

/* sound.c */
int sound_datagram(struct punktfunk_connection *c, const uint8_t *data, size_t len) PF_MUST_CHECK;
/* Is `seq` new? *missing: how many before it never came. */
bool sound_order(struct seq_order *o, uint32_t seq, uint64_t now_ns, uint32_t *missing);

/* rumble.c */
int rumble_init(struct rumble_table *t) PF_MUST_CHECK;
void rumble_finish(struct rumble_table *t);
void rumble_close(struct rumble_table *t);
void rumble_take(struct rumble_table *t, const struct pf_rumble *r, uint64_t now_ns);

#endif
