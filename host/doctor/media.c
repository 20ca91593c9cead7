/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/wire/handshake.h"
#include "host/config/config.h"
#include "host/doctor/doctor.h"
#include "host/encode/offer.h"
#include "host/gpu/probe.h"
#include "host/media/clock.h"
#include "host/vdisplay/detect.h"

/* What makes and carries pictures and sound. */

static void list_codecs(uint8_t codecs, char *text, size_t cap)
{
	snprintf(text, cap, "%s%s%s", codecs & PF_CODEC_H264 ? " H.264" : "",
		codecs & PF_CODEC_HEVC ? " HEVC" : "", codecs & PF_CODEC_AV1 ? " AV1" : "");
}

void doctor_encoders(struct doctor *d)
{
	struct encoder_offer offer;
	char open[32], spare[32];
	if (encoder_offer(&offer, d->config->encoder, d->config->codecs) < 0) {
		doctor_say(d, DOCTOR_BAD,
			"install libx264 (in Debian: libx264-dev) and build again, or give another "
			"--encoder or --codecs",
			"none opens with --encoder %s --codecs %s", d->config->encoder,
			d->config->codecs);
		return;
	}
	list_codecs(offer.codecs, open, sizeof(open));
	list_codecs(offer.spare, spare, sizeof(spare));
	doctor_say(d, DOCTOR_GOOD, NULL, "these open and encode:%s%s%s", open,
		offer.spare ? "; for clients that have none of them:" : "", spare);
}

static void say_gpu(const char *what, bool good, const char *text, void *userdata)
{
	doctor_say(userdata, good ? DOCTOR_GOOD : DOCTOR_NOTE, NULL, "%s: %s", what, text);
}

void doctor_gpu(struct doctor *d)
{
	gpu_probe(say_gpu, d);
}

#if HAVE_PIPEWIRE
/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pipewire/pipewire.h>

#include "host/pipewire/pwconn.h"

#define ANSWER_MS 1500u

struct daemon {
	char version[32];
	bool answered;
};

static void on_info(void *userdata, const struct pw_core_info *info)
{
	struct daemon *p = userdata;
	snprintf(p->version, sizeof(p->version), "%s", info->version ? info->version : "");
	p->answered = true;
}

static const struct pw_core_events core_events = {PW_VERSION_CORE_EVENTS, .info = on_info};

static int ask_daemon(struct daemon *p, const char *remote)
{
	struct pwconn c = {0};
	struct spa_hook hook = {0};
	int err = pwconn_open(&c, true);
	if (err >= 0)
		err = pwconn_connect(&c, remote);
	if (err >= 0) {
		pw_core_add_listener(c.core, &hook, &core_events, p);
		const uint64_t until_ns = clock_now_ns() + ANSWER_MS * UINT64_C(1000000);
		while (!p->answered && clock_now_ns() < until_ns)
			pw_loop_iterate(c.loop, 100);
		err = p->answered ? PF_OK : PF_E_TIMEOUT;
		spa_hook_remove(&hook);
	}
	pwconn_close(&c);
	return err;
}

void doctor_pipewire(struct doctor *d)
{
	struct daemon p = {0};
	char dir[108], why[400], remote[128] = "";
	if (detect_runtime_dir(d->config->session_user, dir, sizeof(dir), why, sizeof(why)) >= 0)
		snprintf(remote, sizeof(remote), "%s/pipewire-0", dir);
	const int err = ask_daemon(&p, remote);
	const bool quiet = !strcmp(d->config->audio, "off");
	if (err >= 0) {
		doctor_say(d, DOCTOR_GOOD, NULL, "version %s answers%s (built with %s)%s",
			p.version, remote[0] ? " for this user" : "", pw_get_headers_version(),
			quiet ? "; no sound, as --audio says" : "; sound goes through it");
		return;
	}
	doctor_say(d, DOCTOR_LACKS,
		err == PF_E_UNSUPPORTED
			? "install the package libpipewire-0.3-modules"
			: "install the packages pipewire and wireplumber and start them in the "
			  "desktop's session: systemctl --user start pipewire wireplumber",
		"%s; without it there is no sound, and no picture of GNOME, KDE, gamescope and the "
		"portal",
		err == PF_E_TIMEOUT		  ? "PipeWire hangs"
			: err == PF_E_UNSUPPORTED ? "PipeWire's own parts cannot be loaded"
						  : "PipeWire does not run for this user");
}
#else
void doctor_pipewire(struct doctor *d)
{
	doctor_say(d, DOCTOR_LACKS, "install libpipewire-0.3-dev and build again",
		"not in this build: no sound, and no picture of GNOME, KDE, gamescope and the "
		"portal");
}
#endif
