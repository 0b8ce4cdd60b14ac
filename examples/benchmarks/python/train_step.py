"""Seconds of whole optimizer steps of a LlamaGen in eager PyTorch, with random tokens: the middle one of several.

Arguments: width, heads, layers, width of feed-forward layers, codes, classes, tokens, images, threads.
"""

import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional

width, heads, layers, hidden, codes, classes, tokens, images, threads = (int(value) for value in sys.argv[1:10])
head_width = width // heads
drop = 0.1
torch.manual_seed(0)
torch.set_num_threads(threads)


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


def rotate(x, table):
    """Pairs of [B, T, H, d] as complex numbers, times those of [T, 1, d / 2]."""
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * table).flatten(3)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm, self.feed_forward_norm = RMSNorm(), RMSNorm()
        self.wqkv = nn.Linear(width, 3 * width, bias=False)
        self.wo = nn.Linear(width, width, bias=False)
        self.w1 = nn.Linear(width, hidden, bias=False)
        self.w3 = nn.Linear(width, hidden, bias=False)
        self.w2 = nn.Linear(hidden, width, bias=False)

    def attention(self, x, table, mask):
        batch, length, _ = x.shape
        q, k, v = self.wqkv(x).view(batch, length, 3, heads, head_width).unbind(2)
        q, k = rotate(q, table), rotate(k, table)
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        scores = q @ k.transpose(2, 3) * head_width**-0.5 + mask
        mixed = scores.softmax(-1) @ v
        return functional.dropout(self.wo(mixed.transpose(1, 2).reshape(batch, length, width)), drop)

    def forward(self, x, table, mask):
        x = x + self.attention(self.attention_norm(x), table, mask)
        y = self.feed_forward_norm(x)
        return x + functional.dropout(self.w2(functional.silu(self.w1(y)) * self.w3(y)), drop)


class LlamaGen(nn.Module):
    def __init__(self):
        super().__init__()
        self.classes = nn.Embedding(classes + 1, width)
        self.tokens = nn.Embedding(codes, width)
        self.blocks = nn.ModuleList(Block() for _ in range(layers))
        self.norm = RMSNorm()
        self.output = nn.Linear(width, codes, bias=False)
        frequencies = 10000.0 ** -(torch.arange(0, head_width, 2) / head_width)
        angles = torch.outer(torch.arange(tokens), frequencies)
        self.table = torch.polar(torch.ones_like(angles), angles)[:, None]
        self.mask = torch.full((tokens, tokens), float("-inf")).triu(1)

    def forward(self, labels, codes_read):
        x = torch.cat([self.classes(labels)[:, None], self.tokens(codes_read)], 1)
        x = functional.dropout(x, drop)
        for block in self.blocks:
            x = block(x, self.table, self.mask)
        return self.output(self.norm(x))



def product_speed():
    """GFLOP/s of a matrix product."""
    a = torch.randn(512, 512)
    a @ a
    start = time.perf_counter()
    a @ a
    return 2 * 512**3 / (time.perf_counter() - start) / 1e9


# With the reference BLAS of some distributions a step takes minutes, which says nothing of PyTorch.
if product_speed() < 10:
    print("{}")
    sys.exit()

model = LlamaGen()
matrices = [p for p in model.parameters() if p.dim() >= 2]
vectors = [p for p in model.parameters() if p.dim() < 2]
optimizer = torch.optim.AdamW(
    [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}], lr=1e-4, betas=(0.9, 0.95)
)


def step():
    start = time.perf_counter()
    image_codes = torch.randint(codes, (images, tokens))
    logits = model(torch.randint(classes, (images,)), image_codes[:, :-1])
    loss = functional.cross_entropy(logits.view(-1, codes), image_codes.view(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return time.perf_counter() - start


# The first ones have the moments to allocate, and memory that is cold.
seconds = [step() for _ in range(4)][1:]
print(json.dumps({"seconds": statistics.median(seconds)}))
