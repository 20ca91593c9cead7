/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/control.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/base/bytes.h"

#define HEAD_LEN     5u /* `PKFc` || type u8 */
#define LOSS_PPM_MAX 1000000u

static const uint8_t magic[4] = {'P', 'K', 'F', 'c'};

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

bool pf_msg_is_typed(const uint8_t *payload, size_t len)
{
	return len >= HEAD_LEN && !memcmp(payload, magic, sizeof magic);
}

static bool is_known(uint8_t type)
{
	return (type >= PF_MSG_RECONFIGURE && type <= PF_MSG_RFI_REQUEST) ||
		type == PF_MSG_PROBE_REQUEST || type == PF_MSG_PROBE_RESULT ||
		type == PF_MSG_CLOCK_PROBE || type == PF_MSG_CLOCK_ECHO;
}

static void read_mode(struct pf_reader *r, struct pf_mode *mode)
{
	mode->width = pf_read_le32(r);
	mode->height = pf_read_le32(r);
	mode->refresh_hz = pf_read_le32(r);
}

static void write_mode(struct pf_writer *w, const struct pf_mode *mode)
{
	pf_write_le32(w, mode->width);
	pf_write_le32(w, mode->height);
	pf_write_le32(w, mode->refresh_hz);
}

static void read_rfi(struct pf_reader *r, struct pf_msg *m)
{
	uint32_t first = pf_read_le32(r), last = pf_read_le32(r);
	/* Frame indexes wrap, so a range that runs backwards is a very long one. */
	if (last - first > PF_RFI_MAX_RANGE) {
		m->type = PF_MSG_REQUEST_KEYFRAME;
		return;
	}
	m->rfi.first = first;
	m->rfi.last = last;
}

/* bytes u64, packets u32, duration ms u32 [, wire packets u32, dropped u32] */
static void read_probe_result(struct pf_reader *r, struct pf_msg *m)
{
	m->probe_result.bytes = pf_read_le64(r);
	m->probe_result.packets = pf_read_le32(r);
	m->probe_result.duration_ms = pf_read_le32(r);
	m->probe_result.has_wire = r->ok && pf_reader_left(r) > 0;
	if (!m->probe_result.has_wire)
		return;
	m->probe_result.wire_packets = pf_read_le32(r);
	m->probe_result.dropped = pf_read_le32(r);
}

/* The body behind the 5-byte head; the caller checks that all of it was used. */
static void read_body(struct pf_reader *r, struct pf_msg *m)
{
	switch (m->type) {
	case PF_MSG_RECONFIGURE: /* width u32, height u32, refresh u32 */
		read_mode(r, &m->reconfigure);
		break;
	case PF_MSG_RECONFIGURED: /* accepted u8, width u32, height u32, refresh u32 */
		m->reconfigured.accepted = pf_read_u8(r) != 0;
		read_mode(r, &m->reconfigured.mode);
		break;
	case PF_MSG_REQUEST_KEYFRAME:
		break;
	case PF_MSG_LOSS_REPORT: /* ppm u32 */
		m->loss_ppm = pf_read_le32(r);
		if (m->loss_ppm > LOSS_PPM_MAX)
			m->loss_ppm = LOSS_PPM_MAX;
		break;
	case PF_MSG_SET_BITRATE: /* kbps u32 */
		m->bitrate_kbps = pf_read_le32(r);
		break;
	case PF_MSG_BITRATE_CHANGED: /* kbps u32 [, reason u8] */
		m->bitrate_changed.kbps = pf_read_le32(r);
		m->bitrate_changed.has_reason = r->ok && pf_reader_left(r) > 0;
		if (m->bitrate_changed.has_reason)
			m->bitrate_changed.reason = pf_read_u8(r);
		break;
	case PF_MSG_RFI_REQUEST: /* first u32, last u32 */
		read_rfi(r, m);
		break;
	case PF_MSG_PROBE_REQUEST: /* kbps u32, duration ms u32 */
		m->probe_request.kbps = pf_read_le32(r);
		m->probe_request.duration_ms = pf_read_le32(r);
		break;
	case PF_MSG_PROBE_RESULT:
		read_probe_result(r, m);
		break;
	case PF_MSG_CLOCK_PROBE: /* t1 u64 */
		m->clock.t1_ns = pf_read_le64(r);
		break;
	case PF_MSG_CLOCK_ECHO: /* t1 u64, t2 u64, t3 u64 */
		m->clock.t1_ns = pf_read_le64(r);
		m->clock.t2_ns = pf_read_le64(r);
		m->clock.t3_ns = pf_read_le64(r);
		break;
	default:
		break;
	}
}

int pf_msg_read(struct pf_msg *m, const uint8_t *payload, size_t len)
{
	*m = (struct pf_msg){0};
	if (!pf_msg_is_typed(payload, len))
		return PF_E_BAD_PACKET;
	uint8_t type = payload[sizeof magic];
	if (!is_known(type))
		return PF_E_UNSUPPORTED;
	m->type = type;
	struct pf_reader r = pf_reader_make(payload + HEAD_LEN, len - HEAD_LEN);
	read_body(&r, m);
	if (!r.ok || pf_reader_left(&r))
		return PF_E_BAD_PACKET;
	return PF_OK;
}

static void write_body(struct pf_writer *w, const struct pf_msg *m)
{
	switch (m->type) {
	case PF_MSG_RECONFIGURE:
		write_mode(w, &m->reconfigure);
		break;
	case PF_MSG_RECONFIGURED:
		pf_write_u8(w, m->reconfigured.accepted);
		write_mode(w, &m->reconfigured.mode);
		break;
	case PF_MSG_REQUEST_KEYFRAME:
		break;
	case PF_MSG_LOSS_REPORT:
		pf_write_le32(w, m->loss_ppm);
		break;
	case PF_MSG_SET_BITRATE:
		pf_write_le32(w, m->bitrate_kbps);
		break;
	case PF_MSG_BITRATE_CHANGED:
		pf_write_le32(w, m->bitrate_changed.kbps);
		if (m->bitrate_changed.has_reason)
			pf_write_u8(w, m->bitrate_changed.reason);
		break;
	case PF_MSG_RFI_REQUEST:
		pf_write_le32(w, m->rfi.first);
		pf_write_le32(w, m->rfi.last);
		break;
	case PF_MSG_PROBE_REQUEST:
		pf_write_le32(w, m->probe_request.kbps);
		pf_write_le32(w, m->probe_request.duration_ms);
		break;
	case PF_MSG_PROBE_RESULT:
		pf_write_le64(w, m->probe_result.bytes);
		pf_write_le32(w, m->probe_result.packets);
		pf_write_le32(w, m->probe_result.duration_ms);
		if (m->probe_result.has_wire) {
			pf_write_le32(w, m->probe_result.wire_packets);
			pf_write_le32(w, m->probe_result.dropped);
		}
		break;
	case PF_MSG_CLOCK_PROBE:
		pf_write_le64(w, m->clock.t1_ns);
		break;
	case PF_MSG_CLOCK_ECHO:
		pf_write_le64(w, m->clock.t1_ns);
		pf_write_le64(w, m->clock.t2_ns);
		pf_write_le64(w, m->clock.t3_ns);
		break;
	default:
		break;
	}
}

static bool msg_ok(const struct pf_msg *m)
{
	if (m->type == PF_MSG_RFI_REQUEST)
		return m->rfi.last - m->rfi.first <= PF_RFI_MAX_RANGE;
	if (m->type == PF_MSG_LOSS_REPORT)
		return m->loss_ppm <= LOSS_PPM_MAX;
	return (unsigned)m->type <= UINT8_MAX && is_known((uint8_t)m->type);
}

int pf_msg_write_framed(uint8_t *out, size_t cap, const struct pf_msg *m)
{
	if (!msg_ok(m))
		return PF_E_INVALID;
	struct pf_writer w = pf_writer_make(out, cap);
	pf_write_le16(&w, 0);
	pf_write_bytes(&w, magic, sizeof magic);
	pf_write_u8(&w, (uint8_t)m->type);
	write_body(&w, m);
	if (!w.ok)
		return PF_E_FULL;
	size_t len = pf_writer_len(&w);
	pf_put_le16(out, (uint16_t)(len - PF_FRAME_PREFIX));
	return (int)len;
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
