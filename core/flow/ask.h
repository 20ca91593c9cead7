/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_ASK_H
#define PF_FLOW_ASK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When a client asks its host for a fresh start after a loss, and for which frames (wire 4.5, 7.5): as soon
 * as a hole is certain, and again when the answer is overdue. Sans-IO: time comes as an argument.
 * Thread: one thread at a time.
 */

enum pf_ask_kind {
	PF_ASK_NOTHING,
	PF_ASK_RFI,	 /* RfiRequest with first and last */
	PF_ASK_KEYFRAME, /* RequestKeyframe */
};

struct pf_ask {		      /* init with zeros; all fields private */
	uint64_t next_ns;     /* when to ask again; 0 = nothing is open */
	uint64_t patience_ns; /* until when an answer that comes in slowly is waited for */
	uint64_t due_ns;      /* the last request cannot have been answered before */
	uint32_t last;	      /* newest lost frame that it named */
	unsigned n_rfi;	      /* in a row that brought nothing */
};

struct pf_ask_state {
	bool hole; /* as pf_reassembler_hole() says */
	uint32_t first, last;
	bool healing;	 /* as pf_reassembler_is_healing() says */
	bool started;	 /* a keyframe was shown */
	bool skipping;	 /* the gate waits for a keyframe, and for nothing less */
	uint32_t shown;	 /* newest frame that was */
	bool closed;	 /* what comes cannot be decoded: the gate is closed, for whatever reason */
	uint32_t stuck;	 /* newest frame that it stopped */
	uint64_t rtt_ns; /* smoothed, of QUIC */
	uint32_t refresh_hz; /* of the stream; 0 = not known */
};

struct pf_ask_request {
	enum pf_ask_kind kind;
	uint32_t first, last; /* of PF_ASK_RFI: everything since the last frame that was shown */
};

/* What is to be asked now. It counts as asked. */
struct pf_ask_request pf_ask_poll(struct pf_ask *a, const struct pf_ask_state *s, uint64_t now_ns);
/* When to poll again although nothing came; UINT64_MAX = no need. */
uint64_t pf_ask_deadline(const struct pf_ask *a);

#endif
