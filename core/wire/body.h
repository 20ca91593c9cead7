/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_WIRE_BODY_H
#define PF_WIRE_BODY_H

#include "core/base/bytes.h"
#include "core/wire/control.h"

/* Private to core/wire: bodies that are no plain list of fields. The table of messages.c names them. */
struct pf_body {
	/*
	 * From behind the head. The caller checks that all was used and r->ok. Errors: PF_E_BAD_PACKET,
	 * PF_E_UNSUPPORTED (a value of a later peer: skip the message).
	 */
	int (*read)(struct pf_reader *r, struct pf_msg *m);
	bool (*ok)(const struct pf_msg *m);    /* may it be written? */
	size_t (*len)(const struct pf_msg *m); /* bytes behind the head, of a message that is ok */
	void (*write)(struct pf_writer *w, const struct pf_msg *m);
};

extern const struct pf_body pf_body_pair_request, pf_body_pair_challenge; /* msg_pair.c */
extern const struct pf_body pf_body_refused, pf_body_launch_outcome;	  /* msg_text.c */
extern const struct pf_body pf_body_input_edge;				  /* msg_input.c */
extern const struct pf_body pf_body_clip_control, pf_body_clip_offer,
	pf_body_clip_fetch;			  /* msg_clip.c */
extern const struct pf_body pf_body_cursor_shape; /* msg_cursor.c */

/* The next len bytes; empty, and r->ok false, where there are fewer. */
static inline struct pf_span pf_read_span(struct pf_reader *r, size_t len)
{
	const uint8_t *p = pf_read_bytes(r, len);
	return (struct pf_span){p, p ? len : 0};
}

#endif
