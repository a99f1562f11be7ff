/* What one core of this machine can do: multiply-adds in registers, and reads from each cache.
 * Compiled and run by engine_limits.py; prints multiply-adds, and bytes, a nanosecond. */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
typedef float vec __attribute__((vector_size(4 * LANES)));

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static double multiply_adds(void) {
  vec sums[12], x = (vec){0} + 1e-30f, w = (vec){0} + 1.0f;
  const long n = 2000000;
  for (int i = 0; i < 12; i++) sums[i] = x * (float)i;
  double start = now();
  for (long k = 0; k < n; k++)
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) sums[i] = sums[i] * w + x;
  double time = now() - start;
  volatile float sink = 0;
  for (int i = 0; i < 12; i++) sink += sums[i][0];
  return 12.0 * LANES * (double)n / time;
}

static double read_rate(const float *values, long n_bytes) {
  const long n = n_bytes / (4 * LANES), repeats = 1 + (256l << 20) / n_bytes / 8;
  const vec *v = (const vec *)values;
  vec sums[8] = {{0}};
  double start = now();
  for (long r = 0; r < repeats; r++)
    for (long k = 0; k + 8 <= n; k += 8)
#pragma GCC unroll 8
      for (int i = 0; i < 8; i++) sums[i] += v[k + i];
  double time = now() - start;
  volatile float sink = 0;
  for (int i = 0; i < 8; i++) sink += sums[i][0];
  return (double)n_bytes * (double)repeats / time;
}

int main(void) {
  const long sizes[] = {16l << 10, 256l << 10, 8l << 20, 128l << 20};
  const char *names[] = {"16 KiB", "256 KiB", "8 MiB", "128 MiB"};
  float *values = aligned_alloc(64, (size_t)sizes[3]);
  if (!values) return 1;
  for (long i = 0; i < sizes[3] / 4; i++) values[i] = 1e-30f;
  double best = 0;
  for (int r = 0; r < 5; r++) {
    double rate = multiply_adds();
    if (rate > best) best = rate;
  }
  printf("multiply_adds %.1f\n", best);
  for (int s = 0; s < 4; s++) {
    best = 0;
    for (int r = 0; r < 5; r++) {
      double rate = read_rate(values, sizes[s]);
      if (rate > best) best = rate;
    }
    printf("read %s %.1f\n", names[s], best);
  }
  free(values);
  return 0;
}
