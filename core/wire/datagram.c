/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/datagram.h"

#include "core/base/bytes.h"

#define TIMING_SHORT_LEN 13u
#define TIMING_PHASE_LEN 29u

/* Input: 0 tag 0xC8, 1 kind u8, 2 code u32, 6 x i32, 10 y i32, 14 flags u32. */
void pf_input_write(uint8_t out[static PF_INPUT_LEN], const struct pf_input *in)
{
	out[0] = PF_DGRAM_INPUT;
	out[1] = in->kind;
	pf_put_le32(out + 2, in->code);
	pf_put_le32(out + 6, (uint32_t)in->x);
	pf_put_le32(out + 10, (uint32_t)in->y);
	pf_put_le32(out + 14, in->flags);
}

int pf_input_read(struct pf_input *in, const uint8_t *data, size_t len)
{
	*in = (struct pf_input){0};
	if (len != PF_INPUT_LEN || data[0] != PF_DGRAM_INPUT)
		return PF_E_BAD_PACKET;
	if (data[1] >= PF_INPUT_KIND_COUNT)
		return PF_E_UNSUPPORTED;
	in->kind = data[1];
	in->code = pf_get_le32(data + 2);
	in->x = (int32_t)pf_get_le32(data + 6);
	in->y = (int32_t)pf_get_le32(data + 10);
	in->flags = pf_get_le32(data + 14);
	return PF_OK;
}

/* Host timing: 0 tag 0xCF, 1 pts u64, 9 host u32 [, 13 queue u32, 17 encode u32, 21 pace u32 [, 25 phase i32]]. */
void pf_host_timing_write(uint8_t out[static PF_HOST_TIMING_LEN], const struct pf_host_timing *t)
{
	out[0] = PF_DGRAM_HOST_TIMING;
	pf_put_le64(out + 1, t->pts_ns);
	pf_put_le32(out + 9, t->host_us);
	pf_put_le32(out + 13, t->queue_us);
	pf_put_le32(out + 17, t->encode_us);
	pf_put_le32(out + 21, t->pace_us);
}

int pf_host_timing_read(struct pf_host_timing *t, const uint8_t *data, size_t len)
{
	*t = (struct pf_host_timing){0};
	if ((len != TIMING_SHORT_LEN && len != PF_HOST_TIMING_LEN && len != TIMING_PHASE_LEN) ||
		data[0] != PF_DGRAM_HOST_TIMING)
		return PF_E_BAD_PACKET;
	t->pts_ns = pf_get_le64(data + 1);
	t->host_us = pf_get_le32(data + 9);
	if (len == TIMING_SHORT_LEN)
		return PF_OK;
	t->queue_us = pf_get_le32(data + 13);
	t->encode_us = pf_get_le32(data + 17);
	t->pace_us = pf_get_le32(data + 21);
	return PF_OK;
}
