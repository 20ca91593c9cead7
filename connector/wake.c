/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/error.h"
#include "punktfunk_core.h"

#define WAKE_PORT 9  /* discard: nothing has to listen there */
#define N_REPEATS 16 /* of the address, in the packet */
#define N_PACKETS 3  /* nobody answers, so it is said more than once */
#define MAC_LEN	  6
#define SYNC_LEN  6

/*
 *  0              6                  12            ...            102
 *  +--------------+------------------+------------------------------+
 *  | 6 x FF       | MAC (6)          | 15 times more                |
 *  +--------------+------------------+------------------------------+
 */
int punktfunk_wake_on_lan(const uint8_t *mac, const char *address)
{
	uint8_t packet[SYNC_LEN + N_REPEATS * MAC_LEN];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(WAKE_PORT)};
	if (!mac)
		return PF_E_NULL;
	to.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	if (address && inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return PF_E_INVALID;
	memset(packet, 0xFF, SYNC_LEN);
	for (size_t i = 0; i < N_REPEATS; i++)
		memcpy(packet + SYNC_LEN + i * MAC_LEN, mac, MAC_LEN);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return pf_error_from_errno(errno);
	int one = 1, err = PF_OK;
	if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)) < 0)
		err = pf_error_from_errno(errno);
	for (int i = 0; i < N_PACKETS && err == PF_OK; i++)
		if (sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			err = pf_error_from_errno(errno);
	close(fd);
	return err;
}
