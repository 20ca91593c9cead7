/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/control.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/base/bytes.h"

struct pf_framer {
	size_t have; /* bytes of the frame so far, its length field included */
	uint8_t frame[PF_FRAME_PREFIX + PF_WIRE_MAX_PAYLOAD];
};

int pf_framer_create(struct pf_framer **out)
{
	*out = pf_calloc(1, sizeof **out);
	return *out ? PF_OK : PF_E_NOMEM;
}

void pf_framer_destroy(struct pf_framer *f)
{
	/* A Welcome with its keys may lie in there. */
	pf_free_secret(f, sizeof *f);
}

static size_t take(struct pf_framer *f, size_t want, const uint8_t *data, size_t len)
{
	size_t n = want - f->have;
	if (n > len)
		n = len;
	memcpy(f->frame + f->have, data, n);
	f->have += n;
	return n;
}

int pf_framer_feed(struct pf_framer *f, const uint8_t *data, size_t len,
	int (*frame)(const uint8_t *payload, size_t payload_len, void *userdata), void *userdata)
{
	while (len) {
		if (f->have < PF_FRAME_PREFIX) {
			size_t n = take(f, PF_FRAME_PREFIX, data, len);
			data += n;
			len -= n;
			if (f->have < PF_FRAME_PREFIX)
				return PF_OK;
		}
		size_t whole = PF_FRAME_PREFIX + pf_get_le16(f->frame);
		size_t n = len ? take(f, whole, data, len) : 0;
		data += n;
		len -= n;
		if (f->have < whole)
			return PF_OK;
		f->have = 0;
		int err = frame(f->frame + PF_FRAME_PREFIX, whole - PF_FRAME_PREFIX, userdata);
		if (err < 0)
			return err;
	}
	return PF_OK;
}

int pf_frame_write(uint8_t *out, size_t cap, const uint8_t *payload, size_t payload_len)
{
	if (payload_len > PF_WIRE_MAX_PAYLOAD)
		return PF_E_INVALID;
	struct pf_writer w = pf_writer_make(out, cap);
	pf_write_le16(&w, (uint16_t)payload_len);
	pf_write_bytes(&w, payload, payload_len);
	return w.ok ? (int)pf_writer_len(&w) : PF_E_FULL;
}

void pf_clock_sync_init(struct pf_clock_sync *c)
{
	*c = (struct pf_clock_sync){.rtt_ns = UINT64_MAX};
}

void pf_clock_sync_add(struct pf_clock_sync *c, uint64_t t1, uint64_t t2, uint64_t t3, uint64_t t4)
{
	if (t4 < t1 || t3 < t2 || t4 - t1 < t3 - t2)
		return;
	uint64_t rtt = (t4 - t1) - (t3 - t2);
	if (rtt >= c->rtt_ns)
		return;
	/* Halved first, so that no pair of stamps can overflow the sum. */
	int64_t out = (int64_t)(t2 - t1), back = (int64_t)(t3 - t4);
	c->offset_ns = out / 2 + back / 2 + (out % 2 + back % 2) / 2;
	c->rtt_ns = rtt;
}
