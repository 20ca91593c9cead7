/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include <stdint.h>

#include "core/base/error.h"
#include "net/udp.h"

/*
 * A listening socket, non-blocking and close-on-exec. bind_host: a numeric address; NULL = any, IPv4 and IPv6 in
 * one socket (or IPv4 alone where the machine has no IPv6). Returns the descriptor. Errors: PF_E_BUSY (the port
 * is taken), PF_E_INVALID (no such address here), PF_E_IO.
 */
int tcp_listen(const char *bind_host, uint16_t port) PF_MUST_CHECK;

/*
 * Takes one connection: non-blocking, close-on-exec, without delay; *from as udp_addr_unmap() leaves it. Returns
 * the descriptor. Errors: PF_E_AGAIN (there is none), PF_E_IO.
 */
int tcp_accept(int fd, union udp_addr *from) PF_MUST_CHECK;

#endif
