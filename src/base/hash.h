// 64- and 128-bit content hashes (XXH3). Not for anything an attacker gains by colliding.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace gp {

inline uint64_t hash64(Bytes bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }
inline uint64_t hash64(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

inline std::array<uint64_t, 2> hash128(Bytes bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

// Mixes a second number into a hash (the finaliser of MurmurHash3, public domain).
inline uint64_t hash_mix(uint64_t a, uint64_t b) {
  uint64_t h = a ^ (b * 0x9e3779b97f4a7c15U);
  h = (h ^ (h >> 33U)) * 0xff51afd7ed558ccdU;
  return h ^ (h >> 33U);
}

}  // namespace gp
