/* Cells are dealt to lanes in small blocks by a keyed permutation: a lane is a fair sample
 * of the data, and where a cell lives depends on nothing but the seed. */
#include "internal.h"

enum { LARGEST_BLOCK = 64, BLOCKS_PER_LANE = 16 };

rg_deal rg_deal_new(int64_t n_cells, int lanes, uint64_t seed)
{
  int64_t block = n_cells / ((int64_t)lanes * BLOCKS_PER_LANE);
  block = block < 1 ? 1 : block > LARGEST_BLOCK ? LARGEST_BLOCK : block;
  return (rg_deal){.n_cells = n_cells,
                   .block = block,
                   .n_blocks = (n_cells + block - 1) / block,
                   .lanes = lanes,
                   .key = {.seed = seed, .purpose = RG_FOR_LANES}};
}

rg_place rg_deal_place(const rg_deal *deal, int64_t cell)
{
  int64_t block = cell / deal->block;
  int64_t turn = rg_permuted(&deal->key, deal->n_blocks, block);
  int64_t round = turn / deal->lanes;
  int lane = (int)(turn % deal->lanes);
  /* the last block may be short: those dealt after it to its lane move up */
  int64_t last = rg_permuted(&deal->key, deal->n_blocks, deal->n_blocks - 1);
  int64_t missing = deal->n_blocks * deal->block - deal->n_cells;
  bool after = (int)(last % deal->lanes) == lane && last / deal->lanes < round;
  return (rg_place){lane,
                    round * deal->block + cell % deal->block - (after ? missing : 0)};
}

int64_t rg_deal_lane_size(const rg_deal *deal, int lane)
{
  int64_t blocks = deal->n_blocks / deal->lanes + (lane < deal->n_blocks % deal->lanes);
  int64_t last = rg_permuted(&deal->key, deal->n_blocks, deal->n_blocks - 1);
  int64_t missing = deal->n_blocks * deal->block - deal->n_cells;
  return blocks * deal->block - ((int)(last % deal->lanes) == lane ? missing : 0);
}

int64_t rg_deal_smallest(const rg_deal *deal)
{
  int64_t smallest = rg_deal_lane_size(deal, 0);
  for (int lane = 1; lane < deal->lanes; lane++) {
    int64_t size = rg_deal_lane_size(deal, lane);
    smallest = size < smallest ? size : smallest;
  }
  return smallest;
}
