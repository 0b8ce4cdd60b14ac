"""DPAR, LlamaGen and the entropy model. Parameters have the official names.

B images, T tokens each, N predicted tokens (T, or T + 1 with an end-of-image token), M patches, P slots of a patch, D width,
H heads, V vocabulary. `config` is the content of config.json with all keys, see `settings.model_config`.
"""

import math

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from .patches import longest_patch
from .rotary import grid_table, patch_table, rotate

NO_DROPOUT = {"token": 0.0, "residual": 0.0, "feed_forward": 0.0}


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, bias=False)


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon), times a weight. Computed in float32."""

    def __init__(self, width, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.epsilon)).type_as(x) * self.weight


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, config, drop):
        super().__init__()
        width, self.heads = config["dim"], config["n_head"]
        self.wqkv = linear(width, 3 * width)
        self.wo = linear(width, width)
        self.drop = drop

    def forward(self, x, table, mask):
        q, k, v = self.wqkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # [B, H, T, d] each
        q, k = rotate(q, table), rotate(k, table)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        joined = mixed.transpose(1, 2).flatten(2)  # [B, T, D]
        return functional.dropout(self.wo(joined), self.drop, self.training)


class FeedForward(nn.Module):
    """SwiGLU: w2 (silu(w1 x) * w3 x)."""

    def __init__(self, config, drop):
        super().__init__()
        width, multiple = config["dim"], config["multiple_of"]
        hidden = math.ceil(8 * width // 3 / multiple) * multiple
        self.w1 = linear(width, hidden)
        self.w3 = linear(width, hidden)
        self.w2 = linear(hidden, width)
        self.drop = drop

    def forward(self, x):
        return functional.dropout(self.w2(functional.silu(self.w1(x)) * self.w3(x)), self.drop, self.training)


class Block(nn.Module):
    """Pre-norm transformer block: x [B, T, D] -> [B, T, D]."""

    def __init__(self, config, dropout, recompute):
        super().__init__()
        self.attention = Attention(config, dropout["residual"])
        self.feed_forward = FeedForward(config, dropout["feed_forward"])
        self.attention_norm = RMSNorm(config["dim"], config["norm_eps"])
        self.ffn_norm = RMSNorm(config["dim"], config["norm_eps"])
        self.recompute = recompute

    def forward(self, x, table, mask=None):
        if self.recompute and self.training:
            return checkpoint(self.whole, x, table, mask, use_reentrant=False)
        return self.whole(x, table, mask)

    def whole(self, x, table, mask):
        x = x + self.attention(self.attention_norm(x), table, mask)
        return x + self.feed_forward(self.ffn_norm(x))


class ClassEmbedding(nn.Module):
    """Table of the classes, with a last row for the null class unless the model has none."""

    def __init__(self, config):
        super().__init__()
        null = config.get("class_dropout_prob") != 0
        self.embedding_table = nn.Embedding(config["num_classes"] + int(null), config["dim"])

    def forward(self, labels):
        return self.embedding_table(labels)[:, None]  # [B, 1, D]


def register_grid(module, config):
    """Adds the 2D rotary table of the class token, if there is one, and of all tokens: [positions, d / 2, 2]."""
    side = math.isqrt(config["block_size"])
    size = (config["block_size"], side, config["cls_token_num"], config["dim"] // config["n_head"], config["rope_base"])
    module.register_buffer("grid", grid_table(*size), persistent=False)


class Gpt(nn.Module):
    """Decoder-only transformer over tokens: LlamaGen with a class token, the entropy model without."""

    def __init__(self, config, dropout=NO_DROPOUT, recompute=False):
        super().__init__()
        width = config["dim"]
        self.config, self.token_drop = config, dropout["token"]
        if config["cls_token_num"] > 0:
            self.cls_embedding = ClassEmbedding(config)
        self.tok_embeddings = nn.Embedding(config["vocab_size"], width)
        self.layers = nn.ModuleList(Block(config, dropout, recompute) for _ in range(config["n_layer"]))
        self.norm = RMSNorm(width, config["norm_eps"])
        self.output = linear(width, config["vocab_size"])
        register_grid(self, config)

    def forward(self, tokens, labels, lengths=None, targets=None):
        """One teacher-forced pass: tokens [B, T], labels [B], tokens to predict [B, T] if they are not those that are read.

        Returns the mean loss in nats per predicted token, and logits: [B, T, V]; of the entropy model [B, T - 1, V].
        """
        x = self.tok_embeddings(tokens[:, :-1])
        targets = tokens if targets is None else targets
        if self.config["cls_token_num"] > 0:
            x = torch.cat([self.cls_embedding(labels), x], 1)
        else:
            targets = targets[:, 1:]
        x = functional.dropout(x, self.token_drop, self.training)
        for block in self.layers:
            x = block(x, self.grid[: x.shape[1]])
        logits = self.output(self.norm(x))
        return token_loss(logits, targets), logits


class PatchAttention(nn.Module):
    """Cross-attention of the local encoder: a patch is the query, its own tokens are keys and values."""

    def __init__(self, config):
        super().__init__()
        width, epsilon, self.heads = config["dim"], config["norm_eps"], config["n_head"]
        self.cross_attn_norm_q = RMSNorm(width, epsilon)
        self.cross_attn_norm_kv = RMSNorm(width, epsilon)
        self.wq, self.wk, self.wv, self.wo = (linear(width, width) for _ in range(4))

    def forward(self, patches, states, to_slots, visible):
        """patches [B, M, D], states [B, N, D], to_slots: [B, N, D] -> [B, M, P, D], visible: bool [B, M, P]."""
        q = self.wq(self.cross_attn_norm_q(patches)).unflatten(-1, (1, self.heads, -1))  # [B, M, 1, H, d]
        source = self.cross_attn_norm_kv(states)
        # Keys and values are projected once per token, then laid out by patch.
        k = to_slots(self.wk(source)).unflatten(-1, (self.heads, -1))  # [B, M, P, H, d]
        v = to_slots(self.wv(source)).unflatten(-1, (self.heads, -1))  # [B, M, P, H, d]
        scores = (q * k).float().sum(-1) * k.shape[-1] ** -0.5  # [B, M, P, H]
        weights = scores.masked_fill(~visible[..., None], -math.inf).softmax(2).type_as(v)
        mixed = (v * weights[..., None]).sum(2).flatten(2)  # [B, M, D]
        return patches + self.wo(mixed)


class PatchContext(nn.Module):
    """Context of a decoder layer: the paper's cross-attention to one key, for which queries, keys and softmax change nothing."""

    def __init__(self, config):
        super().__init__()
        self.cross_attn_norm_kv = RMSNorm(config["dim"], config["norm_eps"])
        self.wo = linear(config["dim"], config["dim"])

    def forward(self, states):
        return self.wo(self.cross_attn_norm_kv(states))


class LocalModel(nn.Module):
    """Blocks over tokens, with a cross-attention for each."""

    def __init__(self, layers, cross, config, dropout, recompute):
        super().__init__()
        self.layers = nn.ModuleList(Block(config, dropout, recompute) for _ in range(layers))
        self.cross_attn_layers = nn.ModuleList(cross(config) for _ in range(layers))


class Dpar(nn.Module):
    """DPAR: local encoder over tokens, global transformer over patches, local decoder over tokens."""

    def __init__(self, config, dropout=NO_DROPOUT, recompute=False):
        super().__init__()
        width = config["dim"]
        rows = config["vocab_size"] + int(config["predict_eoi_token"])
        self.config, self.token_drop = config, dropout["token"]
        self.slots = longest_patch(config["block_size"], config["patching"])
        self.cls_embedding = ClassEmbedding(config)
        self.tok_embeddings = nn.Embedding(rows, width)
        self.local_encoder = LocalModel(config["n_local_encoder_layers"], PatchAttention, config, dropout, recompute)
        self.layers = nn.ModuleList(Block(config, dropout, recompute) for _ in range(config["n_layer"]))
        self.local_decoder = LocalModel(config["n_local_decoder_layers"], PatchContext, config, dropout, recompute)
        self.decoder_start_embedding = nn.Embedding(1, width)
        self.norm = RMSNorm(width, config["norm_eps"])
        self.output = linear(width, rows)
        register_grid(self, config)

    def forward(self, tokens, labels, lengths, targets=None):
        """One teacher-forced pass: tokens [B, T], labels [B], patch lengths [B, M] over N tokens, padded with zeros.

        targets: tokens to predict [B, T], if they are not those that are read.

        Returns the mean loss in nats per predicted token, and logits [B, N, V].
        """
        batch, read, targets = tokens.shape[0], tokens[:, :-1], tokens if targets is None else targets
        if self.config["predict_eoi_token"]:
            end = torch.full_like(tokens[:, :1], self.config["vocab_size"])
            read, targets = tokens, torch.cat([targets, end], 1)
        predicted = targets.shape[1]  # N
        starts, patch = patch_places(lengths, predicted)

        read = functional.dropout(self.tok_embeddings(read), self.token_drop, self.training)
        states, patches = self.encode(read, lengths, starts, patch)  # [B, N - 1, D], [B, M, D]

        # The last patch is complete only when the image is, and no token depends on it.
        x = torch.cat([self.cls_embedding(labels), patches[:, :-1]], 1)  # [B, M, D]
        side, head_dim = math.isqrt(self.config["block_size"]), self.config["dim"] // self.config["n_head"]
        table = patch_table(self.config["embedding_type"], lengths, side, head_dim, self.config["rope_base"])
        for block in self.layers:
            x = block(x, table)

        start = self.decoder_start_embedding.weight.expand(batch, 1, -1)
        h = torch.cat([start, states], 1)  # [B, N, D]
        grid = self.grid[:predicted]  # start token first
        for context, block in zip(self.local_decoder.cross_attn_layers, self.local_decoder.layers):
            # Position 0 of the global transformer is the class: the state at m has read the patches before patch m.
            h = h + rows_of(context(x), patch)
            h = block(h, grid)
        logits = self.output(self.norm(h))
        return token_loss(logits, targets), logits

    def encode(self, x, lengths, starts, patch):
        """Local encoder: states of the tokens [B, N - 1, D] and patch embeddings [B, M, D]."""
        predicted = x.shape[1] + 1
        grid = self.grid[1:predicted]
        mask = None
        if self.config["encoder_block_causal"]:
            own = patch[:, :-1]
            mask = (own[:, None, :, None] == own[:, None, None, :]) & causal(predicted - 1, x.device)
        place = torch.arange(self.slots, device=x.device)
        visible = place < lengths.clamp(min=1)[..., None]  # [B, M, P]; padded patches see one token, so that all is finite
        token = (starts[..., None] + place).clamp(max=predicted - 1)  # [B, M, P]

        def to_slots(rows):
            return rows_of(rows, token.flatten(1)).unflatten(1, (-1, self.slots))

        patches = None
        for block, cross in zip(self.local_encoder.layers, self.local_encoder.cross_attn_layers):
            x = block(x, grid, mask)
            states = functional.pad(x, (0, 0, 0, 1))  # [B, N, D], zeros for the token that is not read
            if patches is None:
                patches = to_slots(states).masked_fill(~visible[..., None], -math.inf).amax(2)
            patches = cross(patches, states, to_slots, visible)
        return x, patches


def patch_places(lengths, predicted):
    """First token of each patch [B, M], and patch of each token [B, N]."""
    ends = lengths.cumsum(1)
    token = torch.arange(predicted, device=lengths.device).expand(lengths.shape[0], -1).contiguous()
    return ends - lengths, torch.searchsorted(ends, token, right=True)


def rows_of(x, index):
    """Rows of each image: x [B, N, D], index [B, K] -> [B, K, D]."""
    first = torch.arange(x.shape[0], device=x.device)[:, None] * x.shape[1]
    return x.flatten(0, 1).index_select(0, (index + first).flatten()).unflatten(0, index.shape)


def causal(length, device):
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def token_loss(logits, targets):
    """Mean cross-entropy in nats: logits [B, N, V], targets [B, N]."""
    return functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


def make_model(config, dropout=NO_DROPOUT, recompute=False):
    """The model of a configuration, with PyTorch's initial weights: load or draw others."""
    kinds = {"dpar": Dpar, "llamagen": Gpt, "entropy": Gpt}
    return kinds[config["kind"]](config, dropout, recompute)
