/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/loss.h"

#include "core/fec/fec.h"

/* Charts: one is this large, with room around it for its axes. */
enum { CHART_W = 240, CHART_H = 150, PAD_LEFT = 44, PAD_TOP = 30, PAD_BOTTOM = 34, PAD_RIGHT = 14 };

static const char *const kinds[LOSS_KINDS] = {"random", "bursty"};
static const char *const colours[] = {
	"#444444", "#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#bbbbbb"};

static const char *field_name(unsigned scheme)
{
	return scheme == PF_FEC_GF8 ? "GF(2^8)" : "GF(2^16)";
}

static double whole_percent(const struct loss_cell *c)
{
	return c->n_frames ? 100.0 * c->n_whole / c->n_frames : 0;
}

/* Calls draw for each group of cells that share all but parity and loss. */
static void for_each_group(FILE *out, const struct loss_axes *a, const struct loss_cell *cells,
	void (*draw)(FILE *out, const struct loss_axes *a, const struct loss_cell *group, size_t n))
{
	size_t size = a->n_parity * a->n_loss;
	for (size_t g = 0; g < loss_count(a) / size; g++)
		draw(out, a, cells + g * size, g);
}

static void print_table(
	FILE *out, const struct loss_axes *a, const struct loss_cell *group, size_t n)
{
	(void)n;
	fprintf(out, "%s, %s loss, frames of %zu bytes: frames that arrive whole, in percent\n",
		field_name(group->scheme), kinds[group->kind], group->frame_bytes);
	fprintf(out, "%14s", "parity:");
	for (size_t p = 0; p < a->n_parity; p++)
		fprintf(out, "%8u%%", a->parity[p]);
	fprintf(out, "\n");
	for (size_t l = 0; l < a->n_loss; l++) {
		fprintf(out, "  loss %6.1f%% ", 100 * a->loss[l]);
		for (size_t p = 0; p < a->n_parity; p++)
			fprintf(out, "%9.1f", whole_percent(&group[p * a->n_loss + l]));
		fprintf(out, "\n");
	}
	fprintf(out, "\n");
}

void loss_print_tables(FILE *out, const struct loss_axes *a, const struct loss_cell *cells)
{
	for_each_group(out, a, cells, print_table);
}

void loss_write_csv(FILE *out, const struct loss_cell *cells, size_t n)
{
	fprintf(out,
		"field,loss_kind,frame_bytes,parity_percent,loss_percent,frames,frames_whole,"
		"frames_repaired,packets_sent,packets_lost,shards_rebuilt\n");
	for (size_t i = 0; i < n; i++) {
		const struct loss_cell *c = &cells[i];
		fprintf(out, "%s,%s,%zu,%u,%.1f,%u,%u,%u,%llu,%llu,%llu\n",
			c->scheme == PF_FEC_GF8 ? "gf8" : "gf16", kinds[c->kind], c->frame_bytes,
			c->parity_percent, 100 * c->loss, c->n_frames, c->n_whole, c->n_repaired,
			(unsigned long long)c->packets_sent, (unsigned long long)c->packets_lost,
			(unsigned long long)c->shards_rebuilt);
	}
}

static double x_of(const struct loss_axes *a, double loss)
{
	double max = a->loss[a->n_loss - 1];
	return max > 0 ? loss / max * CHART_W : 0;
}

static void draw_axes(FILE *out, const struct loss_axes *a, const struct loss_cell *group)
{
	fprintf(out, "<text x='0' y='-10' font-weight='bold'>%s, %s, %zu kB</text>\n",
		field_name(group->scheme), kinds[group->kind], group->frame_bytes / 1000);
	for (int y = 0; y <= 100; y += 25)
		fprintf(out,
			"<path d='M0 %d h%d' stroke='#dddddd'/>"
			"<text x='-6' y='%d' text-anchor='end'>%d%%</text>\n",
			CHART_H - y * CHART_H / 100, CHART_W, CHART_H - y * CHART_H / 100 + 4, y);
	int last_percent = (int)(100 * a->loss[a->n_loss - 1] + 0.5);
	for (int percent = 0; percent <= last_percent; percent += 5)
		fprintf(out, "<text x='%.1f' y='%d' text-anchor='middle'>%d%%</text>\n",
			x_of(a, percent / 100.0), CHART_H + 16, percent);
}

static void draw_chart(
	FILE *out, const struct loss_axes *a, const struct loss_cell *group, size_t n)
{
	size_t column = n / a->n_frame_bytes, row = n % a->n_frame_bytes;
	fprintf(out, "<g transform='translate(%zu %zu)'>\n",
		column * (PAD_LEFT + CHART_W + PAD_RIGHT) + PAD_LEFT,
		row * (PAD_TOP + CHART_H + PAD_BOTTOM) + PAD_TOP + PAD_TOP);
	draw_axes(out, a, group);
	for (size_t p = 0; p < a->n_parity; p++) {
		fprintf(out, "<polyline fill='none' stroke-width='1.5' stroke='%s' points='",
			colours[p % (sizeof(colours) / sizeof(colours[0]))]);
		for (size_t l = 0; l < a->n_loss; l++)
			fprintf(out, "%.1f,%.1f ", x_of(a, a->loss[l]),
				CHART_H - whole_percent(&group[p * a->n_loss + l]) * CHART_H / 100);
		fprintf(out, "'/>\n");
	}
	fprintf(out, "</g>\n");
}

void loss_write_svg(FILE *out, const struct loss_axes *a, const struct loss_cell *cells)
{
	size_t columns = a->n_schemes * LOSS_KINDS;
	size_t w = columns * (PAD_LEFT + CHART_W + PAD_RIGHT);
	size_t h = a->n_frame_bytes * (PAD_TOP + CHART_H + PAD_BOTTOM) + PAD_TOP;
	fprintf(out,
		"<svg xmlns='http://www.w3.org/2000/svg' width='%zu' height='%zu' "
		"font-family='sans-serif' font-size='11'>\n"
		"<rect width='100%%' height='100%%' fill='white'/>\n"
		"<text x='%d' y='18'>Frames that arrive whole, over packets lost. Parity:</text>\n",
		w, h, PAD_LEFT);
	for (size_t p = 0; p < a->n_parity; p++)
		fprintf(out, "<text x='%zu' y='18' fill='%s' font-weight='bold'>%u%%</text>\n",
			PAD_LEFT + 290 + p * 44,
			colours[p % (sizeof(colours) / sizeof(colours[0]))], a->parity[p]);
	for_each_group(out, a, cells, draw_chart);
	fprintf(out, "</svg>\n");
}
