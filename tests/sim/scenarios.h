/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SIM_SCENARIOS_H
#define TESTS_SIM_SCENARIOS_H

#include "tests/sim/sim.h"

extern const struct sim_scenario sim_scenarios[];
extern const unsigned sim_n_scenarios;
#define SIM_N_REQUIRED 7u /* the first ones */

#endif
