/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_DATAGRAM_H
#define HOST_GAMESTREAM_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is in a datagram of ENet, before ENet itself gets to see it (docs/gamestream.md, "Control"). Without input and
 * output. Thread: any.
 */

enum gs_enet_command {
	GS_ENET_ACKNOWLEDGE = 1,
	GS_ENET_CONNECT,
	GS_ENET_VERIFY_CONNECT,
	GS_ENET_DISCONNECT,
	GS_ENET_PING,
	GS_ENET_SEND_RELIABLE,
	GS_ENET_SEND_UNRELIABLE,
	GS_ENET_SEND_FRAGMENT,
	GS_ENET_SEND_UNSEQUENCED,
	GS_ENET_BANDWIDTH_LIMIT,
	GS_ENET_THROTTLE_CONFIGURE,
	GS_ENET_SEND_UNRELIABLE_FRAGMENT,
};

/* To the peer of this number; GS_ENET_NO_PEER = it asks for a connection. */
#define GS_ENET_NO_PEER 0x0FFFu

struct gs_datagram {
	const uint8_t *at, *end;
	uint16_t peer;
};

struct gs_datagram_command {
	uint8_t command; /* enum gs_enet_command */
	uint8_t channel;
	uint16_t sequence;
	const uint8_t *data; /* the whole of it, borrowed */
	size_t len;	     /* of the message that it carries */
};

/* False: too short to be one, or compressed, which clients do not. */
bool gs_datagram_open(struct gs_datagram *d, const uint8_t *data, size_t len);
/* The next command: 1, 0 at the end, PF_E_BAD_PACKET for one that is unknown or longer than the datagram. */
int gs_datagram_next(struct gs_datagram *d, struct gs_datagram_command *out);

#endif
