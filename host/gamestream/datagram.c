/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/datagram.h"

#include "core/base/bytes.h"
#include "core/base/error.h"

/*
 *   0   BE16  peer (12 bits), session (2), 0x4000 compressed, 0x8000 the time follows
 *  (2)  BE16  time
 *
 * then commands, each:
 *   0   u8    command (4 bits), flags
 *   1   u8    channel
 *   2   BE16  sequence
 *   4   ...   by command; those that send have the length of what follows them in BE16, at 4 (reliable) or 6
 */
#define HAS_TIME   0x8000u
#define COMPRESSED 0x4000u

static const struct {
	uint8_t len, length_at; /* 0 = nothing follows */
} commands[16] = {
	[GS_ENET_ACKNOWLEDGE] = {8, 0},
	[GS_ENET_CONNECT] = {48, 0},
	[GS_ENET_VERIFY_CONNECT] = {44, 0},
	[GS_ENET_DISCONNECT] = {8, 0},
	[GS_ENET_PING] = {4, 0},
	[GS_ENET_SEND_RELIABLE] = {6, 4},
	[GS_ENET_SEND_UNRELIABLE] = {8, 6},
	[GS_ENET_SEND_FRAGMENT] = {24, 6},
	[GS_ENET_SEND_UNSEQUENCED] = {8, 6},
	[GS_ENET_BANDWIDTH_LIMIT] = {12, 0},
	[GS_ENET_THROTTLE_CONFIGURE] = {16, 0},
	[GS_ENET_SEND_UNRELIABLE_FRAGMENT] = {24, 6},
};

bool gs_datagram_open(struct gs_datagram *d, const uint8_t *data, size_t len)
{
	if (len < 2)
		return false;
	uint16_t head = pf_get_be16(data);
	size_t head_len = head & HAS_TIME ? 4 : 2;
	if (len < head_len || head & COMPRESSED)
		return false;
	*d = (struct gs_datagram){
		.at = data + head_len, .end = data + len, .peer = head & GS_ENET_NO_PEER};
	return true;
}

int gs_datagram_next(struct gs_datagram *d, struct gs_datagram_command *out)
{
	size_t left = (size_t)(d->end - d->at);
	if (!left)
		return 0;
	uint8_t command = d->at[0] & 0x0F;
	size_t len = commands[command].len, carried = 0;
	if (!len || left < len)
		return PF_E_BAD_PACKET;
	if (commands[command].length_at)
		carried = pf_get_be16(d->at + commands[command].length_at);
	if (left - len < carried)
		return PF_E_BAD_PACKET;
	*out = (struct gs_datagram_command){.command = command,
		.channel = d->at[1],
		.sequence = pf_get_be16(d->at + 2),
		.data = d->at,
		.len = carried};
	d->at += len + carried;
	return 1;
}
