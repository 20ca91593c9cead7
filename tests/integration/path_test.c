/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/viewer.h"
#include "tests/support/host_process.h"

/*
 * A way to the client that carries less than the usual 1,500 bytes: the loopback of a network namespace of our
 * own. Without the right to make one everything is skipped. PUNKTFUNK_HOST names the program.
 */

#define SKIP_CODE 77
#define MTU	  1300
#define MS	  1000000ull

static struct host_process host;

static const char *const host_args[] = {
	"--source", "synthetic", "--encoder", "null", "--bitrate", "2000", NULL};

/* QUIC finds 1200 of the 1272 that fit, as it does not try all sizes: 64 less is the shard. */
#define SMALL_SHARD 1136

static void shards_shrink_to_what_the_path_takes(void **state)
{
	static struct viewer v, plain;
	struct pf_msg m;
	(void)state;
	viewer_open(&plain, host.port, 0, "", 0); /* cannot change, and is left alone */
	viewer_open(&v, host.port, 0, "", 1408);
	assert_int_equal(v.welcome.shard_payload, 1408);
	for (int i = 0; i < 20; i++) {
		viewer_turn_for(&v, 100 * MS);
		viewer_turn_for(&plain, 100 * MS);
	}
	viewer_wait(&v, PF_MSG_SHARD_PAYLOAD_CHANGED, 1, &m);
	assert_int_equal(m.shard_payload, SMALL_SHARD);
	/* Not before the client said yes, to this very size. */
	viewer_say(&v, &(struct pf_msg){.type = PF_MSG_SHARD_PAYLOAD_ACK, .shard_payload = 512});
	viewer_turn_for(&v, 200 * MS);
	assert_int_equal(v.shard, 1408);
	viewer_say(&v,
		&(struct pf_msg){.type = PF_MSG_SHARD_PAYLOAD_ACK, .shard_payload = SMALL_SHARD});
	unsigned before = v.n_frames;
	viewer_turn_for(&v, 300 * MS);
	assert_int_equal(v.shard, SMALL_SHARD);
	assert_true(v.n_frames > before + 3);
	assert_int_equal(v.n_holes, 0);
	viewer_close(&v);
	viewer_turn_for(&plain, 300 * MS);
	assert_int_equal(viewer_count(&plain, PF_MSG_SHARD_PAYLOAD_CHANGED, &m), 0);
	assert_int_equal(plain.shard, 1408);
	viewer_close(&plain);
}

static int make_network(void)
{
	struct ifreq r = {.ifr_mtu = MTU};
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(r.ifr_name, "lo");
	int err = fd < 0 ? -1 : ioctl(fd, SIOCSIFMTU, &r);
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	if (err >= 0)
		err = ioctl(fd, SIOCSIFFLAGS, &r);
	if (fd >= 0)
		close(fd);
	return err;
}

static int start(void **state)
{
	(void)state;
	return host_process_start(&host, NULL, host_args);
}

static int stop(void **state)
{
	(void)state;
	return host_process_finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shards_shrink_to_what_the_path_takes),
	};
	if (make_network() < 0) {
		puts("1..0 # SKIP no network namespace can be made here: only root can");
		return SKIP_CODE;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
