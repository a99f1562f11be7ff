/* What network.c asks of the kernels, which exist once for each instruction set. */
#ifndef WSNET_KERNELS_H
#define WSNET_KERNELS_H

#include "wsnet.h"

typedef struct wsnet_kernels {
  const char *name;
  int32_t lanes;
  /* Floats of scratch that `conv` needs for blocks of at most layer->block outputs. */
  int64_t (*scratch_floats)(const wsnet_layer *layer);
  /* Pooled, activated outputs 0 to n - 1 of a convolution.
   * in: padded input rows, of which the first belongs to output 0; as many readable rows as
   *     n rounded up to the lanes outputs need, whatever the surplus holds.
   * out: n rows of n_out / groups values, in each band where there are bands. */
  void (*conv)(const wsnet_layer *layer, const float *in, int64_t n, float *out, float *scratch);
  /* out[j] = <in, weights + j * filter_step> + bias[j]. */
  void (*linear)(const wsnet_layer *layer, const float *in, float *out);
} wsnet_kernels;

/* The kernels of the best instruction set (0), the next (1), ...; NULL past the last. */
const wsnet_kernels *wsnet_kernels_of(int32_t isa);

/* Rows of the convolution, before pooling, that n pooled outputs need. */
static inline int64_t wsnet_conv_rows(const wsnet_layer *layer, int64_t n) {
  return (n - 1) * layer->pool_stride + layer->pool_size;
}

/* Padded input rows that n pooled outputs need. */
static inline int64_t wsnet_input_rows(const wsnet_layer *layer, int64_t n) {
  return (wsnet_conv_rows(layer, n) - 1) * layer->stride + layer->length;
}

/* Bands of a map: with padding; of the convolution, before pooling; after pooling. */
static inline int64_t wsnet_padded_bands(const wsnet_layer *layer) {
  return layer->n_bands + 2 * (int64_t)layer->band_padding;
}

static inline int64_t wsnet_conv_bands(const wsnet_layer *layer) {
  return (wsnet_padded_bands(layer) - layer->height) / layer->stride + 1;
}

static inline int64_t wsnet_out_bands(const wsnet_layer *layer) {
  return layer->kind == WSNET_MAP_CONV ? wsnet_conv_bands(layer) / layer->band_pool : 1;
}

/* Values of a row that a convolution reads, and of one that it writes. */
static inline int64_t wsnet_row_in(const wsnet_layer *layer) {
  return layer->kind == WSNET_MAP_CONV ? wsnet_padded_bands(layer) * layer->n_in : layer->n_in;
}

static inline int64_t wsnet_row_out(const wsnet_layer *layer) {
  return wsnet_out_bands(layer) * (layer->n_out / layer->groups);
}

static inline int64_t wsnet_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t wsnet_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t wsnet_round_up(int64_t n, int64_t unit) {
  return (n + unit - 1) / unit * unit;
}

#endif
