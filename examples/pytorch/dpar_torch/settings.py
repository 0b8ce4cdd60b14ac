"""Configurations: config.json of a model, and the training configuration of `dpar train`, with their defaults."""

import copy
import json
import math

# Keys of config.json with a default; others of REQUIRED have none.
MODEL_DEFAULTS = {
    "multiple_of": 256, "vocab_size": 16384, "block_size": 256, "num_classes": 1000, "rope_base": 10000, "norm_eps": 1e-5,
}  # fmt: skip
REQUIRED = {
    "dpar": ["dim", "n_layer", "n_head", "n_local_encoder_layers", "n_local_decoder_layers"],
    "llamagen": ["dim", "n_layer", "n_head"],
    "entropy": ["dim", "n_layer", "n_head"],
}
DPAR_DEFAULTS = {"embedding_type": None, "encoder_block_causal": False, "predict_eoi_token": False}
PATCHING_DEFAULTS = {"mode": "entropy_row_boundary", "threshold": None, "max_patch_length": None}

# The paper's sizes and small ones: D, H, blocks of encoder, global transformer and decoder, blocks of LlamaGen.
PRESETS = {
    "nano": (128, 2, 1, 2, 1, 4),
    "micro": (192, 3, 1, 3, 2, 6),
    "mini": (256, 4, 1, 6, 3, 10),
    "B": (768, 12, 1, 8, 3, 12),
    "L": (1024, 16, 1, 19, 4, 24),
    "L-E2D3": (1024, 16, 2, 19, 3, 24),
    "L-E3D2": (1024, 16, 3, 19, 2, 24),
    "L-E4D1": (1024, 16, 4, 19, 1, 24),
    "XL": (1280, 20, 1, 30, 5, 36),
    "XXL": (1536, 24, 1, 41, 6, 48),
    "XXXL": (2560, 40, 1, 41, 6, 48),
}
ENTROPY_PRESETS = {"B": (768, 12, 12), "S": (512, 10, 8), "T": (512, 6, 8), "nano": (192, 3, 3)}  # D, blocks, H
THRESHOLDS = {8: 7.6, 16: 7.8, 24: 7.9, 32: 8.1}  # nats, by the side of the grid

TRAIN_DEFAULTS = {
    "data": {"class_dropout": 0.1, "window_batches": 32, "prefetch_batches": 2},
    "optimizer": {
        "learning_rate": 1e-4, "schedule": "constant", "warmup_steps": 0, "final_fraction": 0, "betas": [0.9, 0.95],
        "epsilon": 1e-8, "weight_decay": 0.05, "max_gradient_norm": 1, "average_decay": None,
    },
    "dropout": {"token": 0, "residual": 0, "feed_forward": 0},
    "token_noise": 0,
    "batch_size": 32,
    "accumulation_steps": 1,
    "recompute_blocks": False,
    "initialization": "paper",
    "train": "all",
    "seed": 0,
    "validate_every": None,
    "checkpoints": {"every": None, "keep": 3, "best": True},
}  # fmt: skip
# Keys that a run may have besides those with a default.
TRAIN_OTHERS = {
    "": ["model", "steps", "output", "init_from", "samples", "tensorboard"],
    "data": ["tokens", "entropies", "entropy_checkpoint", "validation", "validation_entropies", "bucket_ratio"],
}


def model_config(json_config):
    """Content of config.json with all keys. Raises ValueError that names a missing or unsupported one."""
    kind = json_config.get("kind")
    if kind not in REQUIRED:
        raise ValueError(
            f"model_config: expected 'kind' to be one of {', '.join(REQUIRED)}, got {kind!r}. "
            "Pass the checkpoint of a model of image tokens."
        )
    missing = [key for key in REQUIRED[kind] if key not in json_config]
    if missing:
        raise ValueError(f"model_config: expected '{missing[0]}', got no such key. Complete the configuration.")
    if json_config.get("boundary_head") is not None:
        raise ValueError(
            "model_config: expected a model without 'boundary_head', got one with it. Train the head with 'dpar train', "
            "after the other parameters."
        )
    config = {**MODEL_DEFAULTS, "cls_token_num": 0 if kind == "entropy" else 1, **json_config}
    if kind == "dpar":
        config = {**DPAR_DEFAULTS, **config, "patching": {**PATCHING_DEFAULTS, **config.get("patching", {})}}
        if "row_length" not in config["patching"]:
            raise ValueError("model_config: expected 'patching.row_length', got no such key. Set it to the tokens in a row.")
    side = math.isqrt(config["block_size"])
    if side * side != config["block_size"]:
        raise ValueError(
            f"model_config: expected 'block_size' to be a square number, got {config['block_size']}. "
            "Set it to the tokens of an image."
        )
    return config


def config_of_settings(settings):
    """Content of config.json for the `model` part of a training configuration: a preset, changed by the given keys."""
    given = {key: value for key, value in settings.items() if key != "preset"}
    size = settings.get("preset")
    keys = {}
    side = math.isqrt(given.get("block_size", 256))
    if given.get("kind") == "dpar":
        keys["patching"] = {"row_length": side}
    if size is not None:
        presets = ENTROPY_PRESETS if given.get("kind") == "entropy" else PRESETS
        if size not in presets:
            raise ValueError(f"config_of_settings: expected 'preset' among {', '.join(presets)}, got {size!r}. Correct it.")
        if given.get("kind") == "entropy":
            dim, layers, heads = presets[size]
            keys.update(dim=dim, n_layer=layers, n_head=heads)
        else:
            dim, heads, encoder, layers, decoder, plain = presets[size]
            keys.update(dim=dim, n_head=heads, n_layer=plain)
            if given.get("kind") == "dpar":
                keys.update(
                    n_layer=layers, n_local_encoder_layers=encoder, n_local_decoder_layers=decoder,
                    embedding_type="dynamic_4d",
                    patching={"threshold": THRESHOLDS.get(side, 7.8), "max_patch_length": 4, "row_length": side},
                )  # fmt: skip
    return model_config(merged(keys, given))


def merged(first, second):
    """Merges two objects and the objects nested in both. Keys of the second win."""
    result = dict(first)
    for key, value in second.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def train_config(given, changes=()):
    """Training configuration with all defaults.

    changes: texts such as `optimizer.learning_rate=1e-3`. Raises ValueError that names an unknown or unsupported key.
    """
    given = copy.deepcopy(given)
    for change in changes:
        path, sign, text = change.partition("=")
        if not sign:
            raise ValueError(f"train_config: expected a setting such as 'steps=1000', got '{change}'. Write KEY=VALUE.")
        *parents, name = path.split(".")
        place = given
        for parent in parents:
            place = place.setdefault(parent, {})
        try:
            place[name] = json.loads(text)
        except json.JSONDecodeError:
            place[name] = text
    for part, keys in [("", given), *((part, given.get(part, {})) for part in ("data", "optimizer", "dropout", "checkpoints"))]:
        known = {**(TRAIN_DEFAULTS if part == "" else TRAIN_DEFAULTS[part]), **dict.fromkeys(TRAIN_OTHERS.get(part, []))}
        for key in keys:
            if key not in known:
                raise ValueError(
                    f"train_config: expected keys among {', '.join(known)}, got '{key}' in '{part or 'the configuration'}'. "
                    "Correct the key."
                )
    config = merged(TRAIN_DEFAULTS, given)
    for key in ("model", "steps", "output"):
        if key not in config:
            raise ValueError(f"train_config: expected '{key}', got no such key. Add it to the configuration.")
    if "tokens" not in config["data"]:
        raise ValueError("train_config: expected 'data.tokens', got no such key. Set it to the training data.")
    if config["train"] != "all":
        raise ValueError(f"train_config: expected 'train' \"all\", got {config['train']!r}. Use 'dpar train' for parts of a model.")
    return config


def learning_rate(config, step):
    """Learning rate of a step, counted from 0: constant, or a linear warm-up and half a cosine wave."""
    optimizer, steps = config["optimizer"], config["steps"]
    rate, warmup, final = (optimizer[key] for key in ("learning_rate", "warmup_steps", "final_fraction"))
    if optimizer["schedule"] == "constant":
        return rate
    if step < warmup:
        return rate * (step + 1) / warmup
    progress = min(1, (step - warmup) / (steps - warmup))
    return rate * (final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2)
