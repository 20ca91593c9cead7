/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/body.h"

static bool is_edge(const struct pf_input *in)
{
	return in->kind == PF_INPUT_KEY_DOWN || in->kind == PF_INPUT_KEY_UP;
}

/* InputEdge: 5 the input datagram of 18 bytes, its tag 0xC8 included. */
static int read_edge(struct pf_reader *r, struct pf_msg *m)
{
	const uint8_t *p = pf_read_bytes(r, PF_INPUT_LEN);
	if (!p)
		return PF_E_BAD_PACKET;
	int err = pf_input_read(&m->input_edge, p, PF_INPUT_LEN);
	if (err < 0)
		return err;
	return is_edge(&m->input_edge) ? PF_OK : PF_E_UNSUPPORTED;
}

static bool edge_ok(const struct pf_msg *m)
{
	return is_edge(&m->input_edge);
}

static size_t edge_len(const struct pf_msg *m)
{
	(void)m;
	return PF_INPUT_LEN;
}

static void write_edge(struct pf_writer *w, const struct pf_msg *m)
{
	uint8_t event[PF_INPUT_LEN];
	pf_input_write(event, &m->input_edge);
	pf_write_bytes(w, event, sizeof event);
}

const struct pf_body pf_body_input_edge = {read_edge, edge_ok, edge_len, write_edge};
