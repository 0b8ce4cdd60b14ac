"""Rotary embeddings in `rotary-embedding-torch` and in plain PyTorch, as a process of `peer.py`.

Inputs: `x` [B, T, H, d], `starts` and `lengths` of the patches [T]. Settings: `side`, tokens in a row and in
a column, and `embedding`. Results: [B, T, H, d].
"""

from peer import inputs, load, missing, serve, settings, threads

torch = load("torch", "PyTorch")
package = load("rotary_embedding_torch", "rotary-embedding-torch") if torch is not None else None
if torch is None:
    missing["rotary-embedding-torch"] = "PyTorch is not installed"
arrays, side, embedding = inputs(), settings["side"], settings["embedding"]


def cases_of():
    torch.set_num_threads(threads)
    x = torch.from_numpy(arrays["x"])
    length, width = x.shape[1], x.shape[3]
    by_head = x.transpose(1, 2).contiguous()  # [B, H, T, d]
    starts, lengths = (torch.from_numpy(arrays[name]).double() for name in ("starts", "lengths"))

    def turned(values, pairs):
        """Angles of one part: [T, pairs]."""
        return torch.outer(values, 10000.0 ** (-torch.arange(pairs, dtype=torch.float64) / pairs))

    def angles():
        """Angles [T, d / 2] of the embedding."""
        places = torch.arange(length, dtype=torch.float64)
        if embedding == "1d":
            return turned(places, width // 2)
        if embedding == "2d":
            return torch.cat([turned(places // side, width // 4), turned(places % side, width // 4)], -1)
        first = starts % side
        last = first + lengths - 1
        columns = (turned(part, width // 16) for part in (first, last, last, first))
        return torch.cat([turned(starts // side, width // 4), *columns], -1)

    table = torch.polar(torch.ones_like(angles()), angles()).to(torch.complex64)[:, None]

    def rotated():
        pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2))) * table
        return {"rotated": torch.view_as_real(pairs).flatten(3)}

    def back(result):
        return {"rotated": result.detach().transpose(1, 2)}

    cases = {f"{embedding} PyTorch": rotated}
    if package is not None and embedding == "1d":
        line = package.RotaryEmbedding(dim=width)
        cases["1d rotary-embedding-torch"] = lambda: back(line.rotate_queries_or_keys(by_head))
    if package is not None and embedding == "2d":
        # Positions of rows and columns are 0, 1, ... as in a sequence.
        axis = package.RotaryEmbedding(dim=width // 2)(torch.arange(side))
        grid = torch.cat([axis.repeat_interleave(side, 0), axis.repeat(side, 1)], -1)
        cases["2d rotary-embedding-torch"] = lambda: back(package.apply_rotary_emb(grid, by_head))
    return cases


serve(cases_of() if torch is not None else {})
