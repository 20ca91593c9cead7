/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/http_get.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#define WAIT_S	  8
#define REPLY_MAX (1u << 20)

int http_get_connect(const struct http_get *g)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval wait = {.tv_sec = g->wait_s ? g->wait_s : WAIT_S};
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)g->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if ((g->to && inet_pton(AF_INET, g->to, &to.sin_addr) != 1) ||
		(g->from && inet_pton(AF_INET, g->from, &from.sin_addr) != 1) ||
		(g->from && bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0)) {
		close(fd);
		return -1;
	}
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

struct link {
	int fd;
	gnutls_session_t tls;
	gnutls_certificate_credentials_t credentials;
};

static int open_tls(struct link *l, const struct http_get *g)
{
	gnutls_certificate_allocate_credentials(&l->credentials);
	if (g->cert) {
		const gnutls_datum_t cert = {(unsigned char *)(uintptr_t)g->cert,
					     (unsigned)strlen(g->cert)},
				     key = {(unsigned char *)(uintptr_t)g->key,
					     (unsigned)strlen(g->key)};
		if (gnutls_certificate_set_x509_key_mem(
			    l->credentials, &cert, &key, GNUTLS_X509_FMT_PEM) < 0)
			return -1;
	}
	/* A certificate is shown whatever authorities the server names, as Moonlight does. */
	gnutls_init(&l->tls, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT | GNUTLS_NO_SIGNAL);
	gnutls_priority_set_direct(l->tls, g->priorities ? g->priorities : "NORMAL:%COMPAT", NULL);
	gnutls_credentials_set(l->tls, GNUTLS_CRD_CERTIFICATE, l->credentials);
	gnutls_transport_set_int(l->tls, l->fd);
	gnutls_handshake_set_timeout(l->tls, WAIT_S * 1000);
	int err;
	do
		err = gnutls_handshake(l->tls);
	while (err < 0 && !gnutls_error_is_fatal(err));
	return err;
}

static void close_link(struct link *l)
{
	if (l->tls)
		gnutls_deinit(l->tls);
	if (l->credentials)
		gnutls_certificate_free_credentials(l->credentials);
	close(l->fd);
}

static ssize_t put(struct link *l, const char *data, size_t len)
{
	return l->tls ? gnutls_record_send(l->tls, data, len)
		      : send(l->fd, data, len, MSG_NOSIGNAL);
}

static ssize_t get(struct link *l, char *data, size_t len)
{
	ssize_t n;
	if (!l->tls)
		return recv(l->fd, data, len, 0);
	do
		n = gnutls_record_recv(l->tls, data, len);
	while (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN);
	return n == GNUTLS_E_PREMATURE_TERMINATION ? 0 : n;
}

static int parse(char *reply, size_t n, char *body, size_t cap, size_t *len)
{
	int status = 0;
	reply[n] = '\0';
	const char *at = strstr(reply, "\r\n\r\n");
	if (!at || sscanf(reply, "HTTP/1.%*d %d", &status) != 1)
		return 0;
	at += 4;
	n -= (size_t)(at - reply);
	if (n >= cap)
		n = cap - 1;
	memcpy(body, at, n);
	body[n] = '\0';
	if (len)
		*len = n;
	return status;
}

int http_send(const struct http_get *g, const char *request, size_t request_len, char *body,
	size_t cap, size_t *len)
{
	struct link l = {.fd = http_get_connect(g)};
	char *reply = malloc(REPLY_MAX + 1);
	size_t n = 0, sent = 0;
	ssize_t got = -1;
	int status = -1;
	body[0] = '\0';
	if (l.fd < 0 || !reply || (g->tls && open_tls(&l, g) < 0))
		goto done;
	while (sent < request_len) {
		ssize_t part = put(&l, request + sent, request_len - sent);
		if (part <= 0)
			break;
		sent += (size_t)part;
	}
	while (n < REPLY_MAX && (got = get(&l, reply + n, REPLY_MAX - n)) > 0)
		n += (size_t)got;
	if (got == 0 || n)
		status = parse(reply, n, body, cap, len);
done:
	free(reply);
	if (l.fd >= 0)
		close_link(&l);
	return status;
}

int http_get(const struct http_get *g, const char *path, char *body, size_t cap, size_t *len)
{
	size_t max = strlen(path) + 64;
	char *request = malloc(max);
	int n = snprintf(request, max, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
	int status = http_send(g, request, (size_t)n, body, cap, len);
	free(request);
	return status;
}
