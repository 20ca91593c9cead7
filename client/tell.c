/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/tell.h"

#include "client/clock.h"
#include "client/run.h"

static bool keeps_nothing(const struct options *o)
{
	return !o->out && !o->frame_png && !o->trace && !o->summary && !o->clipboard_file &&
		!o->script;
}

void tell_start(const struct options *o, const char *host, const struct punktfunk_mode *mode,
	uint32_t bitrate_kbps)
{
	if (o->quiet)
		return;
	run_say("Connected to %s: %ux%u at %u Hz.%s", host, mode->width, mode->height,
		mode->refresh_hz, o->seconds ? "" : " Ctrl-C ends it.");
	if (keeps_nothing(o))
		run_say("There is no window yet, and nothing is kept: --out FILE records the "
			"stream, --frame-png FILE its last picture.");
	if (o->bitrate && bitrate_kbps < o->bitrate)
		run_say("The host gives %u of the %u kbit/s that --bitrate asks for; its "
			"--max-bitrate sets what it gives.",
			bitrate_kbps, o->bitrate);
}

void tell_end(const struct options *o, uint64_t streamed_ns, uint64_t pictures)
{
	if (o->quiet || !pictures)
		return;
	run_say("%.0f s, %llu pictures%s%s%s%s.", (double)streamed_ns / NS_PER_S,
		(unsigned long long)pictures, o->out ? ", recorded in " : "", o->out ? o->out : "",
		o->frame_png ? "; the last one: " : "", o->frame_png ? o->frame_png : "");
}
