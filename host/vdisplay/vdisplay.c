/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/vdisplay.h"

#include <stdio.h>
#include <string.h>

#include "core/wire/handshake.h"
#include "core/wire/text.h"
#include "host/vdisplay/undo.h"

#if defined(HAVE_WLROOTS) && HAVE_WLROOTS
#define WLROOTS_BUILT 1
#else
#define WLROOTS_BUILT 0
#endif

/* In the order in which auto tries them. `none` is last and never tried: it shows nobody anything. */
static const struct vdisplay_impl *const impls[] = {
#if HAVE_PIPEWIRE
	&vdisplay_mutter_impl,
#endif
#if HAVE_KWIN
	&vdisplay_kwin_impl, /* before who starts a desktop of their own where none runs */
#endif
#if WLROOTS_BUILT
	&vdisplay_hyprland_impl, /* only one that runs; sway is started where none does */
	&vdisplay_wlroots_impl,
#endif
#if HAVE_PIPEWIRE
	&vdisplay_gamescope_impl,
	&vdisplay_portal_impl,
#endif
	&vdisplay_none_impl,
};

#define N_IMPLS (sizeof(impls) / sizeof(impls[0]))

const struct vdisplay_impl *vdisplay_at(size_t i)
{
	return i < N_IMPLS ? impls[i] : NULL;
}

const struct vdisplay_impl *vdisplay_find(const char *name)
{
	for (size_t i = 0; i < N_IMPLS; i++)
		if (!strcmp(impls[i]->name, name))
			return impls[i];
	return NULL;
}

int vdisplay_probe(const struct vdisplay_impl *impl, const struct vdisplay_params *params,
	char note[VDISPLAY_NOTE_LEN])
{
	char text[VDISPLAY_NOTE_LEN] = "";
	const int found = impl->probe ? impl->probe(params, text) : PF_E_UNSUPPORTED;
	text[sizeof(text) - 1] = 0;
	/* What compositors and buses say of themselves is in it. */
	pf_text_clean(note, VDISPLAY_NOTE_LEN, text, strlen(text));
	return found;
}

static int create_with(struct vdisplay **out, const struct vdisplay_impl *impl,
	const struct vdisplay_params *params, const char **why)
{
	int err = impl->create(out, params);
	if (err < 0) {
		*out = NULL;
		*why = impl->why ? impl->why() : pf_strerror(err);
	}
	return err;
}

static void list_backends(char *text, size_t cap)
{
	size_t at = 0;
	text[0] = 0;
	for (size_t i = 0; i < N_IMPLS && at < cap; i++) {
		const int n = snprintf(text + at, cap - at, "%s%s",
			!i			  ? ""
				: i + 1 < N_IMPLS ? ", "
						  : " and ",
			impls[i]->name);
		at += n > 0 ? (size_t)n : 0;
	}
}

static int undo(const struct undo_record *r)
{
	const struct vdisplay_impl *impl = vdisplay_find(r->kind);
	return impl && impl->undo ? impl->undo(r) : PF_E_UNSUPPORTED;
}

static const char *unless_empty(const char *text)
{
	return text && *text ? text : NULL;
}

int vdisplay_create(struct vdisplay **out, const char *name, const struct vdisplay_params *params,
	const char **why)
{
	struct vdisplay_params p = *params;
	static char unknown[256];
	char known[128];
	const char *unused;
	if (!why)
		why = &unused;
	*out = NULL;
	*why = NULL;
	p.config_dir = unless_empty(p.config_dir);
	p.compositor = unless_empty(p.compositor);
	p.layout = unless_empty(p.layout);
	p.app = unless_empty(p.app);
	p.user = unless_empty(p.user);
	if (!name || strcmp(name, vdisplay_none_impl.name) != 0)
		undo_abandoned(p.user, undo);
	if (!name || !strcmp(name, "auto"))
		return create_with(out, &vdisplay_auto_impl, &p, why);
	const struct vdisplay_impl *impl = vdisplay_find(name);
	if (impl)
		return create_with(out, impl, &p, why);
	list_backends(known, sizeof(known));
	snprintf(unknown, sizeof(unknown), "no display backend '%.40s' in this build; it has %s",
		name, known);
	*why = unknown;
	return PF_E_UNSUPPORTED;
}

void vdisplay_destroy(struct vdisplay *v)
{
	if (v)
		v->impl->destroy(v);
}

static bool mode_is_sane(uint32_t width, uint32_t height, uint32_t refresh_mhz)
{
	const struct pf_mode mode = {width, height, vdisplay_hz(refresh_mhz)};
	return refresh_mhz && pf_mode_valid(&mode);
}

int vdisplay_add_output(struct vdisplay *v, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	memset(out, 0, sizeof(*out));
	if (!mode_is_sane(width, height, refresh_mhz))
		return PF_E_INVALID;
	int err = v->impl->add_output(v, width, height, refresh_mhz, out);
	if (err >= 0 && !out->compositor)
		out->compositor = v->impl->compositor;
	return err;
}

const char *vdisplay_why_output(const struct vdisplay *v)
{
	const char *why = v->impl->why_output ? v->impl->why_output(v)
		: v->impl->why		      ? v->impl->why()
					      : NULL;
	return why && *why ? why : NULL;
}

bool vdisplay_has_output(const struct vdisplay *v, const struct vdisplay_output *output)
{
	return !v->impl->has_output || v->impl->has_output(v, output);
}

int vdisplay_set_mode(struct vdisplay *v, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz)
{
	if (!mode_is_sane(width, height, refresh_mhz))
		return PF_E_INVALID;
	/* A backend may have made another one in its place, which is where the first one was. */
	const uint8_t compositor = output->compositor;
	const uint32_t home = output->home;
	const int err = v->impl->set_mode(v, output, width, height, refresh_mhz);
	output->compositor = compositor;
	output->home = home;
	return err;
}

void vdisplay_set_owner(struct vdisplay *v, const uint8_t *owner)
{
	v->has_owner = owner;
	if (owner)
		memcpy(v->owner, owner, sizeof(v->owner));
}

void vdisplay_show_output(struct vdisplay *v, const struct vdisplay_output *output, bool shown)
{
	if (v->impl->show_output)
		v->impl->show_output(v, output, shown);
}

int vdisplay_claim_windows(struct vdisplay *v, const struct vdisplay_output *output, int pid)
{
	return v->impl->claim_windows ? v->impl->claim_windows(v, output, pid) : PF_OK;
}

int vdisplay_open_eis(struct vdisplay *v, const struct vdisplay_output *output)
{
	return v->impl->open_eis ? v->impl->open_eis(v, output) : PF_E_UNSUPPORTED;
}

int vdisplay_open_node(struct vdisplay *v, const struct vdisplay_output *output)
{
	return v->impl->open_node ? v->impl->open_node(v, output) : PF_E_UNSUPPORTED;
}

void vdisplay_remove_output(struct vdisplay *v, struct vdisplay_output *output)
{
	v->impl->remove_output(v, output);
	memset(output, 0, sizeof(*output));
}
