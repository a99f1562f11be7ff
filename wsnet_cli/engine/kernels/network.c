/* Runs the layers of a network block by block, so that memory does not grow with the window.
 *
 * Each convolution holds the input rows that it still needs. As soon as they are enough for a block
 * of its outputs it computes them and hands them on; at the end of the window it computes the rest.
 */
#include <string.h>

#include "kernels.h"

#define ALIGNMENT 64

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define GUARD ALIGNMENT /* bytes behind each part of the workspace that nobody may touch */
#else
#define GUARD 0
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

typedef struct {
  const wsnet_layer *layer;
  float *rows;    /* padded input that is still needed; row 0 belongs to the next output */
  float *out;     /* a block of outputs */
  int64_t n_held; /* rows that are there */
  int64_t n_leap; /* rows to come that a long stride leaps over */
} stage;

typedef struct {
  const wsnet_kernels *kernels;
  const wsnet_layer *head; /* mean or flatten */
  stage *stages;
  int32_t n_stages;
  float *scratch;
  double *sums;          /* mean: of each column */
  float *values, *other; /* what the linear layers read and write, in turn */
  int64_t n_columns;     /* of the last map */
  int64_t n_steps;       /* rows of the last map so far */
  int64_t n_values;      /* flatten: values that the linear layer after it takes */
  int64_t size;          /* bytes of the workspace so far */
} run;

static void *take(run *r, char *workspace, int64_t bytes) {
  char *at = workspace ? workspace + r->size : NULL;
  const int64_t whole = wsnet_round_up(bytes, ALIGNMENT) + GUARD;
  r->size += whole;
  if (GUARD && at) ASAN_POISON_MEMORY_REGION(at + bytes, (size_t)(whole - bytes));
  return at;
}

/* Rows that must be readable for n outputs: with lanes over time, n is rounded up to the lanes. */
static int64_t readable_rows(const wsnet_layer *layer, int64_t n, int64_t lanes) {
  const int by_filters = layer->kind == WSNET_MAP_CONV || layer->way == WSNET_FILTER_LANES;
  const int unit = by_filters ? 1 : (int)lanes;
  return wsnet_input_rows(layer, wsnet_round_up(n, unit));
}

/* Bands that a mean takes together. */
static int64_t head_bands(const run *r) { return wsnet_max(1, r->head->n_bands); }

static int is_convolution(const wsnet_layer *layer) {
  return layer->kind == WSNET_CONV || layer->kind == WSNET_MAP_CONV;
}

/* Lay the workspace out; with NULL only its size is found. */
static void prepare(run *r, const wsnet_layer *layers, int32_t n_layers,
                    const wsnet_kernels *kernels, char *workspace) {
  int64_t pushed = 1, n_scratch = 0, widest = 1;
  r->kernels = kernels;
  r->size = 0;
  r->n_columns = 1;
  for (r->n_stages = 0; is_convolution(layers + r->n_stages);) r->n_stages++;
  r->head = layers + r->n_stages;
  r->stages = take(r, workspace, r->n_stages * (int64_t)sizeof(stage));
  for (int32_t i = 0; i < r->n_stages; i++) {
    const wsnet_layer *layer = layers + i;
    const int64_t n_columns = wsnet_row_out(layer);
    int64_t n_rows = readable_rows(layer, layer->block, kernels->lanes);
    if (i == 0) pushed = n_rows; /* see `feed` */
    n_rows += pushed + 2 * (int64_t)layer->padding;
    float *rows = take(r, workspace, n_rows * wsnet_row_in(layer) * (int64_t)sizeof(float));
    float *out = take(r, workspace, layer->block * n_columns * (int64_t)sizeof(float));
    if (workspace) r->stages[i] = (stage){layer, rows, out, 0, 0};
    n_scratch = wsnet_max(n_scratch, kernels->scratch_floats(layer));
    pushed = layer->block;
    r->n_columns = n_columns;
  }
  const wsnet_layer *last = layers + n_layers - 1;
  r->n_values = r->head < last ? r->head[1].n_in : r->n_columns / head_bands(r);
  for (const wsnet_layer *layer = r->head; layer <= last; layer++)
    widest = wsnet_max(widest, layer->kind == WSNET_LINEAR ? layer->n_out : r->n_values);
  r->scratch = take(r, workspace, n_scratch * (int64_t)sizeof(float));
  r->sums = take(r, workspace, r->n_columns * (int64_t)sizeof(double));
  r->values = take(r, workspace, widest * (int64_t)sizeof(float));
  r->other = take(r, workspace, widest * (int64_t)sizeof(float));
}

/* Take rows of the last map. */
static void reduce(run *r, const float *rows, int64_t n) {
  const int64_t n_columns = r->n_columns, n_steps = r->n_values / n_columns;
  for (int64_t t = 0; t < n; t++, r->n_steps++)
    for (int64_t c = 0; c < n_columns; c++) {
      float value = rows[t * n_columns + c];
      if (r->head->kind == WSNET_MEAN)
        r->sums[c] += (double)value;
      else if (r->n_steps < n_steps)
        r->values[c * n_steps + r->n_steps] = value;
    }
}

/* The means over time of what `reduce` took, of maps over bands too. */
static void mean(run *r) {
  const int64_t n_bands = head_bands(r), n_maps = r->n_columns / n_bands;
  for (int64_t c = 0; c < n_maps; c++) {
    double sum = 0.0;
    for (int64_t f = 0; f < n_bands; f++) sum += r->sums[f * n_maps + c];
    r->values[c] = (float)(sum / (double)(n_bands * wsnet_max(1, r->n_steps)));
  }
}

/* Pooled outputs that n_rows of padded input give. */
static int64_t outputs_of(const wsnet_layer *layer, int64_t n_rows) {
  const int64_t n = n_rows < layer->length ? 0 : (n_rows - layer->length) / layer->stride + 1;
  return n < layer->pool_size ? 0 : (n - layer->pool_size) / layer->pool_stride + 1;
}

static void push(run *r, int32_t i, const float *rows, int64_t n);

/* Compute what stage i can: whole blocks, or everything at the end of its input. */
static void compute(run *r, int32_t i, int at_end) {
  stage *s = r->stages + i;
  const wsnet_layer *layer = s->layer;
  for (;;) {
    const int64_t n = wsnet_min(layer->block, outputs_of(layer, s->n_held));
    if (n == 0 || (n < layer->block && !at_end)) return;
    r->kernels->conv(layer, s->rows, n, s->out, r->scratch);
    const int64_t step = n * layer->pool_stride * layer->stride;
    const int64_t used = wsnet_min(step, s->n_held);
    s->n_held -= used;
    s->n_leap = step - used;
    const int64_t row = wsnet_row_in(layer);
    memmove(s->rows, s->rows + used * row, (size_t)(s->n_held * row) * sizeof(float));
    push(r, i + 1, s->out, n);
  }
}

/* Zeros at either end of a row: nothing is ever written there. */
static int64_t padding_in_row(const wsnet_layer *layer) {
  return layer->kind == WSNET_MAP_CONV ? (int64_t)layer->band_padding * layer->n_in : 0;
}

static void push(run *r, int32_t i, const float *rows, int64_t n) {
  if (i == r->n_stages) {
    reduce(r, rows, n);
    return;
  }
  stage *s = r->stages + i;
  const int64_t row = wsnet_row_in(s->layer), n_leapt = wsnet_min(s->n_leap, n);
  const int64_t beside = padding_in_row(s->layer), n_values = row - 2 * beside;
  s->n_leap -= n_leapt;
  rows += n_leapt * n_values;
  n -= n_leapt;
  float *to = s->rows + s->n_held * row + beside;
  if (beside == 0)
    memcpy(to, rows, (size_t)(n * row) * sizeof(float));
  else
    for (int64_t t = 0; t < n; t++)
      memcpy(to + t * row, rows + t * n_values, (size_t)n_values * sizeof(float));
  s->n_held += n;
  compute(r, i, 0);
}

static void pad(stage *s) {
  const int64_t row = wsnet_row_in(s->layer), n = wsnet_max(0, s->layer->padding - s->n_leap);
  memset(s->rows + s->n_held * row, 0, (size_t)(n * row) * sizeof(float));
  s->n_held += n;
}

/* Give the window to the first convolution. Only its two ends, which touch the padding, are copied;
 * between them whole blocks are computed from where they lie. */
static void feed(run *r, const float *window, int64_t n_samples) {
  stage *s = r->stages;
  const wsnet_layer *layer = s->layer;
  const int64_t step = (int64_t)layer->block * layer->pool_stride * layer->stride;
  const int64_t n_rows = readable_rows(layer, layer->block, r->kernels->lanes);
  int64_t start = wsnet_min(n_samples, n_rows);
  push(r, 0, window, start);
  if (s->n_held <= start && start - s->n_held + s->n_leap + n_rows <= n_samples) {
    start += s->n_leap - s->n_held;
    s->n_held = s->n_leap = 0;
    for (; start + n_rows <= n_samples; start += step) {
      r->kernels->conv(layer, window + start, layer->block, s->out, r->scratch);
      push(r, 1, s->out, layer->block);
    }
    s->n_leap = wsnet_max(0, start - n_samples);
  }
  while (start < n_samples) {
    const int64_t n_leapt = wsnet_min(s->n_leap, n_samples - start);
    s->n_leap -= n_leapt;
    start += n_leapt;
    const int64_t n = wsnet_min(n_rows, n_samples - start);
    push(r, 0, window + start, n);
    start += n;
  }
}

static void reduce_window(run *r, const float *window, int64_t n_samples) {
  r->n_steps = 0;
  memset(r->sums, 0, (size_t)r->n_columns * sizeof(double));
  for (int32_t i = 0; i < r->n_stages; i++) {
    r->stages[i].n_held = r->stages[i].n_leap = 0;
    pad(r->stages + i);
  }
  if (r->n_stages)
    feed(r, window, n_samples);
  else
    reduce(r, window, n_samples);
  for (int32_t i = 0; i < r->n_stages; i++) {
    pad(r->stages + i);
    compute(r, i, 1);
  }
  if (r->head->kind == WSNET_MEAN) mean(r);
}

int64_t wsnet_workspace_bytes(const wsnet_layer *layers, int32_t n_layers, int32_t isa) {
  run r;
  prepare(&r, layers, n_layers, wsnet_kernels_of(isa), NULL);
  return r.size;
}

void wsnet_run(const wsnet_layer *layers, int32_t n_layers, int32_t isa, const float *windows,
               int64_t n_windows, int64_t n_samples, void *workspace, float *logits,
               float *features) {
  run r;
  prepare(&r, layers, n_layers, wsnet_kernels_of(isa), workspace);
  const wsnet_layer *last = layers + n_layers - 1;
  const int64_t n_logits = last->kind == WSNET_LINEAR ? last->n_out : r.n_values;
  for (int64_t i = 0; i < n_windows; i++) {
    reduce_window(&r, windows + i * n_samples, n_samples);
    float *values = r.values, *other = r.other;
    for (const wsnet_layer *layer = r.head + 1; layer <= last; layer++) {
      if (features && layer == last)
        memcpy(features + i * layer->n_in, values, (size_t)layer->n_in * sizeof(float));
      r.kernels->linear(layer, values, other);
      float *swap = values;
      values = other;
      other = swap;
    }
    memcpy(logits + i * n_logits, values, (size_t)n_logits * sizeof(float));
  }
  if (GUARD) ASAN_UNPOISON_MEMORY_REGION(workspace, (size_t)r.size);
}
