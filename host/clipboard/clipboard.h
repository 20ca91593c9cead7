/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CLIPBOARD_CLIPBOARD_H
#define HOST_CLIPBOARD_CLIPBOARD_H

#include <stdbool.h>

#include "core/base/error.h"
#include "host/clipboard/pipe.h"
#include "host/clipboard/text.h"

/*
 * The clipboard of a desktop, text only. Nothing is read before somebody pastes. clipboard.c moves the text and
 * keeps the times; backends say what is selected and hand pipes over.
 * Thread: the control loop. Nothing blocks, but create() waits for the compositor's answers.
 */

struct clipboard;
struct loop;

/* None of these may destroy the clipboard; the first may come before create() returns. */
struct clipboard_params {
	struct loop *loop;
	const char *wayland_display; /* wlr */
	/* Another program selected something, or nothing is selected any more. text: it can be had as text. */
	void (*on_selection)(bool text, void *userdata);
	/* A program pastes what clipboard_offer() put there: to be answered with clipboard_give(), soon. */
	void (*on_paste)(void *userdata);
	/* What clipboard_fetch() asked for, the callee's; NULL = it is not to be had, or is no text. */
	void (*on_text)(struct clip_text *text, void *userdata);
	/* The compositor is gone; once. */
	void (*on_lost)(const char *why, void *userdata);
	void *userdata;
};

struct clipboard_impl {
	const char *name;
	int (*create)(struct clipboard **out, const struct clipboard_params *params);
	void (*destroy)(struct clipboard *base);
	/* The selection becomes ours; or, what is ours of it goes. */
	int (*offer)(struct clipboard *base, bool on);
	/* Whoever has the selection is to write its text into fd, which stays the caller's. */
	int (*receive)(struct clipboard *base, int fd);
};

#define CLIPBOARD_PASTES_MAX 8u /* programs that paste at the same time */

struct clipboard {
	const struct clipboard_impl *impl;
	struct clipboard_params params;
	struct pipe_read fetch;
	int waiting[CLIPBOARD_PASTES_MAX]; /* pipes that wait for clipboard_give() */
	unsigned n_waiting;
	struct pipe_write pastes[CLIPBOARD_PASTES_MAX];
};

extern const struct clipboard_impl clipboard_wlr_impl; /* HAVE_WLROOTS */
extern const struct clipboard_impl
	clipboard_memory_impl; /* no desktop: keeps a copy of what is offered */

/*
 * name: "wlr", "memory". Errors: PF_E_UNSUPPORTED (unknown, not built, or the compositor has none), PF_E_IO,
 * PF_E_TIMEOUT, PF_E_NOMEM. Says nothing in the log.
 */
int clipboard_create(struct clipboard **out, const char *name,
	const struct clipboard_params *params) PF_MUST_CHECK;
/* Takes NULL. What we offered is not selected any more; programs that wait get nothing. */
void clipboard_destroy(struct clipboard *c);
/* Is there such a clipboard on that desktop? Asks the compositor. */
bool clipboard_exists(const char *name, struct loop *loop, const char *wayland_display);

/* Text of ours is selected, and given when somebody pastes it. Errors: PF_E_AGAIN (the compositor hangs), PF_E_CLOSED. */
int clipboard_offer(struct clipboard *c) PF_MUST_CHECK;
/* Ours is not selected any more, if it still was. */
void clipboard_withdraw(struct clipboard *c);
/* The answer to on_paste(), for all who asked since; NULL = nothing. Keeps a reference while it is written. */
void clipboard_give(struct clipboard *c, struct clip_text *text);
/*
 * on_text() will be called once: with the selection's text, or NULL when it is not to be had, changes meanwhile,
 * or takes too long. Asked again before that, it stays one call. Errors: as clipboard_offer(), PF_E_IO.
 */
int clipboard_fetch(struct clipboard *c) PF_MUST_CHECK;

/* --- for backends --- */

/* What is selected is somebody else's, or nothing. */
void clipboard_selected(struct clipboard *c, bool text);
/* A program wants what we offered. Takes fd. */
void clipboard_pasted(struct clipboard *c, int fd);

#endif
