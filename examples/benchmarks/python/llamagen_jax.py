"""LlamaGen in plain JAX, with the names of the official weights: loss, AdamW, and generation with cached keys and values."""

import jax
import jax.numpy as jnp
import numpy as np


def rotary_table(tokens, head_width):
    """Cosines and sines of 2D RoPE, [T, d / 2] each: zeros for the class, then half of the pairs turn by row and half by column."""
    side = round(tokens**0.5)
    frequencies = 10000.0 ** -(np.arange(0, head_width // 2, 2) / (head_width // 2))
    line = np.outer(np.arange(side), frequencies)
    grid = np.concatenate([np.repeat(line, side, 0), np.tile(line, (side, 1))], -1)
    zeros = np.zeros((1, head_width // 2))
    return tuple(np.concatenate([zeros, part])[:tokens].astype(np.float32) for part in (np.cos(grid), np.sin(grid)))


def rotate(x, cos, sin):
    """Turns the pairs of [R, T, H, d] by angles [T, d / 2]."""
    a, b = x[..., 0::2], x[..., 1::2]
    cos, sin = cos[:, None], sin[:, None]
    return jnp.stack([a * cos - b * sin, a * sin + b * cos], -1).reshape(x.shape)


def norm(x, weight):
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-5) * weight


def attend(q, k, v, mask):
    """q: [R, T, H, d], k and v: [R, S, H, d], mask: [T, S]. The result is [R, T, D]."""
    scores = jnp.einsum("rthd,rshd->rhts", q, k) * q.shape[-1] ** -0.5
    weights = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf), -1)
    return jnp.einsum("rhts,rshd->rthd", weights, v).reshape(*q.shape[:2], -1)


def feed_forward(weights, layer, x):
    part = f"layers.{layer}.feed_forward."
    inner = jax.nn.silu(x @ weights[part + "w1.weight"].T) * (x @ weights[part + "w3.weight"].T)
    return inner @ weights[part + "w2.weight"].T


class LlamaGen:
    def __init__(self, width, heads, layers, hidden, codes, classes, tokens):
        self.heads, self.layers, self.classes, self.tokens = heads, layers, classes, tokens
        self.head_width = width // heads
        self.cos, self.sin = rotary_table(tokens, self.head_width)
        self.causal = np.tril(np.ones((tokens, tokens), bool))

    def split(self, weights, layer, x, cos, sin):
        """Rotated queries and keys, and values, [R, T, H, d] each."""
        qkv = (x @ weights[f"layers.{layer}.attention.wqkv.weight"].T).reshape(*x.shape[:2], 3, self.heads, -1)
        return rotate(qkv[:, :, 0], cos, sin), rotate(qkv[:, :, 1], cos, sin), qkv[:, :, 2]

    def loss(self, weights, labels, codes):
        """Mean cross-entropy of image codes [B, T]."""
        start = weights["cls_embedding.embedding_table.weight"][labels][:, None]
        x = jnp.concatenate([start, weights["tok_embeddings.weight"][codes[:, :-1]]], 1)
        for layer in range(self.layers):
            part = f"layers.{layer}."
            q, k, v = self.split(weights, layer, norm(x, weights[part + "attention_norm.weight"]), self.cos, self.sin)
            x = x + attend(q, k, v, self.causal) @ weights[part + "attention.wo.weight"].T
            x = x + feed_forward(weights, layer, norm(x, weights[part + "ffn_norm.weight"]))
        logits = norm(x, weights["norm.weight"]) @ weights["output.weight"].T
        chosen = jnp.take_along_axis(logits, codes[..., None], -1)[..., 0]
        return jnp.mean(jax.nn.logsumexp(logits, -1) - chosen)

    def train_step(self, weights, moments, count, labels, codes):
        """One step: loss and gradients, clipping to the norm 1, AdamW with decay of matrices."""
        loss, gradients = jax.value_and_grad(self.loss)(weights, labels, codes)
        total = jnp.sqrt(sum(jnp.sum(gradient * gradient) for gradient in gradients.values()))
        scale = jnp.minimum(1.0, 1.0 / (total + 1e-6))
        rate, first_decay, second_decay = 1e-4, 0.9, 0.95
        count = count + 1
        updated, moved = {}, {}
        for name, weight in weights.items():
            gradient = gradients[name] * scale
            first = first_decay * moments[name][0] + (1 - first_decay) * gradient
            second = second_decay * moments[name][1] + (1 - second_decay) * gradient * gradient
            root = jnp.sqrt(second / (1 - second_decay**count)) + 1e-8
            decay = 0.05 if weight.ndim >= 2 else 0.0
            updated[name] = weight * (1 - rate * decay) - rate * first / (1 - first_decay**count) / root
            moved[name] = (first, second)
        return updated, moved, count, loss

    def step(self, weights, x, caches, position, scale):
        """Guided logits [B, V] after one position. x: [2 B, D], the second half without class."""
        cos = jax.lax.dynamic_slice_in_dim(self.cos, position, 1)
        sin = jax.lax.dynamic_slice_in_dim(self.sin, position, 1)
        mask = jnp.arange(self.tokens)[None] <= position
        x = x[:, None]
        written = []
        for layer, (keys, values) in enumerate(caches):
            part = f"layers.{layer}."
            q, k, v = self.split(weights, layer, norm(x, weights[part + "attention_norm.weight"]), cos, sin)
            keys = jax.lax.dynamic_update_slice_in_dim(keys, k, position, 1)
            values = jax.lax.dynamic_update_slice_in_dim(values, v, position, 1)
            written.append((keys, values))
            x = x + attend(q, keys, values, mask) @ weights[part + "attention.wo.weight"].T
            x = x + feed_forward(weights, layer, norm(x, weights[part + "ffn_norm.weight"]))
        logits = norm(x[:, 0], weights["norm.weight"]) @ weights["output.weight"].T
        conditional, unconditional = jnp.split(logits, 2)
        return unconditional + scale * (conditional - unconditional), written

    def generate(self, weights, images, key, greedy, scale=2.0):
        """Tokens [B, T] of the first classes with classifier-free guidance, in one loop of XLA."""
        labels = jnp.arange(images) % self.classes
        table = weights["cls_embedding.embedding_table.weight"]
        start = table[jnp.concatenate([labels, jnp.full_like(labels, self.classes)])]
        shape = (2 * images, self.tokens, self.heads, self.head_width)
        empty = [(jnp.zeros(shape), jnp.zeros(shape)) for _ in range(self.layers)]

        def draw(state, position):
            x, caches = state
            logits, caches = self.step(weights, x, caches, position, scale)
            key_now = jax.random.fold_in(key, position)
            drawn = jnp.argmax(logits, -1) if greedy else jax.random.categorical(key_now, logits)
            return (weights["tok_embeddings.weight"][jnp.tile(drawn, 2)], caches), drawn

        _, drawn = jax.lax.scan(draw, (start, empty), jnp.arange(self.tokens))
        return drawn.T
