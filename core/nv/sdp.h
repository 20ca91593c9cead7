/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_NV_SDP_H
#define PF_NV_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/* What GameStream's two sides tell each other in RTSP bodies (docs/gamestream.md, "SDP"). Thread: any. */

/* x-ss-general.encryption*, bits. */
enum pf_nv_encryption {
	PF_NV_ENCRYPT_CONTROL = 1, /* the second form, core/nv/control.h */
	PF_NV_ENCRYPT_VIDEO = 2,
	PF_NV_ENCRYPT_AUDIO = 4,
	PF_NV_ENCRYPT_ALL = 7,
};

/* x-ss-general.featureFlags, bits: what the host takes. */
enum pf_nv_host_feature {
	PF_NV_HOST_PEN_TOUCH = 1,
	PF_NV_HOST_PAD_SENSORS = 2, /* touchpads and motion of pads */
};

/* x-ml-general.featureFlags, bits: what the client does. */
enum pf_nv_client_feature {
	PF_NV_CLIENT_FEC_STATUS = 1, /* sends PF_NV_FEC_STATUS */
	PF_NV_CLIENT_SESSION_ID = 2, /* ping payloads and connect data */
};

/* What the host really can; a client believes each of it. */
struct pf_nv_capabilities {
	bool hevc, av1;	   /* as in ServerCodecModeSupport: one of its bits of this codec is set */
	bool invalidation; /* reference frames can be invalidated; frames after it have their type */
	uint8_t max_channels;	       /* 2, 6 or 8 */
	uint32_t features;	       /* enum pf_nv_host_feature */
	uint32_t encryption_supported; /* enum pf_nv_encryption */
	uint32_t encryption_requested; /* a client does it then, whatever its person chose */
};

#define PF_NV_DESCRIBE_MAX 1024u

/* The body of DESCRIBE. Returns its length. Errors: PF_E_FULL (cap), PF_E_INVALID (max_channels). */
int pf_nv_describe_write(char *out, size_t cap, const struct pf_nv_capabilities *can) PF_MUST_CHECK;

enum pf_nv_codec { PF_NV_H264, PF_NV_HEVC, PF_NV_AV1 };
enum pf_nv_csc { PF_NV_BT601, PF_NV_BT709, PF_NV_BT2020 };

#define PF_NV_BODY_LINES_MAX  1024u /* stock clients send 50 */
#define PF_NV_PACKET_SIZE_MIN 256u
#define PF_NV_PACKET_SIZE_MAX 8928u /* what core/packet/nvvideo.h takes, a multiple of 16 */
#define PF_NV_BITRATE_MIN     100u
#define PF_NV_BITRATE_MAX     8000000u /* as --max-bitrate */
#define PF_NV_SLICES_MAX      32u
#define PF_NV_REFERENCES_MAX  16u /* of H.264 and HEVC */
#define PF_NV_PARITY_MAX      255u

/* ANNOUNCE: everything is within the bounds of its comment. */
struct pf_nv_stream_config {
	/* --- video --- */
	uint32_t width, height; /* PF_MODE_MIN_SIDE to PF_MODE_MAX_SIDE */
	uint32_t fps;		/* PF_MODE_MIN_HZ to PF_MODE_MAX_HZ */
	uint32_t refresh_x100;	/* the true rate; fps * 100 when the client's is none of its own */
	uint32_t packet_size;	/* PF_NV_PACKET_SIZE_MIN to _MAX, a multiple of 16 */
	uint32_t bitrate_kbps;	/* video without parity; clients send 100 000 at most */
	/* What its person set, with parity, audio and all, PF_NV_BITRATE_MIN to _MAX; 0 = not told. */
	uint32_t configured_kbps;
	uint16_t min_parity; /* of each block, to PF_NV_PARITY_MAX */
	uint8_t slices;	     /* 1 to PF_NV_SLICES_MAX */
	uint8_t codec;	     /* enum pf_nv_codec */
	bool ten_bit, yuv444;
	uint8_t max_references; /* 0 = as the host likes, to PF_NV_REFERENCES_MAX */
	uint8_t csc;		/* enum pf_nv_csc */
	bool full_range;
	bool intra_refresh;
	bool client_hevc; /* it could do HEVC as well */

	/* --- audio --- */
	uint8_t channels; /* 2, 6 or 8 */
	uint32_t channel_mask;
	bool high_quality; /* stereo: see pf_nv_rtsp_request.host */
	uint8_t packet_ms; /* 5 or 10 */

	/* --- both --- */
	bool video_qos, audio_qos; /* mark the packets (DSCP) */
	uint32_t nv_features;	   /* x-nv-general.featureFlags */
	uint32_t client_features;  /* enum pf_nv_client_feature */
	/*
	 * enum pf_nv_encryption: obey it exactly. A client that wants its audio encrypted does so whether it is
	 * supported or not, and says it in x-nv-general.featureFlags alone: then the bit is here as well.
	 */
	uint32_t encryption;
	uint8_t control_protocol; /* x-nv-general.useReliableUdp: 13 = encrypted ENet, 1 = plain */
};

/*
 * Reads the body of ANNOUNCE, NULL when len is 0. Names that are not known are passed over; of a name that is there
 * twice, the last one counts. A number that only bounds what the host may do is brought into its range; one that the
 * client itself goes by is refused when it is out of range. Errors: PF_E_BAD_PACKET, with *bad naming the attribute
 * that is missing or wrong, static text, never NULL.
 */
int pf_nv_announce_read(struct pf_nv_stream_config *c, const char *body, size_t len,
	const char **bad) PF_MUST_CHECK;

#endif
