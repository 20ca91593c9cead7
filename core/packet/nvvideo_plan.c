/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/packet/nvvideo.h"

size_t pf_nvvideo_parity(size_t data, unsigned percent)
{
	return (data * percent + 99) / 100;
}

/* What is wanted, whether there is room for it or not. */
static unsigned wanted_percent(size_t data, unsigned percent, unsigned min_parity)
{
	if (!percent || pf_nvvideo_parity(data, percent) >= min_parity)
		return percent;
	size_t floor = (size_t)min_parity * 100 / data;
	if (floor >= PF_NVVIDEO_MAX_PERCENT)
		return PF_NVVIDEO_MAX_PERCENT;
	/* Rounding down may have lost the last shard when a percent is more than one. */
	return (unsigned)floor + (pf_nvvideo_parity(data, (unsigned)floor) < min_parity);
}

static bool has_room(size_t data, unsigned percent)
{
	return data + pf_nvvideo_parity(data, percent) <= PF_NVVIDEO_MAX_SHARDS;
}

static size_t per_block(size_t n, size_t n_blocks)
{
	return (n + n_blocks - 1) / n_blocks;
}

static size_t count_blocks(size_t n, unsigned percent, unsigned min_parity)
{
	for (size_t b = 1; b < PF_NVVIDEO_MAX_BLOCKS; b++) {
		size_t data = per_block(n, b);
		if (percent ? has_room(data, wanted_percent(data, percent, min_parity))
			    : data <= PF_NVVIDEO_MAX_DATA)
			return b;
	}
	return PF_NVVIDEO_MAX_BLOCKS;
}

static unsigned block_percent(size_t data, unsigned percent, unsigned min_parity)
{
	unsigned wanted = wanted_percent(data, percent, min_parity);
	if (!wanted || has_room(data, wanted))
		return wanted;
	if (data >= PF_NVVIDEO_MAX_SHARDS)
		return 0;
	return (unsigned)((PF_NVVIDEO_MAX_SHARDS - data) * 100 / data);
}

int pf_nvvideo_plan(struct pf_nvvideo_plan *plan, size_t n, unsigned percent, unsigned min_parity)
{
	*plan = (struct pf_nvvideo_plan){0};
	if (!n || n > PF_NVVIDEO_MAX_FRAME_PACKETS || percent > PF_NVVIDEO_MAX_PERCENT ||
		min_parity > PF_NVVIDEO_MAX_SHARDS)
		return PF_E_INVALID;
	plan->n_blocks = count_blocks(n, percent, min_parity);
	for (size_t b = 0; b < plan->n_blocks; b++) {
		size_t data = n / plan->n_blocks + (b < n % plan->n_blocks);
		plan->blocks[b].data = data;
		plan->blocks[b].percent = block_percent(data, percent, min_parity);
		plan->blocks[b].parity = pf_nvvideo_parity(data, plan->blocks[b].percent);
		plan->n_packets += data + plan->blocks[b].parity;
	}
	return PF_OK;
}
