/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_PAIR_H
#define CLIENT_PAIR_H

/* The command `pair`: makes this client and a host know each other, with the PIN that the host shows. */
int pair_command(int argc, char **argv);

#endif
