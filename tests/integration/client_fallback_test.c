/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "core/wire/datagram.h"
#include "punktfunk_core.h"
#include "tests/integration/shipped_host.h"

/* Input from the client library to a host that announces none of the newer kinds. */

#define WAIT_MS 5000u

static struct shipped *host;
static struct punktfunk_connection *conn;

static int setup(void **state)
{
	static const struct shipped_variant old = {
		.name = "old",
		.scheme = 1,
		.percent = 10,
		.per_block = 4096,
		.shard = 1408,
		.codec = PF_CODEC_H264,
		.frame_len = 20000,
		.stay = true,
	};
	struct punktfunk_connect_opts o;
	char message[256] = "";
	(void)state;
	host = shipped_start(&old);
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)shipped_port(host);
	o.mode = (struct punktfunk_mode){1280, 720, 60};
	o.timeout_ms = WAIT_MS;
	if (punktfunk_connect_opts(&conn, &o, message, sizeof(message)) != PUNKTFUNK_OK)
		fail_msg("%s", message);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	punktfunk_connection_close(conn);
	conn = NULL;
	shipped_stop(host, NULL);
	return 0;
}

static struct shipped_item catch (uint8_t tag)
{
	static struct shipped_item i;
	do {
		if (!shipped_next(host, SHIPPED_DATAGRAM, &i))
			fail_msg("the host never got a datagram 0x%02x", tag);
	} while (i.data[0] != tag);
	return i;
}

static int send_kind(uint8_t kind, uint32_t code, int32_t x, int32_t y, uint32_t flags)
{
	const struct punktfunk_input_event e = {
		.kind = kind, .code = code, .x = x, .y = y, .flags = flags};
	return punktfunk_connection_send_input(conn, &e);
}

static void expect_input(uint8_t kind, uint32_t code, int32_t x, uint32_t flags)
{
	struct pf_input in;
	struct shipped_item i = catch (PF_DGRAM_INPUT);
	assert_int_equal(pf_input_read(&in, i.data, i.len), PF_OK);
	assert_int_equal(in.kind, kind);
	assert_int_equal(in.code, code);
	assert_int_equal(in.x, x);
	assert_int_equal(in.y, 0);
	assert_int_equal(in.flags, flags);
}

/* A host that announces none of it gets nothing that it would not know. */
static void input_keeps_to_what_a_host_announces(void **state)
{
	(void)state;
	assert_int_equal(send_kind(PUNKTFUNK_INPUT_TEXT, 'a', 0, 0, 0), PUNKTFUNK_E_UNSUPPORTED);
	for (uint8_t kind = PUNKTFUNK_INPUT_TOUCH_DOWN; kind <= PUNKTFUNK_INPUT_TOUCH_UP; kind++)
		assert_int_equal(send_kind(kind, 0, 1, 1, 0), PUNKTFUNK_E_UNSUPPORTED);
	/* 3.75 units are a quarter of a detent; and the wheel has no thirds of its steps, but keeps them. */
	assert_int_equal(send_kind(PUNKTFUNK_INPUT_SMOOTH_SCROLL, 0, 960, 0, 1), PUNKTFUNK_OK);
	expect_input(PF_INPUT_SCROLL, 0, 30, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(
			send_kind(PUNKTFUNK_INPUT_SMOOTH_SCROLL, 1, -40, 0, 1), PUNKTFUNK_OK);
	for (unsigned i = 0; i < 3; i++)
		expect_input(PF_INPUT_SCROLL, 1, -1, 0);
	expect_input(PF_INPUT_SCROLL, 1, -2, 0);
	assert_int_equal(
		send_kind(PUNKTFUNK_INPUT_SMOOTH_SCROLL, 0, INT32_MIN, 0, 0), PUNKTFUNK_OK);
	expect_input(PF_INPUT_SCROLL, 0, INT32_MIN / 32, 0);
	/* Buttons first, then axes; what stays as it is is not told. */
	assert_int_equal(send_kind(PUNKTFUNK_INPUT_PAD_ARRIVED, 1, 0, 0, 2), PUNKTFUNK_OK);
	const uint32_t a_and_up = PUNKTFUNK_PAD_A | PUNKTFUNK_PAD_UP;
	assert_int_equal(send_kind(PUNKTFUNK_INPUT_PAD_SNAPSHOT, a_and_up, (int32_t)0x8000FFFF, 5,
				 200u << 16 | 100u << 8 | 2),
		PUNKTFUNK_OK);
	expect_input(PF_INPUT_PAD_BUTTON, PUNKTFUNK_PAD_UP, 1, 2);
	expect_input(PF_INPUT_PAD_BUTTON, PUNKTFUNK_PAD_A, 1, 2);
	static const int32_t axes[] = {-32768, -1, 0, 5, 200, 100};
	for (uint32_t i = 0; i < 6; i++)
		if (axes[i])
			expect_input(PF_INPUT_PAD_AXIS, i, axes[i], 2);
	assert_int_equal(send_kind(PUNKTFUNK_INPUT_PAD_SNAPSHOT, PUNKTFUNK_PAD_A,
				 (int32_t)0x8000FFFF, 5, 200u << 16 | 100u << 8 | 2),
		PUNKTFUNK_OK);
	expect_input(PF_INPUT_PAD_BUTTON, PUNKTFUNK_PAD_UP, 0, 2);
	assert_int_equal(send_kind(PUNKTFUNK_INPUT_PAD_REMOVED, 0, 0, 0, 2), PUNKTFUNK_OK);
	expect_input(PF_INPUT_PAD_BUTTON, PUNKTFUNK_PAD_A, 0, 2);
	for (uint32_t i = 0; i < 6; i++)
		if (axes[i])
			expect_input(PF_INPUT_PAD_AXIS, i, 0, 2);
	assert_int_equal(send_kind(PUNKTFUNK_INPUT_MOUSE_REL, 0, 7, 0, 0), PUNKTFUNK_OK);
	expect_input(PF_INPUT_MOUSE_REL, 0, 7, 0);
}

static void keys_are_datagrams(void **state)
{
	(void)state;
	assert_int_equal(send_kind(PUNKTFUNK_INPUT_KEY_DOWN, 66, 0, 0, 0), PUNKTFUNK_OK);
	expect_input(PF_INPUT_KEY_DOWN, 66, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_are_datagrams, setup, teardown),
		cmocka_unit_test_setup_teardown(
			input_keeps_to_what_a_host_announces, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
