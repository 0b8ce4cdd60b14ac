"""Rotary tables: (cos, sin) of the angle of each pair of channels at each position, [..., headDim / 2, 2]."""

import torch

# The coordinate that rotates each part of a row, and the divisor of headDim that gives the part's number of pairs.
PARTS = {
    "1d": [("index", 2)],
    "2d": [("row", 4), ("column", 4)],  # Equation S1
    "dynamic_3d": [("row", 4), ("column", 8), ("last_column", 8)],
    "dynamic_4d": [("row", 4), ("column", 16), ("last_column", 16), ("last_column", 16), ("column", 16)],  # Equation S2
}


def rotary_table(embedding, coordinates, head_dim, base):
    """Table of positions by their coordinates: each part of c pairs turns its coordinate v by v base^(-i / c).

    coordinates: whole numbers [...] by name. Returns float32 [..., head_dim / 2, 2], computed in float64.
    """
    largest = max(divisor for _, divisor in PARTS[embedding])
    if head_dim % largest != 0:
        raise ValueError(
            f"rotary_table: expected a head size that is a multiple of {largest} for '{embedding}', got {head_dim}. "
            "Change 'dim', 'n_head' or 'embedding_type'."
        )
    angles = []
    for coordinate, divisor in PARTS[embedding]:
        pairs = head_dim // divisor
        values = coordinates[coordinate].double()
        steps = torch.arange(pairs, dtype=torch.float64, device=values.device) / -pairs
        angles.append(values[..., None] * base**steps)
    angle = torch.cat(angles, -1)
    return torch.stack([angle.cos(), angle.sin()], -1).float()


def grid_table(tokens, side, class_tokens, head_dim, base):
    """2D table of an image's first tokens in raster order, after class tokens with (0, 0): [positions, head_dim / 2, 2]."""
    token = torch.arange(tokens)
    table = rotary_table("2d", {"row": token // side, "column": token % side}, head_dim, base)
    return torch.cat([table.new_zeros(class_tokens, *table.shape[1:]), table])


def patch_table(embedding, lengths, side, head_dim, base):
    """Table of the global transformer: the class position with (0, 0), then patches 0 to M - 2.

    lengths: [B, M], padded with zeros. Returns [B, M, head_dim / 2, 2].
    """
    ends = lengths.cumsum(1)
    starts = ends - lengths
    index = torch.arange(lengths.shape[1], device=lengths.device).expand_as(lengths)
    last = (ends - 1).clamp(min=0)
    coordinates = {"index": index, "row": starts // side, "column": starts % side, "last_column": last % side}
    table = rotary_table(embedding or "1d", coordinates, head_dim, base)
    return torch.cat([table.new_zeros(table.shape[0], 1, *table.shape[2:]), table[:, :-1]], 1)


def rotate(x, table):
    """Turns the pairs (2i, 2i + 1) of x [B, H, T, d] by a table [T, d / 2, 2] or [B, T, d / 2, 2]."""
    pairs = x.float().unflatten(-1, (-1, 2))
    table = table.unsqueeze(-4)  # one axis for the heads
    cos, sin = table[..., 0], table[..., 1]
    first, second = pairs.unbind(-1)
    return torch.stack([first * cos - second * sin, second * cos + first * sin], -1).flatten(-2).type_as(x)
