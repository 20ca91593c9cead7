/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/launch_args.h"

#include <stdio.h>
#include <string.h>

#include "host/gamestream/hex.h"

#define NUMBER_MAX_DIGITS 11u
#define PADS_ALL	  0xffff

int launch_args_number(long long *out, const char *text, long long min, long long max)
{
	bool minus = text && *text == '-';
	long long v = 0;
	size_t n = 0;
	if (!text)
		return PF_E_BAD_PACKET;
	for (text += minus; text[n]; n++) {
		if (text[n] < '0' || text[n] > '9' || n == NUMBER_MAX_DIGITS)
			return PF_E_BAD_PACKET;
		v = v * 10 + (text[n] - '0');
	}
	v = minus ? -v : v;
	if (!n || v < min || v > max)
		return PF_E_BAD_PACKET;
	*out = v;
	return PF_OK;
}

/* "1920x1080x60" */
static int read_mode(struct pf_mode *out, const char *text)
{
	char copy[32];
	long long v[3];
	if (!text || strlen(text) >= sizeof(copy))
		return PF_E_BAD_PACKET;
	memcpy(copy, text, strlen(text) + 1);
	char *at = copy;
	for (int i = 0; i < 3; i++) {
		char *stop = i < 2 ? strchr(at, 'x') : NULL;
		if (i < 2 && !stop)
			return PF_E_BAD_PACKET;
		if (stop)
			*stop = '\0';
		if (launch_args_number(&v[i], at, 1, UINT16_MAX) < 0)
			return PF_E_BAD_PACKET;
		at = stop ? stop + 1 : at;
	}
	*out = (struct pf_mode){(uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2]};
	return pf_mode_valid(out) ? PF_OK : PF_E_BAD_PACKET;
}

/* Clients differ in what they leave out: what is absent or odd is 0. */
static long long number(
	launch_arg arg, const void *source, const char *name, long long min, long long max)
{
	long long v = 0;
	return launch_args_number(&v, arg(source, name), min, max) < 0 ? 0 : v;
}

/* (channel mask << 16) + count */
static void read_surround(struct launch_request *out, uint32_t info)
{
	uint32_t channels = info & 0xffff;
	if (channels != 6 && channels != 8)
		info = LAUNCH_AUDIO_STEREO;
	out->channels = (uint8_t)(info & 0xffff);
	out->surround_mask = info >> 16;
}

int launch_args_read(
	struct launch_request *out, launch_arg arg, const void *source, char *why, size_t why_len)
{
	const char *bad = NULL;
	long long iv = 0;
	memset(out, 0, sizeof(*out));
	if (read_mode(&out->mode, arg(source, "mode")) < 0)
		bad = "mode";
	else if (hex_read_exact(out->rikey, sizeof(out->rikey), arg(source, "rikey")) < 0)
		bad = "rikey";
	else if (launch_args_number(&iv, arg(source, "rikeyid"), INT32_MIN, UINT32_MAX) < 0)
		bad = "rikeyid";
	if (bad) {
		snprintf(why, why_len,
			"The client's argument %s is missing or makes no sense: update Moonlight.",
			bad);
		return PF_E_BAD_PACKET;
	}
	out->rikeyid = (uint32_t)iv;
	out->sops = number(arg, source, "sops", 0, 1);
	out->hdr = number(arg, source, "hdrMode", 0, 1);
	out->local_audio = number(arg, source, "localAudioPlayMode", 0, 1);
	out->corever = (uint32_t)number(arg, source, "corever", 0, 1000);
	out->pads = (uint32_t)number(arg, source, "gcmap", 0, PADS_ALL);
	if (!out->pads)
		out->pads = (uint32_t)number(arg, source, "remoteControllersBitmap", 0, PADS_ALL);
	out->keep_pads = number(arg, source, "gcpersist", 0, 1);
	read_surround(out, (uint32_t)number(arg, source, "surroundAudioInfo", 0, UINT32_MAX));
	return PF_OK;
}
