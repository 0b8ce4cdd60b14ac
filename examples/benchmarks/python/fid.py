"""Seconds of the Fréchet distance of two covariances in SciPy: a general matrix root, as is usual, and the symmetric form."""

import json
import sys
import time

import numpy as np
from scipy import linalg

first, second = (np.fromfile(path).reshape(2048, 2048) for path in sys.argv[1:3])
traces = np.trace(first) + np.trace(second)

start = time.perf_counter()
root, _ = linalg.sqrtm(first @ second, disp=False)
general = traces - 2 * np.trace(root).real
general_seconds = time.perf_counter() - start

start = time.perf_counter()
factor = np.linalg.cholesky(first)
values = np.linalg.eigvalsh(factor.T @ second @ factor)
symmetric = traces - 2 * np.sqrt(np.maximum(values, 0)).sum()
symmetric_seconds = time.perf_counter() - start

print(
    json.dumps(
        {
            "seconds": general_seconds,
            "symmetricSeconds": symmetric_seconds,
            "distance": general,
            "symmetricDistance": symmetric,
        }
    )
)
