/*
 * Mean and Σ(x − mean)² of every channel in one pass, in C: the peer of the moments kernels.
 *
 * Reads lines "nchw N C L" or "tokens N C", times that case a few times and answers with the fewest
 * seconds. Lanes are written out, because without -ffast-math gcc may not reorder a sum; their number and type
 * are the fastest of those tried for rows of that length.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALLS = 5, TOKEN_BLOCK = 8 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

#define NCHW(NAME, TYPE, LANES)                                                              \
  static void NAME(const float *x, long N, long C, long L, double *sum, double *square) {    \
    for (long n = 0; n < N; n++)                                                             \
      for (long c = 0; c < C; c++) {                                                         \
        const float *row = x + (n * C + c) * L;                                              \
        TYPE shift = x[c * L], s[LANES] = {0}, q[LANES] = {0};                               \
        long i = 0;                                                                          \
        for (; i + LANES <= L; i += LANES)                                                   \
          for (int l = 0; l < LANES; l++) {                                                  \
            TYPE d = row[i + l] - shift;                                                     \
            s[l] += d;                                                                       \
            q[l] += d * d;                                                                   \
          }                                                                                  \
        for (int l = 0; i + l < L; l++) {                                                    \
          TYPE d = row[i + l] - shift;                                                       \
          s[l] += d;                                                                         \
          q[l] += d * d;                                                                     \
        }                                                                                    \
        for (int width = LANES / 2; width > 0; width /= 2)                                   \
          for (int l = 0; l < width; l++) {                                                  \
            s[l] += s[l + width];                                                            \
            q[l] += q[l + width];                                                            \
          }                                                                                  \
        sum[c] += s[0];                                                                      \
        square[c] += q[0];                                                                   \
      }                                                                                      \
  }
NCHW(longRows, double, 32)
NCHW(rows, float, 32)
NCHW(shortRows, double, 8)

/* Eight tokens at a time, so that a channel's sums are read and written once for eight values. */
static void tokens(const float *restrict x, long N, long C, float *restrict sum, float *restrict square) {
  for (long n = 0; n + TOKEN_BLOCK <= N; n += TOKEN_BLOCK)
    for (long c = 0; c < C; c++) {
      float s = 0, q = 0, shift = x[c];
      for (int r = 0; r < TOKEN_BLOCK; r++) {
        float d = x[(n + r) * C + c] - shift;
        s += d;
        q += d * d;
      }
      sum[c] += s;
      square[c] += q;
    }
}

static void moments(const float *x, long N, long C, long L, double *sum, double *square) {
  double count = (double)N * L;
  memset(sum, 0, C * sizeof *sum);
  memset(square, 0, C * sizeof *square);
  if (L == 1) {
    float *s = (float *)sum, *q = (float *)square;
    tokens(x, N, C, s, q);
    for (long c = 0; c < C; c++) {
      q[c] -= s[c] * s[c] / (float)count;
      s[c] = x[c] + s[c] / (float)count;
    }
    return;
  }
  (L >= 1024 ? longRows : L >= 64 ? rows : shortRows)(x, N, C, L, sum, square);
  for (long c = 0; c < C; c++) {
    square[c] -= sum[c] * sum[c] / count;
    sum[c] = x[c * L] + sum[c] / count;
  }
}

int main(void) {
  char layout[16], line[128];
  while (fgets(line, sizeof line, stdin)) {
    long N, C, L = 1;
    if (sscanf(line, "%15s %ld %ld %ld", layout, &N, &C, &L) < 3) return 2;
    long count = N * C * L;
    float *x = malloc(count * sizeof *x);
    double *sum = malloc(C * sizeof *sum), *square = malloc(C * sizeof *square), least = 1e9;
    for (long i = 0; i < count; i++) x[i] = (float)((i * 7919) % 10007) * 1e-3f + 1;
    moments(x, N, C, L, sum, square);
    for (int call = 0; call < CALLS; call++) {
      double begun = now();
      moments(x, N, C, L, sum, square);
      double seconds = now() - begun;
      if (seconds < least) least = seconds;
    }
    printf("%.9f\n", least);
    fflush(stdout);
    free(x);
    free(sum);
    free(square);
  }
  return 0;
}
