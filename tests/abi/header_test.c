/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* The public header alone, first, as C99 and as C++: it must need nothing before it. */
#include "punktfunk_core.h"

/* A negative array size where a promise is broken; C99 has no static assertion. */
#define PROMISE(name, condition) typedef char promise_##name[(condition) ? 1 : -1]

/* Numbers that programs are compiled with: these never change. */
PROMISE(ok, PUNKTFUNK_OK == 0);
PROMISE(no_frame, PUNKTFUNK_E_NO_FRAME == -5);
PROMISE(closed, PUNKTFUNK_E_CLOSED == -10);
PROMISE(pin, PUNKTFUNK_E_PIN == -14);
PROMISE(seat_unavailable, PUNKTFUNK_E_SEAT_UNAVAILABLE == -36);
PROMISE(lost, PUNKTFUNK_END_LOST == 5);
PROMISE(scroll, PUNKTFUNK_INPUT_SCROLL == 6u);
/* The size leads every struct that may grow. */
PROMISE(opts_grow, offsetof(struct punktfunk_connect_opts, size) == 0);
PROMISE(frame_grows, offsetof(struct punktfunk_frame, size) == 0);
PROMISE(config_grows, offsetof(struct punktfunk_config, size) == 0);
PROMISE(packets_grow, offsetof(struct punktfunk_packets, size) == 0);
PROMISE(stats_grow, offsetof(struct punktfunk_stats, size) == 0);
/* This one may not. */
PROMISE(input_event, sizeof(struct punktfunk_input_event) == 20);

int header_test(void);
int header_test(void)
{
	return (int)sizeof(promise_ok);
}
