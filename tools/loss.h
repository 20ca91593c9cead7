/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TOOLS_LOSS_H
#define TOOLS_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What becomes of frames on a link that loses packets: one cell of the sweep, and its picture. */

enum loss_kind { LOSS_RANDOM, LOSS_BURSTY, LOSS_KINDS };

/* In bursts whole runs of packets go, this many on average: a queue that overflows, a radio that fades. */
#define LOSS_BURST_PACKETS 8u

struct loss_cell {
	unsigned scheme; /* enum pf_fec_scheme */
	enum loss_kind kind;
	size_t frame_bytes;
	unsigned parity_percent;
	double loss; /* share of packets, 0..1 */
	/* filled in by loss_run() */
	unsigned n_frames, n_whole, n_repaired;
	uint64_t packets_sent, packets_lost, shards_rebuilt;
};

/*
 * Sends n_frames frames through packetiser, link and reassembler; the same seed gives the same cell.
 * Errors: enum pf_error.
 */
int loss_run(struct loss_cell *cell, unsigned n_frames, uint64_t seed);

/* The sweep: every combination of these, in this order, the last one fastest. */
struct loss_axes {
	unsigned schemes[2];
	size_t n_schemes;
	size_t frame_bytes[8];
	size_t n_frame_bytes;
	unsigned parity[8];
	size_t n_parity;
	double loss[16];
	size_t n_loss;
};

size_t loss_count(const struct loss_axes *axes);
/* Sets the cell's inputs for place i of the sweep. */
void loss_place(const struct loss_axes *axes, size_t i, struct loss_cell *cell);

void loss_print_tables(FILE *out, const struct loss_axes *axes, const struct loss_cell *cells);
void loss_write_csv(FILE *out, const struct loss_cell *cells, size_t n);
/* One small chart a frame size, field and kind of loss: frames whole over packets lost, a line a parity. */
void loss_write_svg(FILE *out, const struct loss_axes *axes, const struct loss_cell *cells);

#endif
