"""LlamaGen in plain PyTorch, with the names of the official weights: forward pass, and steps with cached keys and values."""

import torch
from torch import nn
from torch.nn import functional


def multiplies_bfloat16():
    """False for a processor without products of bfloat16, where Linux says so."""
    try:
        with open("/proc/cpuinfo") as file:
            return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(file.read().split())
    except OSError:
        return True


def prepare(threads, missing):
    """The same random numbers in each run, and a note where bfloat16 would be emulated."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    if not multiplies_bfloat16():
        missing["bfloat16"] = "the processor has no products of bfloat16"


def rotary_table(tokens, head_width):
    """Cosines and sines of 2D RoPE, [T, d / 2] each: zeros for the class, then half of the pairs turn by row and half by column."""
    side = round(tokens**0.5)
    frequencies = 10000.0 ** -(torch.arange(0, head_width // 2, 2, dtype=torch.float64) / (head_width // 2))
    line = torch.outer(torch.arange(side, dtype=torch.float64), frequencies)
    by_row = line[:, None].expand(side, side, -1)
    by_column = line[None].expand(side, side, -1)
    grid = torch.cat([by_row, by_column], -1).flatten(0, 1)
    zeros = torch.zeros(1, head_width // 2)
    return tuple(torch.cat([zeros, part.float()])[:tokens] for part in (grid.cos(), grid.sin()))


def rotate(x, cos, sin):
    """Turns the pairs of [..., T, d] by angles [T, d / 2]."""
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2).to(x.dtype)


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-5)).to(x.dtype) * self.weight


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.wqkv = nn.Linear(width, 3 * width, bias=False)
        self.wo = nn.Linear(width, width, bias=False)

    def split(self, x, cos, sin):
        """Rotated queries and keys, and values, [B, H, T, d] each."""
        q, k, v = self.wqkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return rotate(q, cos, sin), rotate(k, cos, sin), v

    def forward(self, x, cos, sin):
        q, k, v = self.split(x, cos, sin)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.wo(mixed.transpose(1, 2).flatten(2))

    def step(self, x, cos, sin, cache, position, mask):
        """Attention of one position [R, 1, D]. Without a mask, the cache is cut after the position."""
        q, k, v = self.split(x, cos, sin)
        keys, values = cache
        keys.index_copy_(2, position, k)
        values.index_copy_(2, position, v)
        if mask is None:
            keys, values = keys[:, :, : position.item() + 1], values[:, :, : position.item() + 1]
        mixed = functional.scaled_dot_product_attention(q, keys, values, attn_mask=mask)
        return self.wo(mixed.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.w1 = nn.Linear(width, hidden, bias=False)
        self.w3 = nn.Linear(width, hidden, bias=False)
        self.w2 = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.w2(functional.silu(self.w1(x)) * self.w3(x))


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attention, self.feed_forward = Attention(width, heads), FeedForward(width, hidden)
        self.attention_norm, self.ffn_norm = RMSNorm(width), RMSNorm(width)


class Classes(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        self.embedding_table = nn.Embedding(classes + 1, width)


class LlamaGen(nn.Module):
    """`drop`: dropout of embedded tokens and of the outputs of both parts of a block."""

    def __init__(self, width, heads, layers, hidden, codes, classes, tokens, drop=0.0):
        super().__init__()
        self.heads, self.null_class, self.length, self.drop = heads, classes, tokens, drop
        self.cls_embedding = Classes(classes, width)
        self.tok_embeddings = nn.Embedding(codes, width)
        self.layers = nn.ModuleList(Block(width, heads, hidden) for _ in range(layers))
        self.norm = RMSNorm(width)
        self.output = nn.Linear(width, codes, bias=False)
        cos, sin = rotary_table(tokens, width // heads)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.register_buffer("causal", torch.ones(tokens, tokens, dtype=torch.bool).tril(), persistent=False)

    def forward(self, labels, codes_read):
        """Logits [B, T, V] of all tokens, of which all but the last are read."""
        x = torch.cat([self.cls_embedding.embedding_table(labels)[:, None], self.tok_embeddings(codes_read[:, :-1])], 1)
        x = functional.dropout(x, self.drop)
        for block in self.layers:
            x = x + functional.dropout(block.attention(block.attention_norm(x), self.cos, self.sin), self.drop)
            x = x + functional.dropout(block.feed_forward(block.ffn_norm(x)), self.drop)
        return self.output(self.norm(x))

    def loss(self, labels, image_codes):
        return functional.cross_entropy(self(labels, image_codes).flatten(0, 1).float(), image_codes.flatten())

    def new_caches(self, rows):
        """Keys and values of each layer, [R, H, T, d] each, in the type of the weights."""
        like = self.output.weight
        shape = (rows, self.heads, self.length, like.shape[1] // self.heads)
        return [(like.new_zeros(shape), like.new_zeros(shape)) for _ in self.layers]

    def step(self, x, caches, position, scale, masked):
        """Guided logits [B, V] of the token after one position. x: [2 B, D], the second half without class; position: [1]."""
        cos, sin = self.cos[position], self.sin[position]
        mask = self.causal[position] if masked else None
        x = x[:, None]
        for block, cache in zip(self.layers, caches):
            x = x + block.attention.step(block.attention_norm(x), cos, sin, cache, position, mask)
            x = x + block.feed_forward(block.ffn_norm(x))
        conditional, unconditional = self.output(self.norm(x[:, 0])).float().chunk(2)
        return unconditional + scale * (conditional - unconditional)


def draw(logits):
    return logits.softmax(-1).multinomial(1)[:, 0]


def greedy(logits):
    return logits.argmax(-1)


@torch.inference_mode()
def generate(model, step, choose, caches, images, scale=2.0, masked=True):
    """Tokens [B, T] of the first classes with classifier-free guidance, chosen of guided logits."""
    labels = torch.arange(images) % model.null_class
    x = model.cls_embedding.embedding_table(torch.cat([labels, torch.full_like(labels, model.null_class)]))
    drawn = []
    for position in range(model.length):
        drawn.append(choose(step(x, caches, torch.tensor([position]), scale, masked)))
        x = model.tok_embeddings(drawn[-1].repeat(2))
    return torch.stack(drawn, 1)


def adamw(model):
    """AdamW of the paper. Only matrices decay."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), fused=True)


def train_step(model, loss_of, optimizer, labels, image_codes):
    """One step: forward and backward pass, clipping to the norm 1, AdamW. The result is the loss before it."""
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(labels, image_codes)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()
