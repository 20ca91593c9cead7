/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_SPEED_H
#define CLIENT_SPEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The command `speed-test`: how much gets through from a host to this client. */
int speed_command(int argc, char **argv);

/*
 * The plan of a test, sans-IO: rates that double until one does not get through, then lower ones until one
 * does. speed_plan_next() gives the rate of the next step, 0 = the test is over; each is answered with
 * speed_plan_put().
 */
#define SPEED_STEPS_MAX 24u

struct speed_step {
	uint32_t asked_kbps, received_kbps, loss_ppm;
	uint64_t rtt_ns; /* the longest that QUIC had in it, smoothed */
	bool good;	 /* it got through */
};

struct speed_plan {
	uint32_t max_kbps;
	uint32_t left_ms, step_ms;
	struct speed_step steps[SPEED_STEPS_MAX];
	size_t n_steps;
	uint64_t rest_rtt_ns; /* before the first step */
	uint32_t
		best_kbps; /* the most that was asked for and got through; on the wire it is more */
	bool limited;	   /* a step did not get through, so that best_kbps is the link's */
};

void speed_plan_init(struct speed_plan *p, uint32_t max_kbps, uint32_t seconds);
uint32_t speed_plan_next(const struct speed_plan *p);
void speed_plan_put(struct speed_plan *p, const struct speed_step *step);
/* What to give to --bitrate; 0 = nothing got through. */
uint32_t speed_plan_recommend(const struct speed_plan *p);

#endif
