/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/lossy_hop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "tests/support/sites.h"
#include "tests/test.h"

#define SEED	     0x686f70u
#define PACKET_MAX   65536u
#define POLL_MS	     20
#define QUEUE	     "2000" /* packets: several of the largest frames, while the thread waits for a core */
#define IPPROTO_OFF  9
#define IPV4_MIN     20u
#define UDP_PROTOCOL 17

/*
 * RFC 791 and 768: version and length of the header in 32-bit words (1), … protocol at 9, … then the source port (2).
 */
static bool comes_from(const uint8_t *packet, size_t len, unsigned port)
{
	const size_t header = len ? (packet[0] & 15u) * 4u : 0;
	return len >= IPV4_MIN && packet[0] >> 4 == 4 && packet[IPPROTO_OFF] == UDP_PROTOCOL &&
		len >= header + 2 && pf_get_be16(packet + header) == port;
}

static bool loses(struct lossy_hop *h, const uint8_t *packet, size_t len)
{
	const unsigned port = atomic_load(&h->port);
	if (!port || !comes_from(packet, len, port))
		return false;
	if (test_rand(&h->random) % 100 < atomic_load(&h->percent)) {
		atomic_fetch_add(&h->lost, 1);
		return true;
	}
	atomic_fetch_add(&h->passed, 1);
	return false;
}

static void *forward(void *userdata)
{
	static uint8_t packet[PACKET_MAX];
	struct lossy_hop *h = userdata;
	while (!atomic_load(&h->stop)) {
		struct pollfd fds[N_SITES] = {{.fd = h->fds[SITE_A], .events = POLLIN},
			{.fd = h->fds[SITE_B], .events = POLLIN}};
		if (poll(fds, N_SITES, POLL_MS) < 0 && errno != EINTR)
			break;
		for (int site = 0; site < N_SITES; site++) {
			ssize_t n;
			while ((n = read(h->fds[site], packet, sizeof(packet))) > 0) {
				if (site == SITE_A && loses(h, packet, (size_t)n))
					continue;
				/* A device that is down takes nothing, as a cable that is out. */
				n = write(h->fds[!site], packet, (size_t)n);
				(void)n;
			}
		}
	}
	return NULL;
}

static int ip(enum site site, const char *const *argv)
{
	char out[1024];
	if (sites_run(site, argv, out, sizeof(out)) == 0)
		return 0;
	fprintf(stderr, "ip %s %s: %s\n", argv[1], argv[2], out);
	return -1;
}
#define IP(site, ...) ip(site, (const char *const[]){"ip", __VA_ARGS__, NULL})

/* A device of the site that the calling thread is in. */
static int open_tun(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	close(fd);
	return -1;
}

static int open_end(struct lossy_hop *h, enum site site)
{
	const bool a = site == SITE_A;
	const char *name = a ? "hop-a" : "hop-b";
	if (sites_enter(site) < 0)
		return -1;
	h->fds[site] = open_tun(name);
	if (h->fds[site] < 0) {
		printf("skipped: no TUN device is to be had here (%s)\n", strerror(errno));
		return SITES_SKIP;
	}
	return IP(site, "addr", "add", a ? LOSSY_HOP_A : LOSSY_HOP_B, "peer",
		       a ? LOSSY_HOP_B : LOSSY_HOP_A, "dev", name) |
		IP(site, "link", "set", name, "txqueuelen", QUEUE, "up");
}

int lossy_hop_start(struct lossy_hop *h)
{
	memset(h, 0, sizeof(*h));
	h->fds[SITE_A] = h->fds[SITE_B] = -1;
	h->random = SEED;
	int err = open_end(h, SITE_A);
	if (sites_enter(SITE_B) < 0)
		return -1;
	if (!err)
		err = open_end(h, SITE_B);
	if (err)
		return err;
	h->running = pthread_create(&h->thread, NULL, forward, h) == 0;
	return h->running ? 0 : -1;
}

void lossy_hop_stop(struct lossy_hop *h)
{
	atomic_store(&h->stop, true);
	if (h->running)
		pthread_join(h->thread, NULL);
	h->running = false;
	for (int site = 0; site < N_SITES; site++) {
		if (h->fds[site] >= 0)
			close(h->fds[site]);
		h->fds[site] = -1;
	}
}

void lossy_hop_lose(struct lossy_hop *h, uint16_t port, unsigned percent)
{
	atomic_store(&h->percent, percent);
	atomic_store(&h->port, port);
}
