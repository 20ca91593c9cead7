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
#include <pipewire/extensions/metadata.h>
#include <pipewire/pipewire.h>

#include "host/pipewire/pwconn.h"

#define ANSWER_MS 1500u

struct daemon {
	char version[32];
	bool managed; /* a session manager links what belongs together */
	bool answered;
	int sync_seq;
};

static void on_info(void *userdata, const struct pw_core_info *info)
{
	struct daemon *p = userdata;
	snprintf(p->version, sizeof(p->version), "%s", info->version ? info->version : "");
}

/* Every session manager keeps there what the person likes best; the daemon itself has only its settings. */
static void on_global(void *userdata, uint32_t id, uint32_t permissions, const char *type,
	uint32_t version, const struct spa_dict *props)
{
	struct daemon *p = userdata;
	(void)id, (void)permissions, (void)version;
	const char *name = !strcmp(type, PW_TYPE_INTERFACE_Metadata) && props
		? spa_dict_lookup(props, "metadata.name")
		: NULL;
	p->managed |= name && !strcmp(name, "default");
}

static void on_done(void *userdata, uint32_t id, int seq)
{
	struct daemon *p = userdata;
	p->answered |= id == PW_ID_CORE && seq == p->sync_seq;
}

static const struct pw_registry_events registry_events = {
	PW_VERSION_REGISTRY_EVENTS, .global = on_global};
static const struct pw_core_events core_events = {
	PW_VERSION_CORE_EVENTS, .info = on_info, .done = on_done};

static void list_globals(struct pwconn *c, struct daemon *p)
{
	struct spa_hook hook = {0}, registry_hook = {0};
	struct pw_registry *registry = pw_core_get_registry(c->core, PW_VERSION_REGISTRY, 0);
	pw_core_add_listener(c->core, &hook, &core_events, p);
	if (registry)
		pw_registry_add_listener(registry, &registry_hook, &registry_events, p);
	p->sync_seq = pw_core_sync(c->core, PW_ID_CORE, 0);
	const uint64_t until_ns = clock_now_ns() + ANSWER_MS * UINT64_C(1000000);
	while (!p->answered && clock_now_ns() < until_ns)
		pw_loop_iterate(c->loop, 100);
	spa_hook_remove(&hook);
	if (!registry)
		return;
	spa_hook_remove(&registry_hook);
	pw_proxy_destroy((struct pw_proxy *)registry);
}

static int ask_daemon(struct daemon *p, const char *remote)
{
	struct pwconn c = {0};
	int err = pwconn_open(&c, true);
	if (err >= 0)
		err = pwconn_connect(&c, remote);
	if (err >= 0) {
		list_globals(&c, p);
		err = p->answered ? PF_OK : PF_E_TIMEOUT;
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
	if (err >= 0 && !p.managed) {
		doctor_say(d, DOCTOR_LACKS,
			"install the package wireplumber and start it in the desktop's session: "
			"systemctl --user start wireplumber",
			"version %s answers, but no session manager runs beside it: the portal's "
			"pictures reach nobody, nor do KWin's from PipeWire 1.6 on, nor any "
			"sound",
			p.version);
		return;
	}
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
