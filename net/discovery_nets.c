/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>

#include "net/discovery_list.h"

static void read_own(struct discovery_nets *out)
{
	struct ifaddrs *all = NULL;
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i && out->n_own < DISCOVERY_NETS_MAX; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !i->ifa_netmask ||
			!(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK)
			continue;
		const struct sockaddr_in *addr = (const struct sockaddr_in *)(const void *)
							 i->ifa_addr;
		const struct sockaddr_in *mask = (const struct sockaddr_in *)(const void *)
							 i->ifa_netmask;
		out->own[out->n_own++] = (struct pf_net){ntohl(addr->sin_addr.s_addr),
			(uint8_t)__builtin_popcount(mask->sin_addr.s_addr)};
	}
	freeifaddrs(all);
}

/* proc(5), net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask …, hex in network order. */
static void read_routes(struct discovery_nets *out)
{
	FILE *f = fopen("/proc/net/route", "re");
	char line[256];
	unsigned to, flags, mask;
	if (!f)
		return;
	while (out->n_routes < DISCOVERY_NETS_MAX && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*31s %8x %*8x %4x %*u %*u %*u %8x", &to, &flags, &mask) == 3 &&
			flags & RTF_UP && !(flags & RTF_REJECT))
			out->routes[out->n_routes++] = (struct pf_net){
				ntohl(to), (uint8_t)__builtin_popcount(mask)};
	fclose(f);
}

void discovery_nets_read(struct discovery_nets *out)
{
	memset(out, 0, sizeof(*out));
	read_own(out);
	read_routes(out);
}
