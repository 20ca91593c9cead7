/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/pipewire_offer.h"

#include <string.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <spa/buffer/buffer.h>
#include <spa/buffer/meta.h>
#include <spa/param/buffers.h>
#include <spa/param/format-utils.h>
#include <spa/param/video/format-utils.h>

#include "host/capture/capture.h"
#include "host/capture/pipewire_meta.h"

#define MODIFIER_LINEAR	 0ull
#define MODIFIER_INVALID 0x00ffffffffffffffull

/* One set: a kind of memory at a size that is exact or not, and a rate that is, where it is not 0. */
struct set {
	bool gpu, exact_size;
	uint32_t rate_mhz;
};

static void add_modifiers(struct spa_pod_builder *b, const struct pipewire_wish *wish)
{
	struct spa_pod_frame choice;
	bool all = wish->memory == PIPEWIRE_GPU_FIRST;
	uint32_t n = !all				 ? 0
		: wish->n_modifiers > PIPEWIRE_MODIFIERS ? PIPEWIRE_MODIFIERS
							 : wish->n_modifiers;
	spa_pod_builder_prop(b, SPA_FORMAT_VIDEO_modifier,
		SPA_POD_PROP_FLAG_MANDATORY | SPA_POD_PROP_FLAG_DONT_FIXATE);
	spa_pod_builder_push_choice(b, &choice, SPA_CHOICE_Enum, 0);
	/* The first is the default, and stands in the list again. */
	spa_pod_builder_long(b, (int64_t)(n ? wish->modifiers[0] : MODIFIER_LINEAR));
	for (uint32_t i = 0; i < n; i++)
		if (wish->modifiers[i] != MODIFIER_LINEAR && wish->modifiers[i] != MODIFIER_INVALID)
			spa_pod_builder_long(b, (int64_t)wish->modifiers[i]);
	spa_pod_builder_long(b, (int64_t)MODIFIER_LINEAR);
	spa_pod_builder_pop(b, &choice);
}

static void add_mode(
	struct spa_pod_builder *b, const struct pipewire_wish *wish, const struct set *set)
{
	const struct spa_rectangle size = SPA_RECTANGLE(wish->width, wish->height);
	const struct spa_rectangle least = SPA_RECTANGLE(1, 1);
	const struct spa_rectangle most = SPA_RECTANGLE(CAPTURE_MAX_SIZE, CAPTURE_MAX_SIZE);
	const struct spa_fraction rate = SPA_FRACTION(set->rate_mhz, 1000);
	const struct spa_fraction none = SPA_FRACTION(0, 1);
	const struct spa_fraction top = SPA_FRACTION(CAPTURE_MAX_HZ, 1);
	if (set->exact_size)
		spa_pod_builder_add(b, SPA_FORMAT_VIDEO_size, SPA_POD_Rectangle(&size), 0);
	else
		spa_pod_builder_add(b, SPA_FORMAT_VIDEO_size,
			SPA_POD_CHOICE_RANGE_Rectangle(&size, &least, &most), 0);
	/* 0: pictures come when there are any, at most as often as the other one says. */
	spa_pod_builder_add(b, SPA_FORMAT_VIDEO_framerate,
		SPA_POD_CHOICE_RANGE_Fraction(&none, &none, &top), 0);
	if (set->rate_mhz)
		spa_pod_builder_add(b, SPA_FORMAT_VIDEO_maxFramerate, SPA_POD_Fraction(&rate), 0);
	else
		spa_pod_builder_add(b, SPA_FORMAT_VIDEO_maxFramerate,
			SPA_POD_CHOICE_RANGE_Fraction(&top, &none, &top), 0);
}

static const struct spa_pod *add_format(
	struct spa_pod_builder *b, const struct pipewire_wish *wish, const struct set *set)
{
	struct spa_pod_frame object;
	spa_pod_builder_push_object(b, &object, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat);
	spa_pod_builder_add(b, SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_video),
		SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw), SPA_FORMAT_VIDEO_format,
		SPA_POD_CHOICE_ENUM_Id(5, SPA_VIDEO_FORMAT_BGRx, SPA_VIDEO_FORMAT_BGRx,
			SPA_VIDEO_FORMAT_RGBx, SPA_VIDEO_FORMAT_BGRA, SPA_VIDEO_FORMAT_RGBA),
		0);
	if (set->gpu)
		add_modifiers(b, wish);
	add_mode(b, wish, set);
	return spa_pod_builder_pop(b, &object);
}

uint32_t pipewire_offer_formats(const struct pipewire_wish *wish, uint8_t room[PIPEWIRE_POD_ROOM],
	const struct spa_pod *pods[PIPEWIRE_OFFERS])
{
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(room, PIPEWIRE_POD_ROOM);
	uint32_t n = 0;
	bool any = wish->step == PIPEWIRE_ANY;
	/* The consumer's order decides. What is only nearly right comes after every kind of memory. */
	for (unsigned second = 0; second < (wish->step == PIPEWIRE_EXACT ? 1u : 2u); second++) {
		struct set set = {.exact_size = !any || !second};
		if (!any)
			set.rate_mhz = wish->step == PIPEWIRE_RAISED && !second
				? CAPTURE_MAX_HZ * 1000u
				: wish->refresh_mhz;
		set.gpu = wish->memory == PIPEWIRE_GPU_FIRST;
		pods[n++] = add_format(&b, wish, &set);
		if (wish->memory == PIPEWIRE_SHARED)
			continue;
		set.gpu = !set.gpu;
		pods[n++] = add_format(&b, wish, &set);
	}
	for (uint32_t i = 0; i < n; i++)
		pf_check(pods[i]); /* PIPEWIRE_POD_ROOM is enough */
	return n;
}

static const struct spa_pod *add_meta(
	struct spa_pod_builder *b, uint32_t type, size_t size, size_t least, size_t most)
{
	return spa_pod_builder_add_object(b, SPA_TYPE_OBJECT_ParamMeta, SPA_PARAM_Meta,
		SPA_PARAM_META_type, SPA_POD_Id(type), SPA_PARAM_META_size,
		SPA_POD_CHOICE_RANGE_Int((int)size, (int)least, (int)most));
}

uint32_t pipewire_offer_buffers(const struct pipewire_format *format,
	uint8_t room[PIPEWIRE_POD_ROOM], const struct spa_pod *pods[PIPEWIRE_METAS])
{
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(room, PIPEWIRE_POD_ROOM);
	const size_t region = sizeof(struct spa_meta_region);
	const size_t header = sizeof(struct spa_meta_header);
	const size_t turn = sizeof(struct spa_meta_videotransform);
	int types = format->gpu ? 1 << SPA_DATA_DmaBuf : 1 << SPA_DATA_MemFd | 1 << SPA_DATA_MemPtr;
	uint32_t n = 0;
	pods[n++] = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_ParamBuffers, SPA_PARAM_Buffers,
		SPA_PARAM_BUFFERS_buffers,
		SPA_POD_CHOICE_RANGE_Int(PIPEWIRE_BUFFERS, 1, PIPEWIRE_MAX_BUFFERS),
		SPA_PARAM_BUFFERS_dataType, SPA_POD_CHOICE_FLAGS_Int(types));
	pods[n++] = add_meta(&b, SPA_META_Header, header, header, header);
	pods[n++] = add_meta(&b, SPA_META_VideoDamage, region * PIPEWIRE_MAX_REGIONS, region,
		region * PIPEWIRE_MAX_REGIONS);
	pods[n++] = add_meta(&b, SPA_META_VideoCrop, region, region, region);
	pods[n++] = add_meta(&b, SPA_META_VideoTransform, turn, turn, turn);
	pods[n++] = add_meta(&b, SPA_META_Cursor, pipewire_meta_cursor_size(PIPEWIRE_CURSOR_SIDE),
		pipewire_meta_cursor_size(1), pipewire_meta_cursor_size(CURSOR_MAX_SIDE));
	for (uint32_t i = 0; i < n; i++)
		pf_check(pods[i]);
	return n;
}

static int parse_pixels(uint32_t format, struct pipewire_format *out)
{
	out->alpha = format == SPA_VIDEO_FORMAT_BGRA || format == SPA_VIDEO_FORMAT_RGBA;
	switch (format) {
	case SPA_VIDEO_FORMAT_BGRx:
	case SPA_VIDEO_FORMAT_BGRA:
		out->format = FRAME_BGRX;
		return PF_OK;
	case SPA_VIDEO_FORMAT_RGBx:
	case SPA_VIDEO_FORMAT_RGBA:
		out->format = FRAME_RGBX;
		return PF_OK;
	default:
		return PF_E_UNSUPPORTED;
	}
}

int pipewire_offer_parse(const struct spa_pod *pod, struct pipewire_format *out)
{
	struct spa_video_info_raw info = {0};
	uint32_t type, subtype;
	memset(out, 0, sizeof(*out));
	if (spa_format_parse(pod, &type, &subtype) < 0 || type != SPA_MEDIA_TYPE_video ||
		subtype != SPA_MEDIA_SUBTYPE_raw || spa_format_video_raw_parse(pod, &info) < 0)
		return PF_E_INVALID;
	if (!info.size.width || info.size.width > CAPTURE_MAX_SIZE || !info.size.height ||
		info.size.height > CAPTURE_MAX_SIZE)
		return PF_E_INVALID;
	out->width = info.size.width;
	out->height = info.size.height;
	const struct spa_pod_prop *modifier = spa_pod_find_prop(
		pod, NULL, SPA_FORMAT_VIDEO_modifier);
	if (modifier) {
		out->gpu = true;
		out->open = modifier->flags & SPA_POD_PROP_FLAG_DONT_FIXATE;
		out->modifier = (uint64_t)info.modifier;
		if (!out->open && out->modifier == MODIFIER_INVALID)
			return PF_E_UNSUPPORTED;
	}
	return parse_pixels(info.format, out);
}

static uint32_t fourcc(char a, char b, char c, char d)
{
	return (uint32_t)a | (uint32_t)b << 8 | (uint32_t)c << 16 | (uint32_t)d << 24;
}

uint32_t pipewire_offer_fourcc(const struct pipewire_format *f)
{
	if (f->format == FRAME_BGRX)
		return f->alpha ? fourcc('A', 'R', '2', '4') : fourcc('X', 'R', '2', '4');
	return f->alpha ? fourcc('A', 'B', '2', '4') : fourcc('X', 'B', '2', '4');
}
