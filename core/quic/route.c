/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/conn.h"

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "core/quic/tls.h"

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

int pf_quic_write_retry(uint8_t *out, size_t cap, const uint8_t secret[static PF_QUIC_SECRET_LEN],
	const struct sockaddr *remote, uint32_t remote_len, const uint8_t *packet, size_t len,
	uint64_t now_ns)
{
	ngtcp2_pkt_hd hd;
	ngtcp2_cid scid = {.datalen = PF_QUIC_CID_LEN};
	uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2];
	if (!len || ngtcp2_accept(&hd, packet, len) != 0 || hd.version != NGTCP2_PROTO_VER_V1)
		return PF_E_BAD_PACKET;
	if (hd.tokenlen)
		return 0;
	pf_tls_random(scid.data, scid.datalen);
	ngtcp2_ssize n = ngtcp2_crypto_generate_retry_token2(token, secret, PF_QUIC_SECRET_LEN,
		hd.version, remote, remote_len, &scid, &hd.dcid, now_ns);
	if (n < 0)
		return PF_E_CRYPTO;
	n = ngtcp2_crypto_write_retry(
		out, cap, hd.version, &hd.scid, &scid, &hd.dcid, token, (size_t)n);
	return n < 0 ? PF_E_INVALID : (int)n;
}
