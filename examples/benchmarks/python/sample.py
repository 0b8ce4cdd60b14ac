"""Tokens per second of LlamaGen in PyTorch with classifier-free guidance, random weights: eager, and by `torch.compile`.

Arguments: width, heads, layers, width of feed-forward layers, codes, classes, tokens, images, threads.

The rows of a step are the images, then the same images without their class. Time for compilation does not count. Without a
compiler, only the eager figure is printed.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional

width, heads, layers, hidden, codes, classes, tokens, images, threads = (int(value) for value in sys.argv[1:10])
head_width = width // heads
rows = 2 * images
guidance_scale = 2.0
torch.manual_seed(0)
torch.set_num_threads(threads)


def grid_angles():
    """Angles of 2D RoPE: zeros for the class, then half of the pairs turn by row and half by column. [tokens, d / 2]"""
    side = round(tokens**0.5)
    frequencies = 10000.0 ** -(torch.arange(0, head_width // 2, 2) / (head_width // 2))
    line = torch.outer(torch.arange(side), frequencies)
    by_row = line[:, None].expand(side, side, -1)
    by_column = line[None].expand(side, side, -1)
    grid = torch.cat([by_row, by_column], -1).flatten(0, 1)
    return torch.cat([torch.zeros(1, head_width // 2), grid])[:tokens]


def rotate(x, turn):
    """Turns the pairs of [R, H, d] by cosines and sines, each [d / 2]."""
    cos, sin = turn
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm, self.feed_forward_norm = RMSNorm(), RMSNorm()
        self.wqkv = nn.Linear(width, 3 * width, bias=False)
        self.wo = nn.Linear(width, width, bias=False)
        self.w1 = nn.Linear(width, hidden, bias=False)
        self.w3 = nn.Linear(width, hidden, bias=False)
        self.w2 = nn.Linear(hidden, width, bias=False)
        self.register_buffer("keys", torch.zeros(rows, heads, tokens, head_width))
        self.register_buffer("values", torch.zeros(rows, heads, tokens, head_width))

    def attention(self, x, position, turn, mask):
        q, k, v = self.wqkv(x).view(rows, 3, heads, head_width).unbind(1)
        self.keys.index_copy_(2, position, rotate(k, turn)[:, :, None])
        self.values.index_copy_(2, position, v[:, :, None])
        q = rotate(q, turn)[:, :, None]
        mixed = functional.scaled_dot_product_attention(q, self.keys, self.values, attn_mask=mask)
        return self.wo(mixed.reshape(rows, width))

    def forward(self, x, position, turn, mask):
        x = x + self.attention(self.attention_norm(x), position, turn, mask)
        y = self.feed_forward_norm(x)
        return x + self.w2(functional.silu(self.w1(y)) * self.w3(y))


class LlamaGen(nn.Module):
    def __init__(self):
        super().__init__()
        self.classes = nn.Embedding(classes + 1, width)
        self.tokens = nn.Embedding(codes, width)
        self.blocks = nn.ModuleList(Block() for _ in range(layers))
        self.norm = RMSNorm()
        self.output = nn.Linear(width, codes, bias=False)
        angles = grid_angles()
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.register_buffer("causal", torch.ones(tokens, tokens, dtype=torch.bool).tril())

    def forward(self, x, position):
        """Draws the next token of each image. x: [R, D], position: [1]"""
        turn = (self.cos[position], self.sin[position])
        mask = self.causal[position]
        for block in self.blocks:
            x = block(x, position, turn, mask)
        conditional, unconditional = self.output(self.norm(x)).chunk(2)
        logits = unconditional + guidance_scale * (conditional - unconditional)
        return logits.softmax(-1).multinomial(1)[:, 0]


@torch.inference_mode()
def generate(model, step, length):
    labels = torch.arange(images) % classes
    x = model.classes(torch.cat([labels, torch.full_like(labels, classes)]))
    for position in range(length):
        drawn = step(x, torch.tensor([position]))
        x = model.tokens(drawn.repeat(2))


def tokens_per_second(model, step):
    generate(model, step, 4)
    start = time.perf_counter()
    generate(model, step, tokens)
    return images * tokens / (time.perf_counter() - start)


model = LlamaGen().eval()
figures = {"tokensPerSecond": tokens_per_second(model, model)}
try:
    figures["compiledTokensPerSecond"] = tokens_per_second(model, torch.compile(model))
except Exception as error:
    print(f"torch.compile: {error}", file=sys.stderr)
print(json.dumps(figures))
