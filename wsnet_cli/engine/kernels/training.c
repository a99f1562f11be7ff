/* The training kernels item by item, and the way between maps and rows. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "training.h"

/* What flows back beside the chosen gradients: see wsnet_train_input_gradient. */
typedef struct wsnet_flow {
  const float *filters, *mixing, *constant, *band, *band_shift;
} wsnet_flow;

typedef struct wsnet_training {
  int64_t (*row_floats)(const wsnet_block *);
  int64_t (*scratch_floats)(const wsnet_block *);
  int64_t (*filter_floats)(const wsnet_block *);
  int64_t (*band_outputs)(const wsnet_block *);
  void (*moments)(const wsnet_block *, const float *rows, double *sums, double *products,
                  float *scratch);
  void (*outputs)(const wsnet_block *, const float *rows, const float *weights, const float *scale,
                  const float *shift, float *out, uint8_t *chosen, float *scratch);
  void (*weight_gradient)(const wsnet_block *, const float *rows, const float *gradient,
                          const uint8_t *chosen, double *sums, double *products, float *scratch);
  float *(*row_gradient)(const wsnet_block *, const float *rows, const float *gradient,
                         const uint8_t *chosen, const wsnet_flow *, float *scratch);
} wsnet_training;

static inline int64_t wsnet_n_taps(const wsnet_block *block) {
  return block->length * block->n_columns;
}

/* Values between windows. */
static inline int64_t wsnet_gap(const wsnet_block *block) {
  return block->stride * block->n_columns;
}

/* Values that the windows cover. */
static inline int64_t wsnet_covered(const wsnet_block *block) {
  return (block->n_steps - 1) * wsnet_gap(block) + wsnet_n_taps(block);
}

/* The greatest common divisor. */
static inline int64_t wsnet_common(int64_t a, int64_t b) {
  while (b) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

#define PER_ISA "training.inc"
#include "each_isa.inc"

static const wsnet_training *training_of(int32_t isa) { CHOOSE(wsnet_training, isa) }

int64_t wsnet_train_row_floats(const wsnet_block *block, int32_t isa) {
  return training_of(isa)->row_floats(block);
}

int64_t wsnet_train_scratch_floats(const wsnet_block *block, int32_t isa) {
  return training_of(isa)->scratch_floats(block);
}

int64_t wsnet_train_filter_floats(const wsnet_block *block, int32_t isa) {
  return training_of(isa)->filter_floats(block);
}

int64_t wsnet_train_band_outputs(const wsnet_block *block, int32_t isa) {
  return training_of(isa)->band_outputs(block);
}

/* Maps to rows: channel groups summed, columns side by side, zeros around. */
static void gather(const wsnet_block *block, const float *restrict map, float *restrict rows,
                   int64_t n_floats) {
  const int64_t n_columns = block->n_columns, n = block->n_samples;
  const int64_t n_groups = block->n_channels / n_columns, n_before = block->padding * n_columns;
  float *inner = rows + n_before;
  memset(rows, 0, (size_t)n_before * sizeof(float));
  memset(inner + n * n_columns, 0, (size_t)(n_floats - n_before - n * n_columns) * sizeof(float));
  for (int64_t c = 0; c < n_columns; c++)
    for (int64_t g = 0; g < n_groups; g++) {
      const float *from = map + (g * n_columns + c) * n;
      if (g == 0)
        for (int64_t t = 0; t < n; t++) inner[t * n_columns + c] = from[t];
      else
        for (int64_t t = 0; t < n; t++) inner[t * n_columns + c] += from[t];
    }
}

/* The gradient of `gather`. */
static void spread(const wsnet_block *block, const float *restrict rows, float *restrict map) {
  const int64_t n_columns = block->n_columns, n = block->n_samples;
  const float *inner = rows + block->padding * n_columns;
  for (int64_t c = 0; c < n_columns; c++)
    for (int64_t t = 0; t < n; t++) map[c * n + t] = inner[t * n_columns + c];
  for (int64_t c = n_columns; c < block->n_channels; c += n_columns)
    memcpy(map + c * n, map, (size_t)(n_columns * n) * sizeof(float));
}

void wsnet_train_moments(const wsnet_block *block, int32_t isa, int64_t n_items, const float *maps,
                         float *rows, double *sums, double *products, float *scratch) {
  const wsnet_training *training = training_of(isa);
  const int64_t n_floats = training->row_floats(block);
  for (int64_t i = 0; i < n_items; i++, rows += n_floats) {
    gather(block, maps + i * block->n_channels * block->n_samples, rows, n_floats);
    training->moments(block, rows, sums, products, scratch);
  }
}

void wsnet_train_outputs(const wsnet_block *block, int32_t isa, int64_t n_items, const float *rows,
                         const float *weights, const float *scale, const float *shift, float *out,
                         uint8_t *chosen, float *scratch) {
  const wsnet_training *training = training_of(isa);
  const int64_t n_floats = training->row_floats(block), n = block->n_filters * block->n_pooled;
  for (int64_t i = 0; i < n_items; i++)
    training->outputs(block, rows + i * n_floats, weights, scale, shift, out + i * n,
                      chosen + i * n, scratch);
}

void wsnet_train_weight_gradient(const wsnet_block *block, int32_t isa, int64_t n_items,
                                 const float *rows, const float *gradient, const uint8_t *chosen,
                                 double *sums, double *products, float *scratch) {
  const wsnet_training *training = training_of(isa);
  const int64_t n_floats = training->row_floats(block), n = block->n_filters * block->n_pooled;
  for (int64_t i = 0; i < n_items; i++)
    training->weight_gradient(block, rows + i * n_floats, gradient + i * n, chosen + i * n, sums,
                              products, scratch);
}

void wsnet_train_input_gradient(const wsnet_block *block, int32_t isa, int64_t n_items,
                                const float *rows, const float *gradient, const uint8_t *chosen,
                                const float *filters, const float *mixing, const float *constant,
                                const float *band, const float *band_shift, float *map_gradient,
                                float *scratch) {
  const wsnet_training *training = training_of(isa);
  const wsnet_flow flow = {filters, mixing, constant, band, band_shift};
  const int64_t n_floats = training->row_floats(block), n = block->n_filters * block->n_pooled;
  for (int64_t i = 0; i < n_items; i++) {
    const float *row_gradient = training->row_gradient(
        block, rows + i * n_floats, gradient + i * n, chosen + i * n, &flow, scratch);
    spread(block, row_gradient, map_gradient + i * block->n_channels * block->n_samples);
  }
}
