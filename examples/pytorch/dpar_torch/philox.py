"""Streams of random numbers of @dpar/tensor: Philox4x32-10 in counter mode (Salmon et al., SC 2011).

Word i of a stream is a function of the seed, the stream's ids and i. `dpar train` and this program therefore visit the same
images in the same order, drop the same labels and start from the same weights.
"""

import torch

MASK = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
PURPOSES = {"image_order": 1, "batch_order": 2, "class_dropout": 3, "image_variant": 4, "token_noise": 8}
PART = 1 << 22  # words that are computed at a time


def philox(counter, key):
    """Four words for each counter: int64 tensors of words, and a key of two numbers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        # The products of 32-bit words wrap around as signed 64-bit numbers, with the right bits.
        product0, product1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            ((product1 >> 32) & MASK) ^ c1 ^ k0,
            product1 & MASK,
            ((product0 >> 32) & MASK) ^ c3 ^ k1,
            product0 & MASK,
        )
        k0, k1 = (k0 + KEY_STEPS[0]) & MASK, (k1 + KEY_STEPS[1]) & MASK
    return c0, c1, c2, c3


class Stream:
    """The stream of a seed and ids: `createRandom(seed, ...ids)`."""

    def __init__(self, seed, *ids):
        self.key = (seed & MASK, seed >> 32)
        for number in ids:
            counter = [torch.tensor([word]) for word in (number & MASK, number >> 32, 0, 1)]
            first, second, *_ = philox(counter, self.key)
            self.key = (int(first), int(second))

    def words(self, first, count):
        """Words number `first` to `first + count - 1`: int64 [count], from 0 to 2^32 - 1."""
        block = torch.arange(first // 4, (first + count + 3) // 4)
        zero = torch.zeros_like(block)
        words = torch.stack(philox((block & MASK, block >> 32, zero, zero), self.key), 1).flatten()
        return words[first % 4 :][:count]

    def uniform(self, first, count):
        """Numbers in [0, 1), from number `first` on: float64 [count], multiples of 2^-24."""
        return (self.words(first, count) >> 8).double() / 2**24

    def normal(self, count, std, cut=None):
        """The first normal numbers, within `cut` standard deviations of 0: float32 [count], equal to ours up to rounding."""
        below = 0.0 if cut is None else float(torch.special.ndtr(torch.tensor(-cut, dtype=torch.float64)))
        values = torch.empty(count)
        for first in range(0, count, PART):
            share = (self.words(first, min(PART, count - first)).double() + 0.5) / 2**32
            values[first : first + PART] = std * torch.special.ndtri(below + (1 - 2 * below) * share)
        return values

    def integers_at(self, positions, below):
        """A whole number from 0 to below - 1 from each position, int64 [count]: one word each, rarely more."""
        block, place = positions // 4, positions % 4
        zero = torch.zeros_like(block)
        words = torch.stack(philox((block & MASK, block >> 32, zero, zero), self.key), 1)
        word = words.gather(1, place[:, None])[:, 0]
        unfair = word >= 2**32 - 2**32 % below
        if unfair.any():
            word[unfair] = self.integers_at(positions[unfair] + 1, below)
        return word % below

    def permutation(self, length):
        """Random order of the numbers from 0 to length - 1 (Fisher-Yates): a list."""
        order, words, at = list(range(length)), [], 0
        for i in range(length - 1, 0, -1):
            while True:
                if not words:
                    words = self.words(at, min(PART, 2 * i + 64)).tolist()[::-1]
                    at += len(words)
                word = words.pop()
                # Words beyond the last multiple of the limit would favour small results.
                if word < 2**32 - 2**32 % (i + 1):
                    break
            other = word % (i + 1)
            order[i], order[other] = order[other], order[i]
        return order
