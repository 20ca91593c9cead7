/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/conn.h"

#include <ngtcp2/ngtcp2.h>

int pf_quic_route(struct pf_quic_route *out, const uint8_t *packet, size_t len)
{
	ngtcp2_version_cid vc;
	*out = (struct pf_quic_route){0};
	if (!len)
		return PF_E_BAD_PACKET;
	int err = ngtcp2_pkt_decode_version_cid(&vc, packet, len, PF_QUIC_CID_LEN);
	if (err != 0 && err != NGTCP2_ERR_VERSION_NEGOTIATION)
		return PF_E_BAD_PACKET;
	out->long_header = (packet[0] & 0x80) != 0;
	out->version = vc.version;
	out->dcid = vc.dcid;
	out->dcid_len = vc.dcidlen;
	out->scid = vc.scid;
	out->scid_len = vc.scidlen;
	/* ngtcp2 knows version 2 as well; we speak only 1. A short packet is not worth an answer. */
	out->version_negotiation = out->long_header && vc.version != 0 &&
		vc.version != NGTCP2_PROTO_VER_V1 && len >= NGTCP2_MAX_UDP_PAYLOAD_SIZE;
	return PF_OK;
}

int pf_quic_write_version_negotiation(
	uint8_t *out, size_t cap, const struct pf_quic_route *route, uint8_t random)
{
	static const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
	if (!route->version_negotiation)
		return PF_E_INVALID;
	ngtcp2_ssize n = ngtcp2_pkt_write_version_negotiation(out, cap, random, route->scid,
		route->scid_len, route->dcid, route->dcid_len, versions, 1);
	return n < 0 ? PF_E_FULL : (int)n;
}
