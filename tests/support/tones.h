/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_TONES_H
#define TESTS_SUPPORT_TONES_H

#include <math.h>
#include <stdint.h>

/* How loud a frequency is in one channel of interleaved samples at 48 kHz: its amplitude. n: whole waves. */
static inline double tone_amplitude(
	const float *pcm, unsigned channels, unsigned channel, uint32_t n, unsigned hz)
{
	double re = 0, im = 0;
	for (uint32_t i = 0; i < n; i++) {
		double turn = 2 * M_PI * hz * i / 48000.0;
		re += pcm[i * channels + channel] * cos(turn);
		im += pcm[i * channels + channel] * sin(turn);
	}
	return 2 * sqrt(re * re + im * im) / n;
}

#endif
