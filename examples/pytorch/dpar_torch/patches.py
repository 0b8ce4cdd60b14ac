"""Patches of tokens: Algorithm 1 of the paper, and the other modes of `patching` in config.json."""

import math

import torch


def needs_entropies(patching):
    """True if the patches depend on entropies."""
    return patching["mode"] == "entropy_row_boundary"


def longest_patch(tokens, patching):
    """Largest number of tokens that a patch may have: the slots P of the dense layout."""
    mode, longest = patching["mode"], patching["max_patch_length"]
    if mode == "token":
        return 1
    if mode == "static":
        return min(tokens, math.ceil(longest))
    return max(1, min(tokens - 1, longest or tokens, patching["row_length"]))


def patch_starts(count, tokens, patching, entropies=None):
    """Marks the tokens that start a patch: bool [count, T].

    entropies: [count, T - 1] in nats; entry j belongs to the prediction of token j + 1.
    """
    mode = patching["mode"]
    starts = torch.zeros(count, tokens, dtype=torch.bool)
    starts[:, 0] = True
    if mode == "token":
        starts[:] = True
    elif mode == "static":
        length, patches = patching["max_patch_length"], 1
        for i in range(1, tokens):
            if i == math.floor(patches * length + 0.5):
                starts[:, i] = True
                patches += 1
    else:
        if entropies is None:
            raise ValueError(
                "patch_starts: expected entropies beside the tokens, since patches follow from them, got none. "
                "Compute them with 'dpar entropy'."
            )
        if entropies.isnan().any():
            raise ValueError("patch_starts: expected entropies in nats, got NaN. Check the entropy model.")
        threshold = math.inf if patching["threshold"] is None else patching["threshold"]
        longest = patching["max_patch_length"] or tokens
        # As float64: the threshold is not rounded.
        surprising = entropies.double() > threshold
        length = torch.ones(count, dtype=torch.int64)
        for i in range(1, tokens):
            begins = surprising[:, i - 1] | (length >= longest)
            if i == 1 or i % patching["row_length"] == 0:
                begins = torch.ones_like(begins)
            starts[:, i] = begins
            length = torch.where(begins, 1, length + 1)
    return starts


def patch_counts(count, config, entropies=None):
    """Number of patches of each image, with that of the end-of-image token: int64 [count]."""
    starts = patch_starts(count, config["block_size"], config["patching"], entropies)
    return starts.sum(1) + int(config["predict_eoi_token"])


def patch_lengths(count, config, entropies=None, padded_to=None):
    """Patch lengths of images over all predicted tokens, padded with zeros: int64 [count, M].

    padded_to: function from the largest number of patches to M. Default: that number.
    """
    starts = patch_starts(count, config["block_size"], config["patching"], entropies)
    if config["predict_eoi_token"]:
        starts = torch.cat([starts, torch.ones(count, 1, dtype=torch.bool)], 1)
    patch = starts.cumsum(1) - 1  # patch of each token
    most = int(patch.max()) + 1
    lengths = torch.zeros(count, padded_to(most) if padded_to else most, dtype=torch.int64)
    return lengths.scatter_add_(1, patch, torch.ones_like(patch))


def bucket_size(patches, most, ratio):
    """Smallest size of at least `patches`, among sizes that fall from `most` by at most the factor `ratio`."""
    sizes = [most]
    while (smaller := math.ceil(sizes[-1] / ratio) - 1) > 0:
        sizes.append(smaller)
    return min(size for size in sizes if size >= patches)
