"""Seconds of the mean and covariance of 50 times 1000 features in NumPy, float64."""

import json
import sys
import time

import numpy as np

piece = np.fromfile(sys.argv[1], np.float32).reshape(1000, 2048)
total, products = np.zeros(2048), np.zeros((2048, 2048))
start = time.perf_counter()
for _ in range(50):
    double = piece.astype(np.float64)
    total += double.sum(0)
    products += double.T @ double
covariance = (products - np.outer(total, total) / 50_000) / 49_999
print(json.dumps({"seconds": time.perf_counter() - start, "trace": np.trace(covariance)}))
