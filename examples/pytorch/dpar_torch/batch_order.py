"""Order of images in training: that of `dpar train`, a function of the seed and the step."""

import torch

from .philox import PURPOSES, Stream


class BatchOrder:
    """Images and variants of each step's batch.

    Each epoch is a new permutation of all images, and epochs follow one another without a gap. With patch counts, the images
    of a window of batches are sorted by them and cut into batches, and the batches are shuffled.
    """

    def __init__(self, images, variants, batch_size, seed, counts=None, window=32):
        """counts: patches of each image in each variant, int tensor [N * V], or None."""
        self.images, self.variants, self.batch_size, self.seed = images, variants, batch_size, seed
        self.counts, self.size = counts, window
        self.window, self.batches = None, []
        self.permutations = {}

    def at(self, step):
        """Images and variants of a step's batch: two lists of B numbers."""
        window = step // self.size
        if window != self.window:
            self.window, self.batches = window, self.batches_of(window)
        return self.batches[step % self.size]

    def epoch_of(self, step):
        return step * self.batch_size // self.images

    def batches_of(self, window):
        count = self.size * self.batch_size
        images, variants = self.visits(window * count, count)
        places = list(range(count))
        if self.counts is not None:
            patches = self.counts[torch.tensor(images) * self.variants + torch.tensor(variants)].tolist()
            places.sort(key=patches.__getitem__)
        cuts = [places[i * self.batch_size :][: self.batch_size] for i in range(self.size)]
        batches = [([images[i] for i in cut], [variants[i] for i in cut]) for cut in cuts]
        if self.counts is None:
            return batches
        order = Stream(self.seed, PURPOSES["batch_order"], window).permutation(self.size)
        return [batches[i] for i in order]

    def visits(self, first, count):
        """Visits number `first` to `first + count - 1` of the sequence of all epochs: images, and a variant of each."""
        images, variants = [], []
        while len(images) < count:
            epoch, start = divmod(first + len(images), self.images)
            part = self.permutation(epoch)[start : start + count - len(images)]
            images += part
            stream = Stream(self.seed, PURPOSES["image_variant"], epoch)
            drawn = stream.integers_at(torch.tensor(part), self.variants) if self.variants > 1 else torch.zeros(len(part))
            variants += drawn.int().tolist()
        return images, variants

    def permutation(self, epoch):
        if epoch not in self.permutations:
            # Neighbours stay: a batch may contain the end of one epoch and the start of the next.
            self.permutations = {other: order for other, order in self.permutations.items() if abs(other - epoch) <= 1}
            self.permutations[epoch] = Stream(self.seed, PURPOSES["image_order"], epoch).permutation(self.images)
        return self.permutations[epoch]


def drop_classes(labels, null_class, probability, seed, step, first=0):
    """Replaces each label by the null class with a probability: int32 [B]. `first`: place of the first label in its batch."""
    dropped = Stream(seed, PURPOSES["class_dropout"], step).uniform(first, len(labels)) < probability
    return torch.where(dropped, null_class, labels)


def noisy_tokens(tokens, codes, probability, seed, step, first=0):
    """Replaces each token by any code with a probability: [B, T]. `first`: place of the first image in its batch."""
    drawn = Stream(seed, PURPOSES["token_noise"], step).uniform(first * tokens.shape[1], tokens.numel()).view_as(tokens)
    # Below the probability the number is uniform again.
    return torch.where(drawn < probability, (drawn / probability * codes).to(tokens.dtype), tokens)
