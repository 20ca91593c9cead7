/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_PAIR_VECTORS_H
#define TESTS_PAIR_VECTORS_H

#include <stdint.h>
#include <string.h>

#include "tests/test.h"

/*
 * Whole ceremonies. The first was also run against the Python package spake2 0.8, which speaks the same SPAKE2;
 * the others come out of a Python script of our own that shares nothing with the C code: affine Edwards
 * arithmetic on big integers, hashlib and hmac.
 */
struct pair_vector {
	const char *pin, *client_fp, *host_fp;
	const char *x_random, *y_random; /* 64 bytes, before the reduction */
	const char *x, *y, *host_confirm, *client_confirm;
};

#define REP8(s)	 s s s s s s s s
#define REP32(s) REP8(s) REP8(s) REP8(s) REP8(s)

static const struct pair_vector pair_vectors[] = {
	{"4821", REP32("11"), REP32("22"),
		/* 12345678901234567890 and 98765432109876543210, little endian */
		"d20a1feb8ca954ab00" REP32("00") REP8("00") REP8("00") "00000000000000",
		"ea7e26e5384da55a05" REP32("00") REP8("00") REP8("00") "00000000000000",
		"418b395a5d9079c26670e09f3bc9ef127c6a2d2cde95e2f25ac21c39719c27d3ea",
		"4202302fb61e6cc3ea542430b7ac54fad27b3294634f494531b2f6756f9cd9bc87",
		"2a7dc0f0ba01d83cf4d7f918a278f2e67ca19af9ce956206431a6d4e21e471be",
		"6e4ccf170ce593533b92b63bd29b46fe619c4d39ae7aca78c1bd7722e1b5e862"},
	{"0000", "d7a56d3cfcf9a44dc716691acdaba1b8a912646543c6977a5a43ac2753cf1017",
		"3122071113bd120536abce666699a58c091affea6a87144aff71eacc524472fd",
		"58b2e1c3c699100fec48d03857f434856edc6389b302395c7aacd44693679dc7"
		"0abe332ccbdcadd30ed42e1be00d00434bf2e236cec865f1090b6fed69529006",
		"ad1a34d4b32b04a4b0c480ce0304a0424526eaccde42914527ff84318587312a"
		"a053524f66e4254a107981a0a1ca08de85735dbb030cfff5063ccadae13639d9",
		"41211fdd37c2ac6c544c7ba1d234d0e7035f22e59d1cf19cb59b0226b42c3514f5",
		"42e8bd2b8d28c62f0be72a6df42d607996278b4ff86b0e29a630faf463f9d1f928",
		"396ae03102d38f64ead7b35df76943376ca85658c153c996f67013e082161e5a",
		"4286a865492510ca6183f6232e4b5d0cd4390da87a657d0af970d910bd01558a"},
	{"9999", "90014be17327555fca2a3316561b44d8f41b199b240260567ca0f4ab6f804f63",
		"c92f86812c2db63f23a8832d4982503f450e3d7926ecad478664df1692d9cff1",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"41d1d4caba40325e69473aff24b1dd770f6a79e4542eac241e1b21d784fe4bfdbd",
		"42f92683fe6be143346d13cf128f02e29c37a78da068d7de1ec0b1c5f0a5a16470",
		"cc2f7d3adfbab892106b84475f3e7922b144b495e455b909631d35469dab96bf",
		"1169631b8389595668f092ce9db90992c5cca6cce7c9f740ad2c63591510d219"},
	{"0417", "3ac2db0b3c867176ac8558a0f1525aff8378ca471fcdd48443f9dc88cb33e3a5",
		"a130a378aac96cb39193c45738d5222510ab4dffa4c47cacc11a11329e1c0211",
		"13e9ac69b838dde9b438e233b69c90a20755f6a1b155ef70e8e9bb46c833072f"
		"66b9175ba3bc986fbea237bf5f8bb9967a5b1752c8256aa270c1fb8e6bcdde32",
		"c13181e77723d352ccc9d91915a5e4d643b0c50f02234ab50030973a89d90847"
		"3bace1c3ff160b95d4f48c9df885b2dc3e5fc73cd1eb441f68cec0542eaf40ef",
		"41710a037dc24b2d0ae56afe8b84bdd10b39e9f83891e1ced6a44abe9f8797ecce",
		"427c5b06c20e40eb087a1130ad266340238e1cd64dee032ac66624b3f74a377e2d",
		"cbfe88684f254fa58f706a0ffd5b1ab2ff77e7279d6d77a335a292ba92db02f8",
		"69d42ff7f5a9fb8a58e82f3766ed15cb1953f15dcacdbb7710b222621b37d151"},
	{"7305", "cd3d732d05037a4adf40827534b5920687acf50a23dc695b88b881b263f32515",
		"dd855be578d0e7f6f8ae69f4ccb9224926f620bc15c6daacf5e1b9f52147be53",
		"07f0a70481b1a35236acfb49af5d595216384cf7cd1525276a1776c65366e4a6"
		"ddc9116952f282dc2ca87cf1f0fa97de21c6d99e4a5817ae64b763d111d6e713",
		"39ef1c4ba587239e24960031fdaae2e4474eb371cf34c04a8793ed22d61a0340"
		"baceb26117974b99e36a39f6c6f9ad28e68cd054d507b6928cce670243db025d",
		"4140af5edfeb55e66bb90a4cad76b4ba7b914bff3d823eb697593dc78f31a2bdad",
		"4233befc9afd07ef836f2d23398327d23b12f878f27f627c5ce1263d7f005623cf",
		"0996621d02f3bbf675b7c286742e2f2db1a12e340e3502b2abec1383f14f41a2",
		"a59d764e73bc1e413255a9f03d315367c87300d797961f04e2a5b6d6a561d577"},
};

#define N_PAIR_VECTORS (sizeof pair_vectors / sizeof pair_vectors[0])

static inline void pair_unhex(uint8_t *out, size_t len, const char *hex)
{
	assert_int_equal(strlen(hex), 2 * len);
	for (size_t i = 0; i < len; i++) {
		unsigned v;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t)v;
	}
}

#endif
