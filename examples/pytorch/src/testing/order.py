"""Random numbers and batches of a seed, as JSON: to be compared with those of @dpar/tensor and @dpar/train."""

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from dpar_torch.batch_order import BatchOrder, drop_classes, noisy_tokens
from dpar_torch.philox import Stream

seed = 2**40 + 7
counts = torch.tensor([(7 * i) % 13 for i in range(11 * 3)])
order = BatchOrder(11, 3, 4, seed, counts, 5)
plain = BatchOrder(11, 1, 4, seed)
print(
    json.dumps(
        {
            "words": Stream(seed, 3, 2**33 + 1).words(6, 9).tolist(),
            "normal": Stream(seed).normal(1000, 0.02).tolist(),
            "truncated": Stream(seed).normal(1000, 0.5, 3).tolist(),
            "batches": [order.at(step) for step in range(12)],
            "plain": [plain.at(step)[0] for step in range(12)],
            "labels": drop_classes(torch.arange(50) % 7, 7, 0.3, seed, 12).tolist(),
            "noisy": noisy_tokens(torch.arange(60).view(6, 10), 1000, 0.3, seed, 12).tolist(),
            "later": noisy_tokens(torch.arange(60).view(6, 10)[4:], 1000, 0.3, seed, 12, 4).tolist(),
        }
    )
)
