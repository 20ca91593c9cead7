/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_DESKTOPS_H
#define TESTS_DESKTOPS_H

#include <stdbool.h>

#include "tests/integration/desktops/app.h"
#include "tests/integration/desktops/rig.h"
#include "tests/integration/desktops/view.h"

/*
 * The same tests for every compositor. In the long form (PUNKTFUNK_LONG) they measure longer, end with a table, and hold
 * the middle of what they measured against the bounds as they are, if the machine has nothing else to do; else and for
 * each value alone the bounds have slack.
 */

extern bool long_form;
extern unsigned wait_ms; /* for what must happen, however busy the machine is */
#define WAIT_MS wait_ms
/* A bound in milliseconds, with its slack. */
double bound_ms(double ms);
/* A share that must be reached, with its slack if there is any. */
double bound_share(double share);
/* For the table at the end. Most values of a figure: 256. */
void figure(const char *name, const char *unit, double value);
/* Of a figure in milliseconds: the bound without slack. */
void figure_check(const char *name, double most);

extern struct view view, second_view;
extern struct app app, second_app;

/* The host of most tests: it encodes H.264, and keeps no display for who is lost. */
void want_host(void);
/* One that encodes nothing. */
void want_null_host(void);

/* Connects, waits for a picture, and leaves on purpose. */
void one_session(uint32_t width, uint32_t height);
/* Waits until so many outputs are used. */
void wait_used(int n);

/* Each takes the state of cmocka. */
void an_output_of_each_size_is_made_shown_and_gone(void **state);
void the_size_changes_in_mid_stream(void **state);
void what_moves_is_seen_at_the_outputs_rate(void **state);
void two_clients_see_their_own_outputs(void **state);
void a_rate_of_59_94_hz_reaches_the_display(void **state);

void keys_and_text_arrive(void **state);
void the_pointer_arrives_where_it_was_put(void **state);
void fingers_arrive(void **state);
void what_a_lost_client_held_is_let_go(void **state);

void two_clients_steer_their_own_outputs(void **state);
void two_hosts_leave_each_other_alone(void **state);

void many_sessions_leave_nothing(void **state);
void a_killed_host_leaves_nothing_after_its_next_start(void **state);
void a_killed_client_holds_nothing_and_its_display_goes(void **state);
void a_compositor_that_dies_ends_the_stream_not_the_host(void **state);
void a_compositor_that_hangs_holds_nobody_for_long(void **state);
void pipewire_starts_again_under_a_stream(void **state);
void a_node_that_vanishes_ends_the_stream_in_words(void **state);
void a_runtime_folder_that_is_not_ours_is_said(void **state);

#endif
