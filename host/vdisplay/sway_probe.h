/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_SWAY_PROBE_H
#define HOST_VDISPLAY_SWAY_PROBE_H

struct vdisplay_params;

/* vdisplay_impl.probe() of wlroots. */
int sway_probe(const struct vdisplay_params *params, char *note);

#endif
