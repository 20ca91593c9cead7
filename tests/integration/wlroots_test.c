/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/media/clock.h"
#include "host/vdisplay/sway_ipc.h"
#include "tests/integration/desk.h"

/* A real sway, started by us. PUNKTFUNK_TEST_UID: become this user first. */

#define RED	   0xFF0000u
#define GREEN	   0x00C000u
#define BLUE	   0x0000FFu
#define BACKGROUND 0x1D2433u
/* The terminal's margin, text and cursor stay on a filled screen. */
#define MOST 0.8

static void add(struct desk *d, uint32_t w, uint32_t h, uint32_t hz, struct vdisplay_output *o)
{
	assert_int_equal(vdisplay_add_output(d->vdisplay, w, h, VDISPLAY_MHZ(hz), o), 0);
	assert_int_equal(o->width, w);
	assert_int_equal(o->height, h);
	assert_int_equal(o->refresh_mhz, VDISPLAY_MHZ(hz));
	assert_int_equal(o->wayland_display[0], '/');
}

static struct inject *keyboard(struct desk *d, const struct vdisplay_output *o)
{
	const struct inject_params params = {
		.loop = d->loop, .wayland_display = o->wayland_display, .output_name = o->name};
	struct inject *i;
	assert_int_equal(inject_create(&i, "wlr", &params), 0);
	/* The first keyboard of a seat: programs hear of it, and only then of its keys. */
	desk_run(d, 200, NULL, NULL);
	return i;
}

/* Fills the terminal: the shell must have got every character as it was meant. */
static void type_colour(struct inject *i, const char *rgb)
{
	char text[96];
	snprintf(text, sizeof(text), "printf '\\033[48;2;%sm\\033[2J'\n", rgb);
	desk_type(i, text);
}

/* The shell answers on this output. */
static void wait_for_shell(struct desk *d, struct eye *e, struct inject *i, uint32_t w, uint32_t h)
{
	for (int n = 0; n < 20 && eye_share(e, w, h, BLUE) < MOST; n++) {
		type_colour(i, "0;0;255");
		desk_run(d, 500, NULL, NULL);
	}
	assert_true(eye_share(e, w, h, BLUE) >= MOST);
}

/* The shell's prompt is there: some pixels are the text's colour, most the terminal's. */
static bool has_terminal(void *data)
{
	struct eye *e = data;
	const uint64_t n = eye_count(e);
	/* foot's background, and a prompt's worth of light pixels. */
	return n > 1 && eye_share(e, 1280, 720, BACKGROUND) < 0.5;
}

static void a_terminal_is_shown_and_typed_into(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output o;
	static struct eye e;
	desk_open(&d, true, NULL);
	add(&d, 1280, 720, 60, &o);
	eye_open(&e, &o);
	assert_true(desk_run(&d, 10000, has_terminal, &e));
	desk_run(&d, 300, NULL, NULL);
	struct inject *i = keyboard(&d, &o);
	desk_type(i, "echo \"Hello, [punktfunk] $((6*7))\"; ls / | head -5; stty size\n");
	desk_run(&d, 500, NULL, NULL);
	eye_save(&e, "terminal-1280x720");
	type_colour(i, "255;0;0");
	assert_true(eye_wait_share(&d, &e, 1280, 720, RED, MOST));
	inject_destroy(i);
	eye_close(&e);
	vdisplay_remove_output(d.vdisplay, &o);
	desk_close(&d);
}

static void a_binding_with_modifiers_works(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output o;
	static struct eye e;
	desk_open(&d, true, NULL);
	add(&d, 640, 480, 60, &o);
	eye_open(&e, &o);
	struct inject *i = keyboard(&d, &o);
	wait_for_shell(&d, &e, i, 640, 480);
	/* Super, Shift and Q closes the window: the background is left. */
	static const uint32_t keys[] = {0x5B, 0xA1, 'Q'};
	for (size_t n = 0; n < 3; n++)
		inject_event(i, &(struct pf_input){.kind = PF_INPUT_KEY_DOWN, .code = keys[n]});
	inject_release_all(i);
	assert_true(eye_wait_share(&d, &e, 640, 480, BACKGROUND, 0.99));
	inject_destroy(i);
	eye_close(&e);
	desk_close(&d);
}

static void the_keypad_types_digits(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output o;
	static struct eye e;
	desk_open(&d, true, NULL);
	add(&d, 640, 480, 60, &o);
	eye_open(&e, &o);
	struct inject *i = keyboard(&d, &o);
	wait_for_shell(&d, &e, i, 640, 480);
	static const uint32_t digits[] = {0x61, 0x69, 0x62};
	desk_type(i, "printf '\\033[48;2;0;");
	for (size_t n = 0; n < 3; n++) {
		inject_event(i, &(struct pf_input){.kind = PF_INPUT_KEY_DOWN, .code = digits[n]});
		inject_event(i, &(struct pf_input){.kind = PF_INPUT_KEY_UP, .code = digits[n]});
	}
	desk_type(i, ";0m\\033[2J'\n");
	assert_true(eye_wait_share(&d, &e, 640, 480, GREEN, MOST));
	inject_destroy(i);
	eye_close(&e);
	desk_close(&d);
}

static void the_pointer_alone_makes_pictures(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output o;
	static struct eye e;
	desk_open(&d, true, "sleep 1000");
	add(&d, 640, 480, 60, &o);
	eye_open(&e, &o);
	struct inject *i = keyboard(&d, &o);
	desk_run(&d, 500, NULL, NULL);
	const uint64_t before = eye_count(&e);
	assert_true(before > 0);
	desk_run(&d, 200, NULL, NULL);
	const uint64_t idle = eye_count(&e) - before;
	assert_true(idle <= 2); /* nothing changes, nothing is sent */
	for (int n = 0; n < 20; n++) {
		inject_event(i,
			&(struct pf_input){.kind = PF_INPUT_MOUSE_ABS,
				.x = 100 + n * 10,
				.y = 100,
				.flags = 640u << 16 | 480u});
		desk_run(&d, 20, NULL, NULL);
	}
	assert_true(eye_count(&e) >= before + idle + 5);
	inject_event(i, &(struct pf_input){.kind = PF_INPUT_SCROLL, .x = 120});
	inject_event(i, &(struct pf_input){.kind = PF_INPUT_BUTTON_DOWN, .code = 1});
	inject_destroy(i);
	eye_close(&e);
	desk_close(&d);
}

struct sized {
	struct eye *e;
	uint32_t w, h;
};

static bool is_sized(void *data)
{
	const struct sized *s = data;
	return eye_sized_ns(s->e, s->w, s->h) != 0;
}

static void a_mode_switch_is_followed(void **state)
{
	(void)state;
	static const uint32_t sizes[][2] = {{1920, 1080}, {800, 600}, {1281, 721}, {1280, 720}};
	static struct desk d;
	struct vdisplay_output o;
	static struct eye e;
	desk_open(&d, true, NULL);
	add(&d, 1280, 720, 60, &o);
	eye_open(&e, &o);
	assert_true(desk_run(&d, 10000, has_terminal, &e));
	for (size_t n = 0; n < 4; n++) {
		struct sized want = {&e, sizes[n][0], sizes[n][1]};
		const uint64_t start_ns = clock_now_ns();
		assert_int_equal(
			vdisplay_set_mode(d.vdisplay, &o, want.w, want.h, VDISPLAY_MHZ(60)), 0);
		assert_int_equal(o.width, want.w);
		assert_int_equal(o.height, want.h);
		assert_true(desk_run(&d, 2000, is_sized, &want));
		const uint64_t took_ms = (eye_sized_ns(&e, want.w, want.h) - start_ns) / 1000000;
		print_message("%ux%u: first picture %u ms after the request\n", want.w, want.h,
			(unsigned)took_ms);
		assert_true(took_ms < 250);
		desk_run(&d, 300, NULL, NULL);
		assert_int_not_equal(eye_sized_ns(&e, want.w, want.h), 0);
		assert_int_equal(e.n_lost, 0);
	}
	assert_int_equal(vdisplay_set_mode(d.vdisplay, &o, 0, 720, VDISPLAY_MHZ(60)), PF_E_INVALID);
	assert_int_equal(
		vdisplay_set_mode(d.vdisplay, &o, 1280, 100000, VDISPLAY_MHZ(60)), PF_E_INVALID);
	assert_int_equal(o.width, 1280);
	eye_close(&e);
	desk_close(&d);
}

static void send_click(struct inject *i, uint32_t w, uint32_t h)
{
	inject_event(i,
		&(struct pf_input){.kind = PF_INPUT_MOUSE_ABS,
			.x = (int32_t)w / 2,
			.y = (int32_t)h / 2,
			.flags = w << 16 | h});
	inject_event(i, &(struct pf_input){.kind = PF_INPUT_BUTTON_DOWN, .code = 1});
	inject_event(i, &(struct pf_input){.kind = PF_INPUT_BUTTON_UP, .code = 1});
}

static void two_outputs_are_two_desks(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output a, b, again;
	static struct eye ea, eb;
	desk_open(&d, true, NULL);
	add(&d, 1280, 720, 60, &a);
	add(&d, 1000, 700, 120, &b);
	assert_string_not_equal(a.name, b.name);
	eye_open(&ea, &a);
	eye_open(&eb, &b);
	struct inject *i = keyboard(&d, &b); /* the newest has the focus */
	wait_for_shell(&d, &eb, i, 1000, 700);
	type_colour(i, "0;192;0");
	assert_true(eye_wait_share(&d, &eb, 1000, 700, GREEN, MOST));
	assert_true(eye_share(&ea, 1280, 720, GREEN) < 0.01);
	inject_destroy(i);

	/* The pointer of the other moves on its own output and takes the focus there. */
	i = keyboard(&d, &a);
	assert_true(desk_run(&d, 10000, has_terminal, &ea));
	send_click(i, 1280, 720);
	type_colour(i, "255;0;0");
	assert_true(eye_wait_share(&d, &ea, 1280, 720, RED, MOST));
	assert_true(eye_share(&eb, 1000, 700, RED) < 0.01);
	inject_destroy(i);
	i = keyboard(&d, &b);
	send_click(i, 1000, 700);
	desk_type(i, "c=255\n");
	desk_run(&d, 200, NULL, NULL);
	inject_destroy(i);
	eye_close(&eb);

	/* One goes, and comes back as another size with what ran there. */
	vdisplay_remove_output(d.vdisplay, &b);
	add(&d, 800, 600, 60, &again);
	assert_string_not_equal(again.name, a.name);
	eye_open(&eb, &again);
	i = keyboard(&d, &again);
	type_colour(i, "0;0;'$c'");
	assert_true(eye_wait_share(&d, &eb, 800, 600, BLUE, MOST));
	inject_destroy(i);
	eye_close(&eb);
	eye_close(&ea);
	desk_close(&d);
}

/* Two clients at once: each one's keys go to its own display, though the seat is one. */
static void clients_that_take_turns_type_at_home(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output a, b;
	static struct eye ea, eb;
	desk_open(&d, true, NULL);
	add(&d, 1280, 720, 60, &a);
	eye_open(&ea, &a);
	struct inject *ia = keyboard(&d, &a);
	wait_for_shell(&d, &ea, ia, 1280, 720);
	add(&d, 1000, 700, 60, &b);
	eye_open(&eb, &b);
	struct inject *ib = keyboard(&d, &b);
	wait_for_shell(&d, &eb, ib, 1000, 700);
	static const struct {
		const char *name;
		uint32_t rgb;
	} colours[] = {{"255;0;0", RED}, {"0;192;0", GREEN}, {"0;0;255", BLUE}};
	for (size_t n = 0; n < 3; n++) {
		const uint32_t other = colours[(n + 1) % 3].rgb;
		if (n == 2) /* one that has pointed at something comes back to there */
			inject_event(ia,
				&(struct pf_input){.kind = PF_INPUT_MOUSE_ABS,
					.x = 10,
					.y = 10,
					.flags = 1280u << 16 | 720u});
		inject_claim(ib);
		type_colour(ib, colours[(n + 1) % 3].name);
		assert_true(eye_wait_share(&d, &eb, 1000, 700, other, MOST));
		inject_claim(ia);
		type_colour(ia, colours[n].name);
		assert_true(eye_wait_share(&d, &ea, 1280, 720, colours[n].rgb, MOST));
		assert_true(eye_share(&eb, 1000, 700, other) >= MOST);
	}
	inject_destroy(ia);
	inject_destroy(ib);
	eye_close(&ea);
	eye_close(&eb);
	desk_close(&d);
}

/* A client is away: what others type does not reach its display; it comes back to what it left, in another size. */
static void a_display_waits_for_its_client(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output a, b;
	static struct eye ea, eb;
	desk_open(&d, true, NULL);
	add(&d, 1280, 720, 60, &b);
	eye_open(&eb, &b);
	struct inject *i = keyboard(&d, &b);
	wait_for_shell(&d, &eb, i, 1280, 720);
	add(&d, 1000, 700, 60, &a);
	eye_open(&ea, &a);
	wait_for_shell(&d, &ea, i, 1000, 700);
	desk_type(i, "c=255\n");
	desk_run(&d, 200, NULL, NULL);
	eye_close(&ea);
	vdisplay_show_output(d.vdisplay, &a, false);
	type_colour(i, "0;192;0"); /* it had the focus, and the other has it now */
	assert_true(eye_wait_share(&d, &eb, 1280, 720, GREEN, MOST));

	const struct vdisplay_output before = a;
	assert_int_equal(vdisplay_set_mode(d.vdisplay, &a, 800, 600, VDISPLAY_MHZ(60)), 0);
	assert_string_equal(a.name, before.name);
	vdisplay_show_output(d.vdisplay, &a, true);
	eye_open(&ea, &a);
	type_colour(i, "'$c';0;0");
	assert_true(eye_wait_share(&d, &ea, 800, 600, RED, MOST));
	assert_true(eye_share(&eb, 1280, 720, GREEN) >= MOST);
	inject_destroy(i);
	eye_close(&ea);
	eye_close(&eb);
	desk_close(&d);
}

/* What a client left is there for it, and for nobody else. */
static void what_a_client_leaves_is_its_own(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output a, b, again;
	static const uint8_t alice[VDISPLAY_OWNER_LEN] = {1}, bob[VDISPLAY_OWNER_LEN] = {2};
	desk_open(&d, true, "sleep 76543.5");
	vdisplay_set_owner(d.vdisplay, alice);
	add(&d, 640, 480, 60, &a);
	vdisplay_remove_output(d.vdisplay, &(struct vdisplay_output){0}); /* nobody's */
	const struct vdisplay_output was = a;
	vdisplay_remove_output(d.vdisplay, &a);
	vdisplay_set_owner(d.vdisplay, bob);
	add(&d, 640, 480, 60, &b);
	assert_string_not_equal(b.name, was.name);
	vdisplay_set_owner(d.vdisplay, NULL);
	add(&d, 640, 480, 60, &a);
	assert_string_not_equal(a.name, was.name);
	const struct vdisplay_output free_one = a;
	vdisplay_remove_output(d.vdisplay, &a);
	vdisplay_set_owner(d.vdisplay, alice);
	add(&d, 800, 600, 60, &again);
	assert_string_equal(again.name, was.name);
	/* With nothing left she takes what is nobody's, rather than make one more. */
	add(&d, 640, 480, 60, &a);
	assert_string_equal(a.name, free_one.name);
	desk_close(&d);
}

/* Characters that no key of the layout has, of two and three bytes, and what ends the line. */
static void text_is_typed_as_it_is(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output o;
	static struct eye e;
	static const uint32_t line[] = {'[', ' ', 0xE9, 0x4E2D, ' ', '=', ' ', '"', '$', 'e', '"',
		' ', ']', '&', '&', 'r', '=', '2', '5', '5', '\n'};
	desk_open(&d, true, NULL);
	add(&d, 640, 480, 60, &o);
	eye_open(&e, &o);
	struct inject *i = keyboard(&d, &o);
	wait_for_shell(&d, &e, i, 640, 480);
	desk_type(i, "export LC_ALL=C.UTF-8; e=$(printf '\\303\\251\\344\\270\\255'); r=0\n");
	desk_run(&d, 300, NULL, NULL);
	for (size_t n = 0; n < sizeof(line) / sizeof(line[0]); n++)
		inject_event(i, &(struct pf_input){.kind = PF_INPUT_TEXT, .code = line[n]});
	desk_run(&d, 300, NULL, NULL);
	type_colour(i, "'$r';0;0"); /* the keys work as before */
	assert_true(eye_wait_share(&d, &e, 640, 480, RED, MOST));
	inject_destroy(i);
	eye_close(&e);
	desk_close(&d);
}

static bool is_lost(void *data)
{
	return ((struct desk *)data)->n_lost > 0;
}

static bool eye_lost(void *data)
{
	struct eye *e = data;
	pthread_mutex_lock(&e->lock);
	const bool lost = e->n_lost > 0;
	pthread_mutex_unlock(&e->lock);
	return lost;
}

static void a_killed_sway_is_told_and_started_again(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output o, next;
	static struct eye e;
	desk_open(&d, true, NULL);
	add(&d, 1280, 720, 60, &o);
	eye_open(&e, &o);
	assert_true(desk_run(&d, 10000, has_terminal, &e));
	struct inject *i = keyboard(&d, &o);
	const int pid = desk_sway_pid();
	assert_true(pid > 0);
	kill(pid, SIGKILL);
	assert_true(desk_run(&d, 5000, is_lost, &d));
	assert_true(desk_run(&d, 5000, eye_lost, &e));
	assert_int_equal(d.n_lost, 1);
	assert_int_equal(e.n_lost, 1);
	assert_non_null(strstr(d.lost_why, "signal 9"));
	assert_int_not_equal(e.lost_why[0], 0);
	desk_type(i, "into the void\n");
	inject_destroy(i);
	eye_close(&e);
	assert_int_equal(vdisplay_set_mode(d.vdisplay, &o, 800, 600, VDISPLAY_MHZ(60)), PF_E_IO);

	add(&d, 1280, 720, 60, &next);
	vdisplay_remove_output(d.vdisplay, &o); /* late, and of the same name: not the new one's */
	assert_int_equal(vdisplay_set_mode(d.vdisplay, &next, 1280, 721, VDISPLAY_MHZ(60)), 0);
	assert_int_equal(vdisplay_set_mode(d.vdisplay, &next, 1280, 720, VDISPLAY_MHZ(60)), 0);
	eye_open(&e, &next);
	assert_true(desk_run(&d, 10000, has_terminal, &e));
	assert_int_equal(d.n_lost, 1);
	eye_close(&e);
	desk_close(&d);
}

static void a_hung_sway_hangs_nobody(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output o, never, other;
	static struct eye e;
	desk_open(&d, true, NULL);
	add(&d, 1000, 700, 60, &other);
	const struct vdisplay_output gone = other;
	add(&d, 640, 480, 60, &o);
	eye_open(&e, &o);
	struct inject *i = keyboard(&d, &o);
	wait_for_shell(&d, &e, i, 640, 480);
	const int pid = desk_sway_pid();
	assert_true(pid > 0);
	kill(pid, SIGSTOP);
	uint64_t start_ns = clock_now_ns();
	assert_int_equal(
		vdisplay_add_output(d.vdisplay, 800, 600, VDISPLAY_MHZ(60), &never), PF_E_TIMEOUT);
	assert_true(clock_now_ns() - start_ns < UINT64_C(5000000000));
	assert_non_null(strstr(vdisplay_why_output(d.vdisplay), "sway does not answer"));
	/* Who comes next does not hold the loop again, nor does who goes. */
	start_ns = clock_now_ns();
	assert_int_equal(
		vdisplay_add_output(d.vdisplay, 800, 600, VDISPLAY_MHZ(60), &never), PF_E_TIMEOUT);
	const struct vdisplay_output before = o;
	assert_int_equal(
		vdisplay_set_mode(d.vdisplay, &o, 800, 600, VDISPLAY_MHZ(60)), PF_E_TIMEOUT);
	vdisplay_show_output(d.vdisplay, &o, true);
	vdisplay_remove_output(d.vdisplay, &other);
	assert_true(clock_now_ns() - start_ns < UINT64_C(500000000));
	assert_string_equal(o.name, before.name);
	/* More than any socket takes. */
	start_ns = clock_now_ns();
	inject_event(i, &(struct pf_input){.kind = PF_INPUT_KEY_DOWN, .code = 'A'});
	for (int n = 0; n < 100000; n++) {
		inject_event(i,
			&(struct pf_input){.kind = PF_INPUT_MOUSE_ABS,
				.x = n % 640,
				.flags = 640u << 16 | 480u});
		inject_event(i,
			&(struct pf_input){
				.kind = n & 1 ? PF_INPUT_KEY_UP : PF_INPUT_KEY_DOWN, .code = 'B'});
	}
	inject_event(i, &(struct pf_input){.kind = PF_INPUT_KEY_UP, .code = 'A'});
	assert_true(clock_now_ns() - start_ns < UINT64_C(5000000000));
	kill(pid, SIGCONT);
	desk_run(&d, 1500, NULL, NULL);
	/* What was lost in between does not stay down: no A and no B in the line. */
	desk_type(i, "\n");
	type_colour(i, "255;0;0");
	assert_true(eye_wait_share(&d, &e, 640, 480, RED, MOST));
	/* Once sway may be asked again, what could not go goes: its place is the next one's. */
	desk_run(&d, 5000, NULL, NULL);
	add(&d, 800, 600, 60, &never);
	assert_string_equal(never.name, gone.name);
	inject_destroy(i);
	eye_close(&e);
	desk_close(&d);
}

/* The folders of sessions that no host holds, among those that are ours to see. */
static int count_abandoned(void)
{
	const char *const bases[] = {"/run", "/tmp"};
	int n = 0;
	for (size_t i = 0; i < 2; i++) {
		DIR *dir = opendir(bases[i]);
		const struct dirent *e;
		while (dir && (e = readdir(dir)) != NULL) {
			char path[300];
			struct stat st;
			if (strncmp(e->d_name, "punktfunk-sway-", 15) != 0)
				continue;
			snprintf(path, sizeof(path), "%s/%s", bases[i], e->d_name);
			const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			n += fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
				flock(fd, LOCK_SH | LOCK_NB) == 0;
			if (fd >= 0)
				close(fd);
		}
		if (dir)
			closedir(dir);
	}
	return n;
}

/* Processes that have `needle` in their command line. */
static int count_processes(const char *needle)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	int n = 0;
	while (dir && (e = readdir(dir)) != NULL) {
		char path[300], text[4096];
		if (e->d_name[0] < '0' || e->d_name[0] > '9' || atoi(e->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		FILE *f = fopen(path, "re");
		const size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
		if (f)
			fclose(f);
		for (size_t k = 0; k < len; k++)
			text[k] = text[k] ? text[k] : ' ';
		text[len] = 0;
		n += strstr(text, needle) != NULL;
	}
	if (dir)
		closedir(dir);
	return n;
}

static void cycles_leave_nothing_behind(void **state)
{
	(void)state;
	/* One that detaches itself and one that ignores being asked: both go with the session. */
	const char *app = "setsid -f sleep 54321.5 & trap '' TERM; while :; do sleep 54321.5; done";
	for (int n = 0; n < 20; n++) {
		static struct desk d;
		struct vdisplay_output o;
		desk_open(&d, true, app);
		add(&d, 640, 480, 60, &o);
		if (n == 10)
			desk_run(&d, 300, NULL, NULL);
		desk_close(&d);
	}
	assert_int_equal(count_abandoned(), 0);
	assert_int_equal(count_processes("54321.5"), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void a_killed_host_takes_its_session_along(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	const pid_t host = fork();
	if (host == 0) {
		static struct desk d;
		struct vdisplay_output o;
		desk_open(&d, true, "sleep 65432.5");
		add(&d, 640, 480, 60, &o);
		desk_run(&d, 300, NULL, NULL);
		if (write(fds[1], &o, sizeof(o)) != sizeof(o))
			_exit(1);
		pause();
		_exit(1);
	}
	struct vdisplay_output o;
	close(fds[1]);
	assert_int_equal(read(fds[0], &o, sizeof(o)), sizeof(o));
	close(fds[0]);
	assert_int_not_equal(count_processes("65432.5"), 0);
	char *slash = strstr(o.wayland_display, "/run/wayland");
	assert_non_null(slash);
	*slash = 0;
	kill(host, SIGKILL);
	assert_int_equal(waitpid(host, NULL, 0), host);
	for (int n = 0; n < 250 && count_processes(o.wayland_display) + count_processes("65432.5");
		n++)
		usleep(20000);
	assert_int_equal(count_processes("65432.5"), 0);
	assert_int_equal(count_processes(o.wayland_display), 0);
	assert_int_equal(access(o.wayland_display, F_OK), 0);
	/* The next session clears away what the dead host could not. */
	static struct desk d;
	desk_open(&d, true, "sleep 65432.5");
	assert_int_equal(access(o.wayland_display, F_OK), -1);
	desk_close(&d);
}

static void a_running_sway_is_used_and_left_alone(void **state)
{
	(void)state;
	static struct desk owner, guest;
	struct vdisplay_output theirs, ours;
	static struct eye e;
	desk_open(&owner, true, NULL);
	add(&owner, 1280, 720, 60, &theirs);
	char path[128];
	snprintf(path, sizeof(path), "%s", theirs.wayland_display);
	snprintf(strrchr(path, '/'), 16, "/sway.sock");
	setenv("SWAYSOCK", path, 1);
	desk_open(&guest, false, NULL);
	unsetenv("SWAYSOCK");
	add(&guest, 800, 600, 60, &ours);
	assert_string_equal(ours.wayland_display, theirs.wayland_display);
	assert_string_not_equal(ours.name, theirs.name);
	eye_open(&e, &ours);
	desk_run(&guest, 500, NULL, NULL);
	assert_int_not_equal(eye_sized_ns(&e, 800, 600), 0);
	eye_close(&e);
	/* The owner shows the guest a window; it does not go with the guest. */
	struct sway_ipc ipc;
	assert_int_equal(sway_ipc_open(&ipc, path), 0);
	assert_int_equal(
		sway_ipc_command(&ipc, "[title=\".*\"] move container to output %s", ours.name), 0);
	sway_ipc_close(&ipc);
	vdisplay_remove_output(guest.vdisplay, &ours);

	/* Their display has the window and the focus again: the keys go there. */
	eye_open(&e, &theirs);
	struct inject *i = keyboard(&owner, &theirs);
	wait_for_shell(&owner, &e, i, 1280, 720);
	type_colour(i, "255;0;0");
	assert_true(eye_wait_share(&owner, &e, 1280, 720, RED, MOST));
	inject_destroy(i);
	eye_close(&e);

	desk_close(&guest);
	assert_int_equal(
		vdisplay_set_mode(owner.vdisplay, &theirs, 1280, 721, VDISPLAY_MHZ(60)), 0);

	setenv("SWAYSOCK", path, 1);
	desk_open(&guest, false, NULL);
	unsetenv("SWAYSOCK");
	desk_close(&owner);
	assert_true(desk_run(&guest, 5000, is_lost, &guest));
	assert_int_equal(guest.n_lost, 1);
	desk_close(&guest);
}

static void without_sway_it_says_what_to_install(void **state)
{
	(void)state;
	char *path = strdup(getenv("PATH"));
	const struct vdisplay_params params = {.own_session = true};
	struct vdisplay *v;
	const char *why = NULL;
	setenv("PATH", "/nonexistent", 1);
	const int err = vdisplay_create(&v, NULL, &params, &why);
	setenv("PATH", path, 1);
	free(path);
	assert_int_equal(err, PF_E_UNSUPPORTED);
	assert_null(v);
	assert_non_null(why);
	assert_non_null(strstr(why, "install the packages sway"));
}

static void a_sway_that_cannot_start_says_why(void **state)
{
	(void)state;
	const struct vdisplay_params params = {.own_session = true};
	const struct vdisplay_params stranger = {.own_session = true, .user = "no-such-user"};
	struct vdisplay *v;
	const char *why = NULL;
	/* A sway that gives a reason and goes. */
	char dir[] = "/tmp/punktfunk-test-XXXXXX", file[64], path[4096];
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/sway", dir);
	FILE *f = fopen(file, "we");
	assert_non_null(f);
	fputs("#!/bin/sh\necho first >&2\necho 'no \033[1mrenderer' >&2\nexit 3\n", f);
	fclose(f);
	assert_int_equal(chmod(file, 0755) + chmod(dir, 0755), 0);
	char *old = strdup(getenv("PATH"));
	snprintf(path, sizeof(path), "%s:%s", dir, old);
	setenv("PATH", path, 1);
	const int err = vdisplay_create(&v, "wlroots", &params, &why);
	setenv("PATH", old, 1);
	free(old);
	unlink(file);
	rmdir(dir);
	assert_int_equal(err, PF_E_IO);
	assert_non_null(strstr(why, "first|no ?[1mrenderer"));
	assert_int_equal(vdisplay_create(&v, "wlroots", &stranger, &why), PF_E_INVALID);
	assert_non_null(strstr(why, "no-such-user"));
	assert_int_equal(count_abandoned(), 0);
}

static int become_user(void)
{
	const char *text = getenv("PUNKTFUNK_TEST_UID");
	if (!text)
		return 0;
	const uid_t uid = (uid_t)atoi(text);
	if (geteuid() != 0)
		return -1;
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return -1;
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("HOME");
	return chdir("/");
}

#define TEST(f) cmocka_unit_test_teardown(f, desk_close_all)

int main(int argc, char **argv)
{
	const int skip = desk_begin("sway foot", argc, argv);
	if (skip)
		return skip;
	if (become_user() < 0) {
		puts("only root can run this as another user");
		return 77;
	}
	const struct CMUnitTest tests[] = {
		TEST(without_sway_it_says_what_to_install),
		TEST(a_sway_that_cannot_start_says_why),
		TEST(a_terminal_is_shown_and_typed_into),
		TEST(a_binding_with_modifiers_works),
		TEST(the_keypad_types_digits),
		TEST(the_pointer_alone_makes_pictures),
		TEST(a_mode_switch_is_followed),
		TEST(two_outputs_are_two_desks),
		TEST(clients_that_take_turns_type_at_home),
		TEST(a_display_waits_for_its_client),
		TEST(what_a_client_leaves_is_its_own),
		TEST(text_is_typed_as_it_is),
		TEST(a_killed_sway_is_told_and_started_again),
		TEST(a_hung_sway_hangs_nobody),
		TEST(cycles_leave_nothing_behind),
		TEST(a_killed_host_takes_its_session_along),
		TEST(a_running_sway_is_used_and_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
