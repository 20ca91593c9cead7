/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * What a program outside this tree does: it includes only the installed header, links only the installed
 * library, and goes once through a life with a real host. C99 and C++11 without anything else.
 *
 *     round_trip PORT PIN
 */
#include <punktfunk_core.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST	"127.0.0.1"
#define WAIT_MS 5000u

static char cert[PUNKTFUNK_PEM_MAX], key[PUNKTFUNK_PEM_MAX], message[256];

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "round_trip: %s failed; the library said: %s\n", what, message);
	exit(1);
}

static void pair(unsigned short port, const char *pin, uint8_t *fingerprint)
{
	struct punktfunk_pair_opts o;
	uint8_t seen[32];
	uint64_t rtt_ns = 0;
	must(punktfunk_probe(HOST, port, WAIT_MS, seen, &rtt_ns, message, sizeof(message)) == 0,
		"looking who is there");
	must(rtt_ns > 0, "measuring the way");
	punktfunk_pair_opts_init(&o);
	o.host = HOST;
	o.port = port;
	o.cert_pem = cert;
	o.key_pem = key;
	o.name = "round trip";
	o.pin = pin;
	o.timeout_ms = WAIT_MS;
	must(punktfunk_pair(&o, fingerprint, message, sizeof(message)) == 0, "pairing");
	must(memcmp(seen, fingerprint, 32) == 0, "being paired with the host that was seen");
	/* The PIN is used up. */
	must(punktfunk_pair(&o, seen, message, sizeof(message)) < 0, "refusing a used PIN");
}

static void take_frames(struct punktfunk_connection *c, int n, int first)
{
	int i;
	for (i = 0; i < n; i++) {
		struct punktfunk_frame f;
		memset(&f, 0, sizeof(f));
		f.size = sizeof(f);
		must(punktfunk_connection_next_au(c, &f, WAIT_MS) == 0, "receiving a frame");
		must(f.len > 0 && f.data != NULL, "a frame with content");
		must(!first || i > 0 || (f.flags & PUNKTFUNK_FRAME_KEYFRAME),
			"beginning with a keyframe");
	}
}

static void send_input(struct punktfunk_connection *c)
{
	struct punktfunk_input_event e;
	memset(&e, 0, sizeof(e));
	e.kind = PUNKTFUNK_INPUT_KEY_DOWN;
	e.code = 0x41;
	must(punktfunk_connection_send_input(c, &e) == 0, "pressing a key");
	e.kind = PUNKTFUNK_INPUT_KEY_UP;
	must(punktfunk_connection_send_input(c, &e) == 0, "releasing a key");
	e.kind = PUNKTFUNK_INPUT_MOUSE_REL;
	e.x = 5;
	must(punktfunk_connection_send_input(c, &e) == 0, "moving the pointer");
	e.kind = 200;
	must(punktfunk_connection_send_input(c, &e) == PUNKTFUNK_E_INVALID, "refusing nonsense");
}

static void change_mode(struct punktfunk_connection *c)
{
	struct punktfunk_mode m;
	int i;
	must(punktfunk_connection_request_mode(c, 320, 240, 60) == 0, "asking for a mode");
	for (i = 0; i < 600 && punktfunk_connection_mode_result(c) == 0; i++)
		take_frames(c, 1, 0);
	must(punktfunk_connection_mode_result(c) == 1, "getting the mode");
	must(punktfunk_connection_mode(c, &m) == 0 && m.width == 320, "knowing the mode");
	take_frames(c, 5, 0);
}

static void read_statistics(struct punktfunk_connection *c)
{
	struct punktfunk_stats s;
	struct punktfunk_color_info color;
	memset(&s, 0, sizeof(s));
	s.size = sizeof(s);
	must(punktfunk_connection_get_stats(c, &s) == 0, "reading the statistics");
	must(s.frames_delivered >= 20 && s.packets_received > 0, "counting");
	must(s.keyframes_requested >= 1, "counting what was asked for");
	memset(&color, 0, sizeof(color));
	color.size = sizeof(color);
	must(punktfunk_connection_color_info(c, &color) == 0 && color.bit_depth == 8,
		"knowing the colours");
	must(punktfunk_connection_grants(c) != 0, "having grants");
	must(punktfunk_connection_access_expires_in(c) == 0xFFFFFFFFu, "staying paired");
	must(punktfunk_connection_end_reason(c) == PUNKTFUNK_END_NONE, "being alive");
}

int main(int argc, char **argv)
{
	struct punktfunk_connect_opts o;
	struct punktfunk_connection *c = NULL;
	uint8_t pin[32], got[32];
	unsigned short port;
	if (argc != 3) {
		fprintf(stderr, "usage: round_trip PORT PIN\n");
		return 2;
	}
	port = (unsigned short)atoi(argv[1]);
	must(punktfunk_abi_version() == PUNKTFUNK_ABI_VERSION, "comparing the ABI");
	must(punktfunk_generate_identity(cert, sizeof(cert), key, sizeof(key)) == 0,
		"making an identity");
	pair(port, argv[2], pin);

	punktfunk_connect_opts_init(&o);
	o.host = HOST;
	o.port = port;
	o.mode.width = 640;
	o.mode.height = 480;
	o.mode.refresh_hz = 60;
	o.pin = pin;
	o.name = "round trip";
	o.timeout_ms = WAIT_MS;
	must(punktfunk_connect_opts(&c, &o, message, sizeof(message)) < 0,
		"being refused without the identity");
	must(message[0] != 0, "saying why");
	o.cert_pem = cert;
	o.key_pem = key;
	must(punktfunk_connect_opts(&c, &o, message, sizeof(message)) == 0, "connecting");
	must(punktfunk_connection_fingerprint(c, got) == 0 && memcmp(got, pin, 32) == 0,
		"finding the same host");
	take_frames(c, 10, 1);
	send_input(c);
	must(punktfunk_connection_request_keyframe(c) == 0, "asking for a keyframe");
	take_frames(c, 10, 0);
	change_mode(c);
	read_statistics(c);
	punktfunk_connection_disconnect_quit(c);
	punktfunk_connection_close(c);
	printf("round_trip: all of it worked\n");
	return 0;
}
