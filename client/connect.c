/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/trust.h"

_Static_assert(CONNECT_MESSAGE_MAX == TRUST_MESSAGE_MAX, "one message buffer serves both");

static int exit_code_of(int status)
{
	if (status == PUNKTFUNK_E_PIN)
		return EXIT_TRUST;
	return status <= PUNKTFUNK_E_NOT_ARMED ? EXIT_REFUSED : EXIT_CONNECT;
}

/* The sentence for a host whose certificate is not the one that --pin names. */
static void explain_pin(const struct options *o, char message[CONNECT_MESSAGE_MAX])
{
	char hex[TRUST_HEX_MAX];
	trust_hex(o->pin.sha256, hex);
	snprintf(message, CONNECT_MESSAGE_MAX,
		"The certificate of %s port %u is not the one that --pin names (%s), so somebody "
		"may be "
		"in between; compare with the fingerprint that the host shows.",
		o->connect.host, o->connect.port, hex);
}

/* The library's own words are kept; without any, a phrase and advice. */
static void explain(const struct options *o, int status, char message[CONNECT_MESSAGE_MAX])
{
	if (message[0])
		return;
	const char *advice = exit_code_of(status) == EXIT_REFUSED
		? "look at the host's messages"
		: "check its name, that punktfunk-host runs there and that UDP gets through";
	snprintf(message, CONNECT_MESSAGE_MAX, "No connection to %s port %u (%s); %s.",
		o->connect.host, o->connect.port, punktfunk_strerror(status), advice);
}

static int open_connection(struct punktfunk_connection **out, const struct options *o,
	const uint8_t *pin, char message[CONNECT_MESSAGE_MAX])
{
	struct punktfunk_connect_opts opts;
	char name[ARGS_NAME_MAX + 1] = "";
	punktfunk_connect_opts_init(&opts);
	if (gethostname(name, sizeof(name) - 1) != 0)
		name[0] = '\0';
	opts.host = o->connect.host;
	opts.port = o->connect.port;
	opts.mode = o->mode;
	opts.pin = pin;
	opts.bitrate_kbps = o->bitrate;
	opts.codecs = PUNKTFUNK_CODEC_H264;
	opts.name = o->name ? o->name : name[0] ? name : NULL;
	opts.drop_percent = o->drop;
	opts.drop_seed = 1;
	message[0] = '\0';
	int err = punktfunk_connect_opts(out, &opts, message, CONNECT_MESSAGE_MAX);
	message[CONNECT_MESSAGE_MAX - 1] = '\0';
	return err;
}

/* A host that was met for the first time is noted; one that is known got its pin before. */
static int remember(struct punktfunk_connection *c, const struct options *o, const char *path,
	const uint8_t fingerprint[32], char message[CONNECT_MESSAGE_MAX])
{
	int err = trust_remember(path, o->connect.host, o->connect.port, fingerprint, message);
	if (!err) {
		char hex[TRUST_HEX_MAX];
		trust_hex(fingerprint, hex);
		snprintf(message, CONNECT_MESSAGE_MAX,
			"First meeting with %s port %u: its certificate %s is trusted from now on "
			"(noted "
			"in %s).",
			o->connect.host, o->connect.port, hex, path);
		return EXIT_FINE;
	}
	if (!message[0])
		snprintf(message, CONNECT_MESSAGE_MAX,
			"The host's certificate could not be noted in %s; use --pin.", path);
	punktfunk_connection_disconnect_quit(c);
	return err == PUNKTFUNK_E_IO || err == PUNKTFUNK_E_NOMEM ? EXIT_OUTPUT : EXIT_TRUST;
}

static int connect_with(struct punktfunk_connection **out, const struct options *o,
	const char *path, uint8_t fingerprint[32], char message[CONNECT_MESSAGE_MAX])
{
	uint8_t known[32];
	int found = TRUST_UNKNOWN;
	if (path)
		found = trust_lookup(path, o->connect.host, o->connect.port, known, message);
	if (found < 0)
		return EXIT_TRUST;
	const uint8_t *pin = o->pin.given ? o->pin.sha256 : found == TRUST_KNOWN ? known : NULL;
	struct punktfunk_connection *c = NULL;
	int err = open_connection(&c, o, pin, message);
	if (err == PUNKTFUNK_E_PIN && o->pin.given)
		explain_pin(o, message);
	else if (err == PUNKTFUNK_E_PIN && path)
		trust_explain_mismatch(path, o->connect.host, o->connect.port, message);
	else if (err)
		explain(o, err, message);
	if (err)
		return exit_code_of(err);
	int code = EXIT_FINE;
	message[0] = '\0';
	if (punktfunk_connection_codec(c) != PUNKTFUNK_CODEC_H264) {
		snprintf(message, CONNECT_MESSAGE_MAX,
			"The host chose a codec that this client cannot decode; set it to H.264.");
		code = EXIT_CONNECT;
	} else if (punktfunk_connection_fingerprint(c, fingerprint) != PUNKTFUNK_OK) {
		snprintf(message, CONNECT_MESSAGE_MAX,
			"The host's fingerprint cannot be read; update punktfunk and connect "
			"again.");
		code = EXIT_TRUST;
	} else if (!pin) {
		code = remember(c, o, path, fingerprint, message);
	}
	if (code)
		punktfunk_connection_close(c);
	else
		*out = c;
	return code;
}

int connect_host(struct punktfunk_connection **out, const struct options *o,
	uint8_t fingerprint[32], char message[CONNECT_MESSAGE_MAX])
{
	message[0] = '\0';
	if (punktfunk_abi_version() != PUNKTFUNK_ABI_VERSION) {
		snprintf(message, CONNECT_MESSAGE_MAX,
			"The library punktfunk_core has interface %u and this client wants %u; "
			"install "
			"both from one version.",
			punktfunk_abi_version(), PUNKTFUNK_ABI_VERSION);
		return EXIT_CONNECT;
	}
	char *path = NULL;
	if (!o->pin.given) {
		path = trust_path();
		if (!path) {
			snprintf(message, CONNECT_MESSAGE_MAX,
				"Neither HOME nor XDG_CONFIG_HOME says where known_hosts is; set "
				"one or "
				"use --pin.");
			return EXIT_TRUST;
		}
	}
	int code = connect_with(out, o, path, fingerprint, message);
	free(path);
	return code;
}
