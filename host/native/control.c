/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "host/base/log.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/internal.h"

/* Control messages of wire 4.5 and input datagrams of 6.1, from a client whose session exists. */

static void reply(struct native_client *c, const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	pf_check(len > 0);
	if (quic_conn_send(c->conn, c->stream, buf, (size_t)len, false) < 0)
		native_end(c, PF_CLOSE_END, "the client does not read its control stream");
}

static void reconfigure(struct native_client *c, const struct pf_mode *mode)
{
	struct pf_msg m = {.type = PF_MSG_RECONFIGURED};
	struct pf_mode before = session_mode(c->session);
	uint64_t start_ns = clock_now_ns();
	int err = session_set_mode(c->session, mode, &m.reconfigured.mode);
	m.reconfigured.accepted = err >= 0;
	if (err < 0)
		m.reconfigured.mode = session_mode(c->session);
	log_info("native: %s: mode %ux%u at %u Hz %s (%.1f ms)", c->name, mode->width, mode->height,
		mode->refresh_hz, err < 0 ? "refused" : "made",
		(double)(clock_now_ns() - start_ns) / 1e6);
	/* An accepted change begins with a keyframe, also where nothing changed (wire 4.6). */
	if (!memcmp(&before, &m.reconfigured.mode, sizeof(before)) && err >= 0)
		session_request_keyframe(c->session);
	reply(c, &m);
}

static void set_bitrate(struct native_client *c, uint32_t kbps)
{
	struct pf_msg m = {.type = PF_MSG_BITRATE_CHANGED};
	/* 0 is the host's choice, here as in Hello. */
	m.bitrate_changed.kbps = session_set_bitrate(
		c->session, kbps ? kbps : c->native->host->config->bitrate);
	reply(c, &m);
}

static void echo_clock(struct native_client *c, uint64_t t1_ns)
{
	struct pf_msg m = {.type = PF_MSG_CLOCK_ECHO};
	m.clock.t1_ns = t1_ns;
	m.clock.t2_ns = clock_realtime_ns();
	m.clock.t3_ns = clock_realtime_ns();
	reply(c, &m);
}

/* A client holds its reports back until its test is answered; nothing sent means that it was declined. */
static void decline_probe(struct native_client *c)
{
	reply(c, &(struct pf_msg){.type = PF_MSG_PROBE_RESULT});
}

int control_payload(struct native_client *c, const uint8_t *payload, size_t len)
{
	struct pf_msg m;
	int err = pf_msg_read(&m, payload, len);
	if (err == PF_E_UNSUPPORTED)
		return PF_OK; /* wire 4.5: unknown types are ignored */
	if (err < 0)
		return err;
	pf_check(c->session); /* native.c lets nothing typed through before Hello */
	switch (m.type) {
	case PF_MSG_RECONFIGURE:
		reconfigure(c, &m.reconfigure);
		break;
	case PF_MSG_REQUEST_KEYFRAME:
	case PF_MSG_RFI_REQUEST: /* software H.264 keeps one reference: a fresh start is the answer */
		session_request_keyframe(c->session);
		break;
	case PF_MSG_SET_BITRATE:
		set_bitrate(c, m.bitrate_kbps);
		break;
	case PF_MSG_PROBE_REQUEST:
		decline_probe(c);
		break;
	case PF_MSG_CLOCK_PROBE:
		echo_clock(c, m.clock.t1_ns);
		break;
	default:
		break; /* reports, and a host's own messages sent back */
	}
	return PF_OK;
}

void control_datagram(struct native_client *c, const uint8_t *data, size_t len)
{
	struct pf_input event;
	if (pf_input_read(&event, data, len) == PF_OK)
		session_input(c->session, &event);
}
