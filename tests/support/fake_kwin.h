/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_FAKE_KWIN_H
#define TESTS_SUPPORT_FAKE_KWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The protocols of KWin without KWin: outputs that are only told of, input that is only written down. On a thread of
 * its own. It lies, refuses, hangs and dies as asked. Streams have no pictures.
 */

enum fake_kwin_trick {
	FAKE_KWIN_HONEST,
	FAKE_KWIN_REFUSES,   /* "failed" with params.error */
	FAKE_KWIN_CLOSES,    /* "closed" instead of "created" */
	FAKE_KWIN_SILENT,    /* no answer to a stream, but to everything else */
	FAKE_KWIN_HANGS,     /* no answer at all from the first stream on */
	FAKE_KWIN_DIES,	     /* at the first stream */
	FAKE_KWIN_NODE_ZERO, /* "created" with nodes that cannot be */
	FAKE_KWIN_NODE_NONE,
	FAKE_KWIN_NO_OUTPUT,  /* "created", and no output ever */
	FAKE_KWIN_OTHER_SIZE, /* the output comes as KWin remembers it: 800x600 at twice the size */
	FAKE_KWIN_REMEMBERS,  /* it has the mode that was asked for, and comes in another */
	FAKE_KWIN_WILD_PLACE, /* sizes, places and names that no desktop has */
};

struct fake_kwin_params {
	enum fake_kwin_trick trick;
	const char *error; /* English or not; NULL = "Could not find output" */
	/* 0 = the global is not there. */
	uint32_t screencast_version, input_version, management_version;
	bool device_globals; /* an output's settings are a global of their own, as before KWin 6.7 */
	bool refuses_modes;  /* every change of a mode */
	bool no_custom_modes; /* the outputs' capability is missing */
	bool coarse_modes;    /* made rates are multiples of 0.24 Hz */
	bool step_widths;     /* made widths are multiples of 8 */
};

#define FAKE_KWIN_FULL \
	((struct fake_kwin_params){ \
		.screencast_version = 6, .input_version = 6, .management_version = 21})

struct fake_kwin;

/* A runtime folder of the test's own, which the environment names, and where its compositor would listen. */
struct fake_kwin_place {
	char dir[64], path[96];
};

int fake_kwin_place_make(struct fake_kwin_place *place); /* -1 = cannot be made */
void fake_kwin_place_remove(struct fake_kwin_place *place);

/* Listens on the path. NULL on failure. */
struct fake_kwin *fake_kwin_start(const char *path, const struct fake_kwin_params *params);
/* Ends it; takes one that died, and NULL. */
void fake_kwin_stop(struct fake_kwin *f);
/* Everything that it read, a line each ("stream punktfunk-1 …"): does one begin so? Waits up to 2 s. */
bool fake_kwin_saw(struct fake_kwin *f, const char *begin);
/* Of what it read before nothing is known any more. */
void fake_kwin_forget(struct fake_kwin *f);
/* Does it have as many virtual outputs? Waits up to 2 s. */
bool fake_kwin_has_outputs(struct fake_kwin *f, size_t n);
/* The mode of the virtual output of this number among those there; false: there is none. */
bool fake_kwin_mode(
	struct fake_kwin *f, size_t i, uint32_t *width, uint32_t *height, uint32_t *mhz);
/* From another thread: takes the place of a virtual output, as the person drags it in the settings. */
void fake_kwin_move(struct fake_kwin *f, size_t i, int32_t x, int32_t y);
/* Reads nothing until it shall again. */
void fake_kwin_pause(struct fake_kwin *f, bool paused);

#endif
