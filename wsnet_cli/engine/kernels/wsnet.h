/* The compiled engine of wsnet: runs a network of sampled or dense convolutions on windows of audio.
 *
 * Portable C99, no dependency, nothing is allocated: the caller brings the workspace. A map lies in
 * memory row by row, a row being one time step with its channels side by side, so that the taps of
 * an output (length rows of n_in values) are one contiguous run. docs/engine.md explains the rest.
 */
#ifndef WSNET_H
#define WSNET_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define WSNET_API __declspec(dllexport)
#elif defined(__GNUC__)
#define WSNET_API __attribute__((visibility("default")))
#else
#define WSNET_API
#endif

/* Raised whenever a struct or function of this header changes; the binding checks it. */
#define WSNET_ABI 6

enum wsnet_kind {
  WSNET_CONV = 0,
  WSNET_MEAN = 1,
  WSNET_FLATTEN = 2,
  WSNET_LINEAR = 3,
  WSNET_MAP_CONV = 4
};

/* How a convolution is computed: directly with vectors over filters or over time; with vectors over
 * time by the recurrence along diagonals of its output, or two outputs at a time by three filters of
 * half the length. One of maps goes over filters, or likewise fast: two time steps by four filters of a
 * third, where it has three taps in time and a stride of 1. */
enum wsnet_way {
  WSNET_FILTER_LANES = 0,
  WSNET_TIME_LANES = 1,
  WSNET_RECURRENCE = 2,
  WSNET_FAST_FIR = 3
};

/* One layer. All counts are >= 1 unless said otherwise; fields that a kind does not name are 0.
 *
 * A convolution samples filter n from rows filter_step * n to filter_step * n + length - 1 of its
 * condensed filter. Channel groups are summed where a map is written, not where it is read: n_in is
 * the number of columns that remain. A pool of 1/1 is none.
 *
 * A convolution of maps has filters over bands too. A row of a map has its bands one after the other,
 * each with its channels side by side; what is said of columns holds of those of a band. The channels
 * of a convolution that comes before it are its bands, of one channel each.
 */
typedef struct wsnet_layer {
  int32_t kind;        /* wsnet_kind */
  int32_t way;         /* convolution: wsnet_way */
  int32_t n_in;        /* convolution: columns of its input; linear: inputs */
  int32_t n_sampled;   /* convolution: filters, before the pointwise map if there is one */
  int32_t n_out;       /* convolution, linear: outputs */
  int32_t length;      /* convolution: taps of a filter in time */
  int32_t stride;      /* convolution: rows between outputs */
  int32_t padding;     /* convolution: rows of zeros on either side, >= 0 */
  int32_t filter_step; /* rows (linear: entries) of weights between filters */
  int32_t pool_size;   /* convolution: rows in a maximum */
  int32_t pool_stride; /* convolution: rows between maxima */
  int32_t relu;        /* convolution, linear: 1 or 0 */
  int32_t groups;      /* convolution: channel groups that are summed in its output; divides n_out */
  int32_t block;       /* convolution: pooled outputs that are computed at a time */
  int32_t n_bands;     /* map convolution: of its input; mean: of its input where that is a map */
  int32_t height;      /* map convolution: taps of a filter in frequency; weights are packed with
                        * the taps of a band side by side, time by time, or as in fast_maps.inc */
  int32_t band_padding; /* map convolution: bands of zeros below and above, >= 0 */
  int32_t band_pool;    /* map convolution: bands in a maximum, which do not overlap */
  const float *weights;    /* filter lanes: packed, see wsnet_pack; fast FIR: see fast_fir.inc; else
                            * as in the model file */
  const float *pointwise;  /* filter lanes: packed; else [n_out][n_sampled]; or NULL */
  const float *multiplier; /* convolution: per output, padded to a multiple of the lanes */
  const float *bias;       /* per output; of a convolution padded likewise */
  const float *signs;      /* convolution: per output, 1 or -1, by which it goes into the sum of its
                            * channel group, those of the first group 1, or NULL where all are */
} wsnet_layer;

/* The instruction sets that this library holds and this processor has, best first. */
WSNET_API int32_t wsnet_abi(void);
WSNET_API int32_t wsnet_n_isas(void);
WSNET_API const char *wsnet_isa_name(int32_t isa); /* NULL where there is none of that number */
WSNET_API int32_t wsnet_lanes(int32_t isa);        /* floats in a vector */

/* Write n_filters filters of n_taps values, gap values apart, as panels of lanes or two times lanes
 * filters: panel by panel, tap by tap, filter by filter, with zeros for the filters that are
 * missing in the last. out holds n_taps * n_filters values, n_filters rounded up to the lanes. */
WSNET_API void wsnet_pack(const float *filters, int64_t n_filters, int64_t gap, int64_t n_taps,
                          int32_t lanes, float *out);

/* Bytes of workspace that wsnet_run needs; it does not depend on the length of the window. */
WSNET_API int64_t wsnet_workspace_bytes(const wsnet_layer *layers, int32_t n_layers, int32_t isa);

/* Compute the outputs of the last layer for each window.
 *
 * layers: convolutions (maybe none), then some of maps (maybe none), then one mean or flatten, then
 *   linear layers (maybe none).
 * windows: n_windows rows of n_samples values, long enough that every convolution has an output; a
 *   flatten must find as many values as the linear layer after it has inputs.
 * workspace: zeroed before its first use; one thread at a time.
 * logits: n_windows rows of outputs.
 * features: NULL, or n_windows rows of what the last layer takes, where that is a linear layer.
 */
WSNET_API void wsnet_run(const wsnet_layer *layers, int32_t n_layers, int32_t isa,
                         const float *windows, int64_t n_windows, int64_t n_samples,
                         void *workspace, float *logits, float *features);

#endif
