"""Seconds of improved precision and recall (k = 3) in NumPy, float64, by blocks of rows."""

import json
import sys
import time

import numpy as np

rows, k, block = 10_000, 3, 1000
reference, samples = (np.fromfile(path, np.float32).reshape(rows, -1).astype(np.float64) for path in sys.argv[1:3])


def distances(left, right, start):
    """Squared distances of a block of rows to all others."""
    piece = left[start : start + block]
    squares = (piece * piece).sum(1)[:, None] + (right * right).sum(1)[None, :]
    return squares - 2 * piece @ right.T


def radii(features):
    """Squared distance of each row to its k-th nearest other; the nearest of all is the row itself."""
    parts = [np.partition(distances(features, features, start), k, 1)[:, k] for start in range(0, rows, block)]
    return np.concatenate(parts)


start = time.perf_counter()
reference_radii, sample_radii = radii(reference), radii(samples)
inside, covered = [], np.zeros(rows, bool)
for first in range(0, rows, block):
    squares = distances(samples, reference, first)
    inside.append((squares <= reference_radii[None, :]).any(1))
    covered |= (squares <= sample_radii[first : first + block, None]).any(0)
precision, recall = np.concatenate(inside).mean(), covered.mean()
print(json.dumps({"seconds": time.perf_counter() - start, "precision": precision, "recall": recall}))
