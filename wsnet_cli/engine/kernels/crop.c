/* Windows for training, in plain loops that compilers make vectors of on every processor. */
#include "crop.h"

#include <string.h>

/* Values between two stops, few enough for the nearest cache and for sums and places in float. */
#define AT_ONCE 256
/* Samples that so many outputs may reach over; where it would be more, fewer are made at once. */
#define PIECE 2048
/* Sums of squares that run side by side. */
#define SIDE_BY_SIDE 16

static int32_t at_most(int64_t n, int32_t most) { return (int32_t)(n < most ? n : most); }

static double sum_of_squares(const float *values, int32_t n) {
  float sums[SIDE_BY_SIDE] = {0};
  int32_t i = 0;
  for (; i + SIDE_BY_SIDE <= n; i += SIDE_BY_SIDE) {
    for (int32_t j = 0; j < SIDE_BY_SIDE; j++) sums[j] += values[i + j] * values[i + j];
  }
  double sum = 0.0;
  for (int32_t j = 0; j < SIDE_BY_SIDE; j++) sum += sums[j];
  for (; i < n; i++) sum += (double)values[i] * values[i];
  return sum;
}

/* scale * codes[from .. from + n - 1], and zeros outside of codes [n_codes]. */
static void to_floats(const int16_t *codes, int64_t n_codes, float scale, int64_t from, int32_t n,
                      float *out) {
  const int32_t begin = from < 0 ? at_most(-from, n) : 0;
  const int64_t inside = n_codes - from;
  const int32_t end = inside < begin ? begin : at_most(inside, n);
  for (int32_t i = 0; i < begin; i++) out[i] = 0.0f;
  if (begin < end) {
    const int16_t *at = codes + (from + begin);
    for (int32_t i = 0; i < end - begin; i++) out[begin + i] = scale * (float)at[i];
  }
  for (int32_t i = end; i < n; i++) out[i] = 0.0f;
}

/* out[i], i < n <= AT_ONCE: `piece` at the places offset + i * step, 0 <= offset < 1. */
static void interpolate(const float *piece, float offset, double step, int32_t n, float *out) {
  /* Whole steps apart from the rest, which is small enough for float to hold exactly enough. */
  const float whole = (float)(int32_t)step, rest = (float)(step - (double)(int32_t)step);
  int32_t below[AT_ONCE];
  float part[AT_ONCE], low[AT_ONCE], high[AT_ONCE];
  for (int32_t i = 0; i < n; i++) {
    const float place = offset + (float)i * rest;
    const int32_t more = (int32_t)place;
    below[i] = (int32_t)((float)i * whole) + more;
    part[i] = place - (float)more;
  }
  for (int32_t i = 0; i < n; i++) { /* two neighbours in one load */
    uint64_t both;
    uint32_t first, second;
    memcpy(&both, piece + below[i], sizeof both);
    first = (uint32_t)both;
    second = (uint32_t)(both >> 32);
    memcpy(low + i, &first, sizeof first);
    memcpy(high + i, &second, sizeof second);
  }
  for (int32_t i = 0; i < n; i++) out[i] = low[i] + part[i] * (high[i] - low[i]);
}

double wsnet_crop(const int16_t *codes, int64_t n_codes, float scale, int64_t start, int64_t n_in,
                  float *out, int64_t n_out) {
  const double step = n_out > 1 ? (double)(n_in - 1) / (double)(n_out - 1) : 0.0;
  const int32_t fit = step > 1.0 ? at_most((int64_t)((PIECE - 4) / step), AT_ONCE) : AT_ONCE;
  const int32_t block = fit < 1 ? 1 : fit;
  float piece[PIECE];
  double squares = 0.0;
  for (int64_t first = 0; first < n_out; first += block) {
    const int32_t n = at_most(n_out - first, block);
    float *to = out + first;
    if (n_in == n_out) {
      to_floats(codes, n_codes, scale, start + first, n, to);
    } else {
      const double place = (double)first * step;
      const int64_t lowest = (int64_t)place;
      const int32_t span = (int32_t)((double)(n - 1) * step) + 4; /* a neighbour, and what rounds */
      to_floats(codes, n_codes, scale, start + lowest, span, piece);
      interpolate(piece, (float)(place - (double)lowest), step, n, to);
    }
    squares += sum_of_squares(to, n);
  }
  return squares;
}

double wsnet_add(float *first, float gain1, const float *second, float gain2, int64_t n) {
  double squares = 0.0;
  for (int64_t begin = 0; begin < n; begin += AT_ONCE) {
    const int32_t n_here = at_most(n - begin, AT_ONCE);
    for (int32_t i = 0; i < n_here; i++) {
      first[begin + i] = gain1 * first[begin + i] + gain2 * second[begin + i];
    }
    squares += sum_of_squares(first + begin, n_here);
  }
  return squares;
}
