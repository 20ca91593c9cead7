/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_DESKTOPS_RIG_H
#define TESTS_DESKTOPS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/host_process.h"

/*
 * A compositor of somebody's, in a runtime folder of its own with its own D-Bus and PipeWire, and a host that finds it
 * there. One at a time; everything runs as an ordinary user (started by root: nobody, or PUNKTFUNK_TEST_UID).
 */

#define RIG_MAX_OUTPUTS 16
#define RIG_IDLE_WIDTH	320 /* of an output that a host left in a sway that cannot remove it */

struct rig_compositor {
	const char *name; /* what the tests are told */
	const char
		*const argv[16];  /* %d = the rig's folder; its Wayland socket must be wayland-1 */
	const char *const env[8]; /* NAME=value */
	const char *config;	  /* text of the file `config` in the folder; NULL = none */
	const char *host_args[3]; /* that choose it */
	bool pipewire;		  /* its pictures are nodes */
	bool own_rates;		  /* it makes outputs at its own rate, whatever is asked for */
	bool windows_leave;	  /* an output whose size changes, for the next one */
	bool layout_text;	  /* it types only what is on the keyboard's layout */
	bool touch;		  /* it has touch screens */
	bool no_detents;	  /* it tells how far a wheel went, not in how many steps */
	int made_widths;	  /* widths that are no multiple come at any rate; 0 = none do */
	int rate_off_mhz;	  /* a rate may be off by so much */
	unsigned first_frame_ms;  /* what Hello to the first frame may take */
};

struct rig_output {
	char name[64];
	int width, height, mhz, x, y;
};

struct rig {
	const struct rig_compositor *kind;
	char dir[96];
	pid_t compositor, bus, pipewire; /* 0 = does not run */
	struct host_process host;
};

extern struct rig rig;

/* Becomes the ordinary user and opens what that one may not: before everything else. Returns 0, or -1. */
int rig_prepare(void);
/* name: "sway", "mutter", …; NULL with *why when it is not known or cannot be run here. */
const struct rig_compositor *rig_find(const char *name, const char **why);
int rig_open(const struct rig_compositor *kind);
void rig_close(void);

int rig_start_compositor(void); /* and waits for it */
void rig_end_compositor(int signal);
int rig_start_pipewire(void);
void rig_end_pipewire(void);
/* args: beside those that choose the compositor, if it is to be chosen; NULL-ended. The host must not run. */
int rig_start_host(const char *const *args, bool choose);
/* Another one, beside it, that its caller ends. */
int rig_start_host_as(struct host_process *host, const char *const *args);
void rig_end_host(void);
/* The host's program. */
const char *rig_host(void);
/* A child of ours with our environment; in and out may be -1. It dies with us. */
pid_t rig_spawn(const char *const *argv, int in, int out);
/* Our Wayland program, to be spawned. */
const char *rig_wl_app(void);

/* As the compositor tells every client. -1: it does not answer. */
int rig_list_outputs(struct rig_output *out, int cap);
/* How many have this size; mhz 0 = any. */
int rig_count_outputs(int width, int height, int mhz);
bool rig_wait_outputs(int width, int height, int mhz, int n, unsigned timeout_ms);
/* Outputs that somebody uses: those that a host left idle do not count. */
int rig_count_used(void);
/* The output of a program, at most 5 s; its length, or -1. */
int rig_ask(const char *const *argv, char *text, size_t cap);

void rig_pause_ms(unsigned ms);

#endif
