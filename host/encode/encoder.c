/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/encoder.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "host/base/log.h"
#include "host/gpu/dmabuf.h"

/* In order of preference for "auto". */
static const struct encoder_impl *const impls[] = {
#if defined(HAVE_AVCODEC) && HAVE_AVCODEC
	&encoder_nvenc_impl,
	&encoder_vaapi_impl,
#endif
#if defined(HAVE_X264) && HAVE_X264
	&encoder_x264_impl,
#endif
#if defined(HAVE_AVCODEC) && HAVE_AVCODEC
	&encoder_avcodec_impl,
#endif
	&encoder_null_impl,
};

/* [0] is a test's. */
#define N_IMPLS (sizeof(impls) / sizeof(impls[0]) + 1)

static const struct encoder_impl *stand_in;
static _Atomic bool retired[N_IMPLS];

static const struct encoder_impl *impl_at(size_t i)
{
	return i ? impls[i - 1] : stand_in;
}

static bool is_auto(const char *name)
{
	return !name || !strcmp(name, "auto");
}

/* What broke is followed by whatever there is: the name said what to prefer, not to go without. */
static bool names_retired(const char *name)
{
	for (size_t i = 0; i < N_IMPLS; i++)
		if (impl_at(i) && !strcmp(name, impl_at(i)->name))
			return atomic_load(&retired[i]);
	return false;
}

static bool matches(const char *name, size_t i)
{
	const struct encoder_impl *impl = impl_at(i);
	if (!impl || atomic_load(&retired[i]))
		return false;
	if (is_auto(name) || names_retired(name))
		return impl != &encoder_null_impl; /* it is never picked by itself */
	return !strcmp(name, impl->name);
}

static uint8_t codecs_of(const struct encoder_impl *impl)
{
	return impl->available ? impl->available() & impl->codecs : impl->codecs;
}

static const struct encoder_impl *find_impl(const char *name, uint8_t codec)
{
	for (size_t i = 0; i < N_IMPLS; i++)
		if (matches(name, i) && (codecs_of(impl_at(i)) & codec))
			return impl_at(i);
	return NULL;
}

void encoder_stand_in(const struct encoder_impl *impl)
{
	stand_in = impl;
	atomic_store(&retired[0], false);
}

void encoder_retire(const struct encoder *e, int err)
{
	size_t i = 0;
	while (i < N_IMPLS && impl_at(i) != e->impl)
		i++;
	pf_check(i < N_IMPLS && e->impl->hardware);
	if (!atomic_exchange(&retired[i], true))
		log_warn("encoder: %s broke down while it encoded (%s); other encoders take its "
			 "place until the host starts again. See the kernel's log for the GPU's "
			 "driver",
			e->impl->name, pf_strerror(err));
}

bool encoder_known(const char *name)
{
	static const char *const names[] = {"auto", "x264", "avcodec", "vaapi", "nvenc", "null"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

uint8_t encoder_codecs(const char *name)
{
	uint8_t codecs = 0;
	for (size_t i = 0; i < N_IMPLS; i++)
		if (matches(name, i))
			codecs |= codecs_of(impl_at(i));
	return codecs;
}

uint8_t encoder_costly(const char *name)
{
	uint8_t costly = 0;
	for (unsigned bit = 0; bit < 8; bit++) {
		const struct encoder_impl *impl = find_impl(name, (uint8_t)(1u << bit));
		if (impl)
			costly |= impl->costly & (1u << bit);
	}
	return costly;
}

void encoder_colour(const char *name, uint8_t codec, uint8_t out[static 4])
{
	static const uint8_t unspecified[4] = {2, 2, 2, 0};
	const struct encoder_impl *impl = find_impl(name, codec);
	memcpy(out, impl ? impl->colour : unspecified, 4);
}

const struct gpu_display *encoder_importer(const char *name)
{
	const struct gpu_display *importer = NULL;
	uint8_t codecs = encoder_codecs(name);
	for (unsigned bit = 0; bit < 8; bit++) {
		if (!(codecs & 1u << bit))
			continue;
		const struct encoder_impl *impl = find_impl(name, (uint8_t)(1u << bit));
		const struct gpu_display *d = impl->importer ? impl->importer() : NULL;
		if (!d || (importer && importer != d))
			return NULL; /* which codec it will be is said later */
		importer = d;
	}
	return importer;
}

static uint32_t clamp_kbps(uint32_t kbps)
{
	if (kbps < ENCODER_MIN_KBPS)
		return ENCODER_MIN_KBPS;
	return kbps < ENCODER_MAX_KBPS ? kbps : ENCODER_MAX_KBPS;
}

static bool params_are_sane(const struct encoder_params *p)
{
	return p->width >= ENCODER_MIN_SIZE && p->width <= ENCODER_MAX_SIZE &&
		p->height >= ENCODER_MIN_SIZE && p->height <= ENCODER_MAX_SIZE && p->refresh_hz &&
		p->refresh_hz <= ENCODER_MAX_HZ && p->threads <= ENCODER_MAX_THREADS && p->codec &&
		!(p->codec & (p->codec - 1));
}

/* Encoders in hardware open only so often, and not at every size: then the next one is as good. */
static int create_first(struct encoder **out, const char *name, const struct encoder_params *params)
{
	int err = PF_E_UNSUPPORTED;
	for (size_t i = 0; i < N_IMPLS; i++) {
		if (!matches(name, i) || !(codecs_of(impl_at(i)) & params->codec))
			continue;
		err = impl_at(i)->create(out, params);
		if (err >= 0)
			return err;
		log_debug("encoder: %s does not open: %s", impl_at(i)->name, pf_strerror(err));
	}
	*out = NULL;
	return err;
}

int encoder_create(struct encoder **out, const char *name, const struct encoder_params *params)
{
	*out = NULL;
	if (!params_are_sane(params)) {
		log_error("encoder: %ux%u at %u Hz with %u threads is out of range; take %u to %u "
			  "pixels a side, 1 to %u Hz and at most %u threads",
			params->width, params->height, params->refresh_hz, params->threads,
			ENCODER_MIN_SIZE, ENCODER_MAX_SIZE, ENCODER_MAX_HZ, ENCODER_MAX_THREADS);
		return PF_E_INVALID;
	}
	bool one_codec = params->codec && !(params->codec & (params->codec - 1));
	if (!one_codec)
		return PF_E_INVALID;
	const struct encoder_impl *impl = find_impl(name, params->codec);
	if (!impl) {
		log_error("encoder: '%s' with codec %#x is not in this build; "
			  "the codecs that it can make are %#x",
			is_auto(name) ? "auto" : name, params->codec, encoder_codecs(name));
		return PF_E_UNSUPPORTED;
	}
	struct encoder_params checked = *params;
	checked.bitrate_kbps = clamp_kbps(params->bitrate_kbps);
	if (checked.slices > ENCODER_MAX_SLICES)
		checked.slices = ENCODER_MAX_SLICES;
	return create_first(out, name, &checked);
}

void encoder_destroy(struct encoder *e)
{
	if (e)
		e->impl->destroy(e);
}

static bool frame_is_sane(const struct encoder *e, const struct frame *f)
{
	if (f->width != e->params.width || f->height != e->params.height)
		return false;
	if (!f->pixels)
		return e->caps.dmabuf;
	return f->stride >= (size_t)f->width * 4 && f->stride <= INT_MAX;
}

int encoder_encode(struct encoder *e, struct frame *frame, bool force_keyframe, struct unit *unit)
{
	int err = frame_is_sane(e, frame) ? PF_OK : PF_E_INVALID;
	if (err >= 0 && !frame->pixels)
		err = dmabuf_wait(frame);
	if (err < 0)
		return err;
	unit->len = 0;
	unit->number = e->next_number++;
	err = e->impl->encode(e, frame, force_keyframe, unit);
	if (err == PF_E_INVALID || err == PF_E_UNSUPPORTED) {
		e->next_number--; /* nothing came of it: the encoder has not seen the picture */
		unit->len = 0;
		return err;
	}
	if (err < 0) {
		unit->len = 0;
		e->usable = 0;
		return err;
	}
	e->usable = unit->keyframe ? 1 : e->usable << 1 | 1;
	unit->anchor = e->anchor_due && !unit->keyframe;
	e->anchor_due = false;
	return err;
}

int encoder_invalidate(struct encoder *e, uint64_t number)
{
	if (number >= e->next_number)
		return PF_OK;
	uint64_t age = e->next_number - number;
	uint64_t reach = (UINT64_C(1) << e->caps.depth) - 1;
	uint64_t left = age < 64 ? e->usable & reach & ~((UINT64_C(1) << age) - 1) : 0;
	if (!left)
		return PF_E_UNSUPPORTED;
	int err = e->impl->invalidate ? e->impl->invalidate(e, number) : PF_OK;
	if (err < 0)
		return err;
	e->usable = left;
	e->anchor_due = true;
	return PF_OK;
}

unsigned encoder_depth(uint32_t refresh_hz)
{
	/* The unit before the lost one is one more. */
	uint32_t depth = (refresh_hz * ENCODER_DEPTH_MS + 999) / 1000 + 1;
	return depth < ENCODER_MAX_DEPTH ? depth : ENCODER_MAX_DEPTH;
}

int encoder_set_bitrate(struct encoder *e, uint32_t kbps)
{
	kbps = clamp_kbps(kbps);
	if (kbps == e->params.bitrate_kbps)
		return 0;
	if (!e->impl->set_bitrate)
		return PF_E_UNSUPPORTED;
	int err = e->impl->set_bitrate(e, kbps);
	if (err >= 0)
		e->params.bitrate_kbps = kbps;
	return err;
}
