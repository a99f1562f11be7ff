/* The kernels once for each instruction set that this compiler can make, and the choice among them.
 *
 * GCC and Clang get vectors of their own; any other compiler gets plain C99 with one lane.
 */
#include <math.h>
#include <string.h>

#include "kernels.h"

#if defined(__GNUC__) && !defined(WSNET_PLAIN_C)
#define WSNET_VECTORS 1
#define INLINE inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int wsnet_index4 __attribute__((vector_size(16)));
typedef int wsnet_index8 __attribute__((vector_size(32)));
typedef int wsnet_index16 __attribute__((vector_size(64)));
#define SHUFFLE_INDEX_(lanes) wsnet_index##lanes
#define SHUFFLE_INDEX(lanes) SHUFFLE_INDEX_(lanes)
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (SHUFFLE_INDEX(LANES)){__VA_ARGS__})
#endif
#else
#define INLINE inline
#define NOINLINE
#define UNROLL
#endif

#if defined(WSNET_VECTORS) && (defined(__x86_64__) || defined(__i386__))
#define WSNET_X86 1
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx2,fma")
#endif
#define ISA avx512
#define ISA_NAME "avx512"
#define LANES 16
#define MAXIMUM(a, b) ((VEC)_mm512_max_ps(a, b))
#define MINIMUM(a, b) ((VEC)_mm512_min_ps(a, b))
#define TILE_SUMS 24 /* of 32 registers */
#define STEPS_MAX 8
#define FILTERS_MAX 5
#define START_FILTERS 4
#include "kernels.inc"
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define ISA avx2
#define ISA_NAME "avx2"
#define LANES 8
#define MAXIMUM(a, b) ((VEC)_mm256_max_ps(a, b))
#define MINIMUM(a, b) ((VEC)_mm256_min_ps(a, b))
#define TILE_SUMS 12 /* of 16 registers */
#define STEPS_MAX 8
#define FILTERS_MAX 3
#define START_FILTERS 3
#include "kernels.inc"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#define ISA baseline
#define ISA_NAME "baseline"
#define STEPS_MAX 8
#define FILTERS_MAX 3
#define START_FILTERS 3
#if defined(WSNET_X86) && defined(__SSE2__)
#define LANES 4
#define MAXIMUM(a, b) ((VEC)_mm_max_ps(a, b))
#define MINIMUM(a, b) ((VEC)_mm_min_ps(a, b))
#define TILE_SUMS 12
#elif defined(WSNET_VECTORS) && defined(__aarch64__)
#include <arm_neon.h>
#define LANES 4
#define MAXIMUM(a, b) ((VEC)vmaxq_f32((float32x4_t)(a), (float32x4_t)(b)))
#define MINIMUM(a, b) ((VEC)vminq_f32((float32x4_t)(a), (float32x4_t)(b)))
#define TILE_SUMS 24
#else
#define LANES 1
#define MAXIMUM(a, b) ((a) > (b) ? (a) : (b))
#define MINIMUM(a, b) ((a) < (b) ? (a) : (b))
#define TILE_SUMS 12
#endif
#include "kernels.inc"

const wsnet_kernels *wsnet_kernels_of(int32_t isa) {
#if defined(WSNET_X86)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && isa-- == 0) return &wsnet_kernels_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && isa-- == 0)
    return &wsnet_kernels_avx2;
#endif
  return isa == 0 ? &wsnet_kernels_baseline : NULL;
}
