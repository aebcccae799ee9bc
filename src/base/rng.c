/* Random numbers without state: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel
 * random numbers: as easy as 1, 2, 3", SC 2011). The counter is (cell, index); the key is
 * 64 bits drawn from (seed, step, purpose) by the same cipher. */
#include "regatta/base.h"

#include <Random123/philox.h>
#include <math.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Single and packed draws of one (key, cell) never use the same block. */
#define PACKED ((uint64_t)1 << 63)

static uint32_t low(uint64_t x)
{
  return (uint32_t)x;
}

static uint32_t high(uint64_t x)
{
  return (uint32_t)(x >> 32);
}

static philox4x32_key_t cipher_key(const rg_key *key)
{
  philox4x32_ctr_t where = {{low(key->step), high(key->step), key->purpose, 0}};
  philox4x32_key_t seed = {{low(key->seed), high(key->seed)}};
  philox4x32_ctr_t drawn = philox4x32(where, seed);
  return (philox4x32_key_t){{drawn.v[0], drawn.v[1]}};
}

static philox4x32_ctr_t block(philox4x32_key_t key, uint64_t cell, uint64_t index)
{
  philox4x32_ctr_t where = {{low(cell), high(cell), low(index), high(index)}};
  return philox4x32(where, key);
}

/* 52 bits, so that neither 0 nor 1 comes out */
static double uniform_f64(uint32_t a, uint32_t b)
{
  uint64_t bits = ((uint64_t)a << 32 | b) >> 12;
  return ((double)bits + 0.5) * 0x1p-52;
}

static float uniform_f32(uint32_t a)
{
  return ((float)(a >> 9) + 0.5f) * 0x1p-23f;
}

void rg_random(const rg_key *key, uint64_t cell, uint64_t index, uint32_t out[4])
{
  philox4x32_ctr_t r = block(cipher_key(key), cell, index);
  for (int i = 0; i < 4; i++)
    out[i] = r.v[i];
}

double rg_uniform(const rg_key *key, uint64_t cell, uint64_t index)
{
  philox4x32_ctr_t r = block(cipher_key(key), cell, index);
  return uniform_f64(r.v[0], r.v[1]);
}

/* Box and Muller, Annals of Mathematical Statistics 29 (1958) */
double rg_normal(const rg_key *key, uint64_t cell, uint64_t index)
{
  philox4x32_ctr_t r = block(cipher_key(key), cell, index);
  double radius = sqrt(-2 * log(uniform_f64(r.v[0], r.v[1])));
  return radius * cos(2 * M_PI * uniform_f64(r.v[2], r.v[3]));
}

/* Four normals of one block: two pairs, each from two words. */
static void four_normals(philox4x32_ctr_t r, double out[4])
{
  for (int pair = 0; pair < 4; pair += 2) {
    double radius = sqrt(-2 * log(((double)r.v[pair] + 0.5) * 0x1p-32));
    double angle = 2 * M_PI * ((double)r.v[pair + 1] + 0.5) * 0x1p-32;
    out[pair] = radius * cos(angle);
    out[pair + 1] = radius * sin(angle);
  }
}

/* Packed blocks first .. first + BLOCKS - 1 of a cell, word by word: the rounds of
 * philox4x32 side by side. */
enum { BLOCKS = 16, ROUNDS = 10 };

static void packed_blocks(philox4x32_key_t key, uint64_t cell, uint64_t first,
                          uint32_t r[4][BLOCKS])
{
  uint32_t k0 = key.v[0], k1 = key.v[1];
  for (uint64_t b = 0; b < BLOCKS; b++) {
    uint64_t index = PACKED | (first + b);
    r[0][b] = low(cell);
    r[1][b] = high(cell);
    r[2][b] = low(index);
    r[3][b] = high(index);
  }
  for (int round = 0; round < ROUNDS; round++) {
#pragma omp simd
    for (int b = 0; b < BLOCKS; b++) {
      uint64_t p = (uint64_t)PHILOX_M4x32_0 * r[0][b];
      uint64_t q = (uint64_t)PHILOX_M4x32_1 * r[2][b];
      r[0][b] = high(q) ^ r[1][b] ^ k0;
      r[2][b] = high(p) ^ r[3][b] ^ k1;
      r[1][b] = low(q);
      r[3][b] = low(p);
    }
    k0 += PHILOX_W32_0;
    k1 += PHILOX_W32_1;
  }
}

void rg_normals(const rg_key *key, uint64_t cell, int n, float *out)
{
  philox4x32_key_t k = cipher_key(key);
  uint32_t r[4][BLOCKS];
  for (int i = 0; i < n; i += 4) {
    int b = i / 4 % BLOCKS;
    double four[4];
    if (b == 0)
      packed_blocks(k, cell, (uint64_t)(i / 4), r);
    four_normals((philox4x32_ctr_t){{r[0][b], r[1][b], r[2][b], r[3][b]}}, four);
    for (int j = 0; j < 4 && i + j < n; j++)
      out[i + j] = (float)four[j];
  }
}

void rg_uniforms(const rg_key *key, uint64_t cell, int n, float *out)
{
  philox4x32_key_t k = cipher_key(key);
  uint32_t r[4][BLOCKS];
  float x[4 * BLOCKS];
  for (int i = 0; i < n; i += 4 * BLOCKS) {
    int left = n - i < 4 * BLOCKS ? n - i : 4 * BLOCKS;
    packed_blocks(k, cell, (uint64_t)(i / 4), r);
    for (int b = 0; b < BLOCKS; b++)
      for (int j = 0; j < 4; j++)
        x[4 * b + j] = uniform_f32(r[j][b]);
    memcpy(out + i, x, sizeof *x * (size_t)left);
  }
}

/* finaliser of MurmurHash3: every bit of x reaches every bit of the result */
static uint64_t mix(uint64_t x)
{
  x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
  x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
  return x ^ x >> 33;
}

/* A balanced Feistel network permutes 0..4^half_bits-1, the smallest such range that
 * holds n; walking its cycle until it returns below n permutes 0..n-1 (Black and
 * Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). */
int64_t rg_permuted(const rg_key *key, int64_t n, int64_t i)
{
  RG_ASSERT(i >= 0 && i < n);
  enum { TURNS = 8 };
  uint32_t word[4];
  rg_random(key, 0, 0, word);
  uint64_t round_key = (uint64_t)word[0] << 32 | word[1];
  uint64_t stride = (uint64_t)word[2] << 32 | word[3] | 1;
  int half_bits = 1;
  while (half_bits < 31 && (int64_t)1 << 2 * half_bits < n)
    half_bits++;
  uint64_t mask = ((uint64_t)1 << half_bits) - 1, x = (uint64_t)i;
  do {
    uint64_t left = x >> half_bits, right = x & mask;
    for (int round = 0; round < TURNS; round++) {
      uint64_t f = mix(right + round_key + (uint64_t)round * stride) & mask;
      uint64_t next = left ^ f;
      left = right;
      right = next;
    }
    x = left << half_bits | right;
  } while (x >= (uint64_t)n);
  return (int64_t)x;
}

uint64_t rg_hash(const void *bytes, size_t n, uint64_t seed)
{
  return XXH3_64bits_withSeed(bytes, n, seed);
}
