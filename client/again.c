/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/again.h"

#include <poll.h>
#include <unistd.h>

#include "client/clock.h"

#define FIRST_MS 250u  /* the wait before the first try */
#define MAX_MS	 4000u /* it doubles up to here, so that a host that starts is not run down */
#define DIAL_MS	 3000u /* of one try */

/* Sleeps, but a signal wakes. */
static void pause_ms(const struct again *a, uint64_t ms)
{
	uint64_t until = clock_mono_ns() + ms * NS_PER_MS, now, count;
	while (!a->stopped() && (now = clock_mono_ns()) < until) {
		struct pollfd fd = {.fd = a->wake_fd, .events = POLLIN};
		if (poll(&fd, 1, (int)((until - now) / NS_PER_MS) + 1) > 0 &&
			read(a->wake_fd, &count, sizeof(count)) < 0)
			return;
	}
}

/* Whether trying again may change the answer. */
static bool may_change(int status)
{
	return status == PUNKTFUNK_E_TIMEOUT || status == PUNKTFUNK_E_CLOSED ||
		status == PUNKTFUNK_E_IO || status == PUNKTFUNK_E_BUSY ||
		status == PUNKTFUNK_E_INVALID || status == PUNKTFUNK_E_SETUP_FAILED;
}

bool again_connect(
	const struct again *a, struct punktfunk_connection **out, char message[CONNECT_MESSAGE_MAX])
{
	message[0] = '\0';
	for (uint64_t ms = FIRST_MS;; ms = 2 * ms < MAX_MS ? 2 * ms : MAX_MS) {
		pause_ms(a, ms);
		uint64_t now = clock_mono_ns();
		if (a->stopped() || now >= a->until_ns)
			return false;
		uint64_t left_ms = (a->until_ns - now) / NS_PER_MS + 1;
		a->connect->timeout_ms = left_ms < DIAL_MS ? (uint32_t)left_ms : DIAL_MS;
		if (connect_open(a->connect, out, message) == EXIT_FINE)
			return true;
		if (!may_change(a->connect->status))
			return false;
	}
}
