/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "core/flow/gate.h"
#include "core/packet/native.h"

static bool pass(struct pf_gate *g, uint32_t user_flags)
{
	return pf_gate_pass(g, &(struct pf_gate_frame){.user_flags = user_flags});
}

static bool pass_gap(struct pf_gate *g, uint32_t user_flags)
{
	return pf_gate_pass(g, &(struct pf_gate_frame){.user_flags = user_flags, .gap = true});
}

static struct pf_gate open_gate(void)
{
	struct pf_gate g = {0};
	assert_true(pf_gate_pass(&g, &(struct pf_gate_frame){.keyframe = true}));
	assert_true(pass(&g, 0));
	return g;
}

static void only_a_keyframe_starts(void **state)
{
	(void)state;
	struct pf_gate g = {0};
	assert_false(pass(&g, 0));
	assert_false(pass(&g, PF_USER_RECOVERY_ANCHOR)); /* refers to what was never decoded */
	for (int i = 0; i < 3; i++)
		assert_false(pass(&g, PF_USER_RECOVERY_POINT));
	assert_false(pass(&g, PF_USER_RECOVERY_POINT | PF_USER_RECOVERY_CLOSED));
	assert_true(pf_gate_is_closed(&g));
	assert_true(pf_gate_pass(&g, &(struct pf_gate_frame){.keyframe = true, .gap = true}));
	assert_false(pf_gate_is_closed(&g));
}

static void an_anchor_ends_a_gap(void **state)
{
	(void)state;
	struct pf_gate g = open_gate();
	assert_false(pass_gap(&g, 0));
	assert_false(pass(&g, PF_USER_KEYFRAME)); /* the caller says what a keyframe is */
	assert_true(pass(&g, PF_USER_RECOVERY_ANCHOR));
	assert_true(pass_gap(&g, PF_USER_RECOVERY_ANCHOR));
	assert_true(pass(&g, 0));
}

static void an_anchor_does_not_end_what_the_reader_skipped(void **state)
{
	(void)state;
	struct pf_gate g = open_gate();
	assert_false(pf_gate_pass(&g, &(struct pf_gate_frame){.skip = true}));
	assert_false(pass(&g, PF_USER_RECOVERY_ANCHOR));
	assert_false(pass_gap(&g, PF_USER_RECOVERY_ANCHOR));
	assert_true(pf_gate_pass(&g, &(struct pf_gate_frame){.keyframe = true}));
	assert_false(pass_gap(&g, 0));
	assert_true(pass(&g, PF_USER_RECOVERY_ANCHOR));
	/* A late keyframe is a start all the same. */
	assert_true(pf_gate_pass(&g, &(struct pf_gate_frame){.keyframe = true, .skip = true}));
	assert_true(pass(&g, 0));
}

static void the_second_boundary_heals(void **state)
{
	(void)state;
	struct pf_gate g = open_gate();
	assert_true(pass(&g, PF_USER_RECOVERY_POINT)); /* before the gap: does not count */
	assert_false(pass_gap(&g, 0));
	assert_false(pass(&g, PF_USER_RECOVERY_POINT));
	assert_false(pass_gap(&g, 0)); /* another gap: afresh */
	assert_false(pass(&g, PF_USER_RECOVERY_POINT));
	assert_false(pass(&g, 0));
	assert_true(pass(&g, PF_USER_RECOVERY_POINT));
	assert_true(pass(&g, 0));
}

static void a_wave_from_before_the_gap_does_not_heal(void **state)
{
	(void)state;
	const uint32_t begin = PF_USER_RECOVERY_POINT;
	const uint32_t end = PF_USER_RECOVERY_POINT | PF_USER_RECOVERY_CLOSED;
	struct pf_gate g = open_gate();
	assert_true(pass(&g, begin));
	assert_false(pass_gap(&g, 0));
	assert_false(pass(&g, end)); /* its first stripes are from before the gap */
	assert_false(pass(&g, begin));
	assert_false(pass(&g, 0));
	assert_true(pass(&g, end));
	assert_false(pass_gap(&g, begin)); /* began with the first frame after the gap */
	assert_true(pass(&g, end));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_keyframe_starts),
		cmocka_unit_test(an_anchor_ends_a_gap),
		cmocka_unit_test(an_anchor_does_not_end_what_the_reader_skipped),
		cmocka_unit_test(the_second_boundary_heals),
		cmocka_unit_test(a_wave_from_before_the_gap_does_not_heal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
