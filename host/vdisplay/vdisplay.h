/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_VDISPLAY_H
#define HOST_VDISPLAY_VDISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Outputs at exactly a client's size. A `vdisplay` is a connection to one compositor (found running, or
 * started by us); it makes and removes outputs.
 * Thread: the control loop. Calls may take a few milliseconds (the compositor answers at once).
 */

struct loop;
struct sd_bus;
struct undo_record;
struct vdisplay;

/* Where the pictures of an output in PipeWire are. */
struct vdisplay_node {
	uint32_t id;	  /* PipeWire's, now; 0 = the output has none */
	char remote[108]; /* the daemon's socket; empty = the user's own */
	bool opened;	  /* only vdisplay_open_node() leads to it */
	bool sized;	  /* it has the output's size, and follows when that changes */
	bool keeps_rate;  /* it sends each picture of its output, whatever rate is agreed on */
};

/* A session of org.gnome.Mutter.RemoteDesktop or of the portal, whose calls only the bus that made it may make. */
struct vdisplay_remote {
	struct sd_bus *bus; /* the backend's, for as long as the output; NULL = no such session */
	char session[128];  /* object path */
	char stream[128];   /* object path, or the portal's node number as text */
};

/*
 * An output, and how its pictures and its input go. The backend fills it; capture and inject are the names of the
 * families' backends that work with it, static strings.
 */
struct vdisplay_output {
	char name[64]; /* as the compositor calls it: capture finds it by this name */
	char wayland_display
		[108]; /* socket to connect to; empty when there is no Wayland behind it */
	uint32_t width, height, refresh_mhz; /* as really made; refresh in thousandths of a hertz */
	const char *capture,
		*inject; /* "wlr", "pipewire"; "wlr", "libei", "mutter", "kwin", "portal", "view-only" */
	struct vdisplay_node node;     /* for "pipewire" */
	struct vdisplay_remote remote; /* for "mutter", "portal" */
	char mapping
		[64]; /* for "libei": the mapping id of its region in EIS; empty = known by its size */
	uint64_t id;	    /* the backend's own */
	uint8_t compositor; /* enum pf_compositor of the backend that made it */
	uint32_t home;	    /* auto's: which desktop made it; 0 = there is one only */
};

#define VDISPLAY_MHZ(hz) ((hz)*1000u)

static inline uint32_t vdisplay_hz(uint32_t refresh_mhz)
{
	return (refresh_mhz + 500u) / 1000u;
}

/* The texts live as long as the display; an empty one is as NULL. */
struct vdisplay_params {
	struct loop *loop;
	bool own_session;	/* start a compositor of our own even when one runs */
	const char *config_dir; /* portal: where it keeps what a person allowed; NULL = nowhere */
	const char *compositor; /* auto: a backend's name, to use no other; NULL = whatever runs */
	const char *layout;	/* own session: of its keyboard; NULL = "us" */
	const char *app;	/* own session: the program to start in it; NULL = a terminal */
	const char *
		user; /* own session started by root: run it as this user; NULL = chosen (run_user.h) */
	/* The compositor went away with everything on it. Called once per loss, from the loop. */
	void (*on_lost)(const char *why, void *userdata);
	void *userdata;
};

enum vdisplay_found {
	VDISPLAY_STARTS = 1, /* none runs; one of our own can be started */
	VDISPLAY_RUNS,	     /* one runs, and it is used */
};

#define VDISPLAY_NOTE_LEN 512u

struct vdisplay_impl {
	const char *name;
	uint8_t compositor; /* enum pf_compositor, told in Welcome */
	bool own_session;   /* minds params.own_session: without it uses what runs */
	bool by_name_only;  /* auto never takes it */
	bool asks_person; /* somebody at the desktop has to allow it: behind those that need nobody */
	/*
	 * What of this kind is there, without starting or changing anything; within a second also when what is there
	 * hangs. note: one sentence for punktfunk-host doctor, VDISPLAY_NOTE_LEN bytes: what was found, in what
	 * version, and what is missing with the remedy. Returns enum vdisplay_found or an error (not usable).
	 */
	int (*probe)(const struct vdisplay_params *params, char *note);
	int (*create)(struct vdisplay **out, const struct vdisplay_params *params);
	void (*destroy)(struct vdisplay *base);
	int (*add_output)(struct vdisplay *base, uint32_t width, uint32_t height,
		uint32_t refresh_mhz, struct vdisplay_output *out);
	int (*set_mode)(struct vdisplay *base, struct vdisplay_output *output, uint32_t width,
		uint32_t height, uint32_t refresh_mhz);
	void (*remove_output)(struct vdisplay *base, struct vdisplay_output *output);
	/* optional */
	void (*show_output)(
		struct vdisplay *base, const struct vdisplay_output *output, bool shown);
	/* optional */
	int (*claim_windows)(struct vdisplay *base, const struct vdisplay_output *output, int pid);
	/* With outputs whose inject is "libei": a new connection to the compositor's EIS; the caller closes it. */
	int (*open_eis)(struct vdisplay *base, const struct vdisplay_output *output);
	/* With node.opened: a new connection to PipeWire that sees the node; the caller closes it. */
	int (*open_node)(struct vdisplay *base, const struct vdisplay_output *output);
	/*
	 * optional: takes away what a killed host left in a compositor (undo.h), whether or not that is the one in use.
	 * Returns how many outputs. Errors: PF_E_TIMEOUT (it hangs), others: try again at the next start.
	 */
	int (*undo)(const struct undo_record *record);
	/* optional: a sentence on why create() or, just now, add_output() failed, for the log and the client */
	const char *(*why)(void);
	/* optional: that of add_output(), where each display has its own; empty = nothing beyond the error */
	const char *(*why_output)(const struct vdisplay *base);
	/* auto's: is the desktop there that made this output? */
	bool (*has_output)(const struct vdisplay *base, const struct vdisplay_output *output);
};

/*
 * What a call may ask of a compositor in all, however many requests it takes: one that answers each of them late holds
 * the control loop no longer than one that hangs, or little.
 */
#define VDISPLAY_HOLD_NS 3000000000ull

#define VDISPLAY_OWNER_LEN 32u

struct vdisplay {
	const struct vdisplay_impl *impl;
	struct vdisplay_params params;
	uint8_t owner[VDISPLAY_OWNER_LEN]; /* for the backend: see vdisplay_set_owner() */
	bool has_owner;
};

extern const struct vdisplay_impl vdisplay_wlroots_impl;   /* HAVE_WLROOTS */
extern const struct vdisplay_impl vdisplay_hyprland_impl;  /* HAVE_WLROOTS */
extern const struct vdisplay_impl vdisplay_mutter_impl;	   /* HAVE_PIPEWIRE */
extern const struct vdisplay_impl vdisplay_kwin_impl;	   /* HAVE_KWIN */
extern const struct vdisplay_impl vdisplay_gamescope_impl; /* HAVE_PIPEWIRE */
extern const struct vdisplay_impl vdisplay_none_impl;	   /* outputs that exist only as numbers */
extern const struct vdisplay_impl vdisplay_portal_impl;	   /* HAVE_PIPEWIRE */
extern const struct vdisplay_impl vdisplay_auto_impl; /* the others, as they come and go (auto.c) */

/* The backends of this build but auto, in the order in which it tries them; NULL behind the last. */
const struct vdisplay_impl *vdisplay_at(size_t i);
/* By name; NULL = not in this build. */
const struct vdisplay_impl *vdisplay_find(const char *name);
/* As impl->probe(), checked: an impl without one is unusable, and the note is printable and ends. */
int vdisplay_probe(const struct vdisplay_impl *impl, const struct vdisplay_params *params,
	char note[VDISPLAY_NOTE_LEN]);

/*
 * name: "hyprland", "wlroots", "none"; NULL or "auto" = what runs, else a session of our own; each output is made on the
 * desktop that is the best by then. On failure *why (if given) is one sentence that says what to do, valid until
 * the next call. Errors: PF_E_UNSUPPORTED, PF_E_IO, PF_E_TIMEOUT, PF_E_NOMEM.
 */
int vdisplay_create(struct vdisplay **out, const char *name, const struct vdisplay_params *params,
	const char **why) PF_MUST_CHECK;
void vdisplay_destroy(struct vdisplay *v); /* takes NULL; ends a compositor that it started */
/*
 * For whom the next outputs are made: VDISPLAY_OWNER_LEN bytes, NULL = nobody known. Where programs outlive their
 * output, the same owner's next one has them, and no other owner's.
 */
void vdisplay_set_owner(struct vdisplay *v, const uint8_t *owner);
/*
 * Errors: PF_E_INVALID (mode), PF_E_IO (compositor refused or gone), PF_E_BUSY (a person has to allow it first;
 * again in a moment), PF_E_DENIED (that person said no), and those of vdisplay_create() where a desktop has to be
 * found first.
 */
int vdisplay_add_output(struct vdisplay *v, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out) PF_MUST_CHECK;
/* After a failed vdisplay_add_output(): a sentence for the client, until the next call; NULL = none. */
const char *vdisplay_why_output(const struct vdisplay *v);
/* False: its desktop was lost, and it with it; vdisplay_remove_output() is still due, and does no harm. */
bool vdisplay_has_output(const struct vdisplay *v, const struct vdisplay_output *output);
int vdisplay_set_mode(struct vdisplay *v, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz) PF_MUST_CHECK;
/* For inject's "libei". Returns a descriptor that is the caller's. Errors: PF_E_UNSUPPORTED, PF_E_IO, PF_E_TIMEOUT. */
int vdisplay_open_eis(struct vdisplay *v, const struct vdisplay_output *output) PF_MUST_CHECK;
/* For capture's "pipewire", with node.opened. Errors: as vdisplay_open_eis(). */
int vdisplay_open_node(struct vdisplay *v, const struct vdisplay_output *output) PF_MUST_CHECK;
void vdisplay_remove_output(struct vdisplay *v, struct vdisplay_output *output);
/*
 * An output that nobody looks at for now (shown = false) gives the keyboard's focus to one that somebody does;
 * it stays as it is. One that is looked at again takes it back. New outputs are shown.
 */
void vdisplay_show_output(struct vdisplay *v, const struct vdisplay_output *output, bool shown);
/*
 * From now on each new window of the process pid, and of what descends from it, opens on this output or goes there at
 * once, whatever has the focus; until the output is removed. Does nothing where outputs have no windows. Errors:
 * PF_E_INVALID, PF_E_BUSY (too many), PF_E_IO, PF_E_TIMEOUT.
 */
int vdisplay_claim_windows(
	struct vdisplay *v, const struct vdisplay_output *output, int pid) PF_MUST_CHECK;

#endif
