/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_DESKTOPS_APP_H
#define TESTS_DESKTOPS_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The window of a test (tests/support/wl_app.c), and what it said. */

struct app {
	pid_t pid; /* 0 = none */
	int in, out;
	char text[65536];
	size_t len, from; /* what is looked at begins at from */
};

void app_start(struct app *a, int width, int height, uint32_t rgb);
void app_end(struct app *a); /* also one that was not started */
void app_say(struct app *a, const char *command);
/* Only what comes from now on is looked at. */
void app_forget(struct app *a);
/* Waits until it has said a line that begins with text; the rest of that line, or NULL. */
const char *app_wait(struct app *a, const char *text, unsigned timeout_ms);
bool app_said(struct app *a, const char *text);
/* Waits until the last line that begins with text ends with two numbers near x and y. */
bool app_wait_near(
	struct app *a, const char *text, double x, double y, double most, unsigned timeout_ms);
/* The sum of the numbers at the ends of such lines. */
double app_sum(struct app *a, const char *text);

#endif
