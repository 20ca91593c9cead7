/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_PORTAL_NAMES_H
#define HOST_VDISPLAY_PORTAL_NAMES_H

/* The desktop portal on the session bus. */

#define PORTAL_DEST   "org.freedesktop.portal.Desktop"
#define PORTAL_OBJECT "/org/freedesktop/portal/desktop"
#define PORTAL_CAST   "org.freedesktop.portal.ScreenCast"
#define PORTAL_REMOTE "org.freedesktop.portal.RemoteDesktop"

#endif
