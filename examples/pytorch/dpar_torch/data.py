"""Tokenized images on disk, in the forms that `dpar train` reads: safetensors files, pairs of npy files, LlamaGen's layout.

N images in V variants (crops and flips) of T tokens each.
"""

import hashlib
import json
import re
from collections import OrderedDict
from pathlib import Path

import torch

from .tensor_files import TensorFile, bytes_of

ENTROPIES = re.compile(r"(^|[._-])entropies(-\d+)?\.safetensors$")
NPY_TOKENS = re.compile(r"(|.*[._-])(?:tokens|codes)\.npy$", re.DOTALL)
PART_SEQUENCES = 4096  # images times variants in a file of entropies
OPEN_FILES = 64
MEMORY_BYTES = 1 << 26  # tokens of one safetensors file that `dpar train` reads into memory
SAMPLES = 64  # images of a larger set that enter its digest


def in_order(name):
    """Key that sorts names with numbers by their value."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.casefold()) for part in re.split(r"(\d+)", name)], name


class TokenData:
    """A set of tokenized images. `load` reads only the images of a batch."""

    def __init__(self, path, entropies=None):
        """path: file or folder. entropies: folder of the entropies, or their file; default: beside the tokens."""
        self.path = Path(path)
        self.files = OrderedDict()  # open files, the last used at the end
        self.codes = self.find_codes()
        if self.codes is not None:
            folder = self.codes.with_name(self.codes.name.removesuffix("_codes") + "_labels")
            self.images = sum(re.fullmatch(r"\d+\.npy", file.name) is not None for file in self.codes.iterdir())
            if self.images == 0 or not folder.is_dir():
                raise ValueError(f"TokenData: expected '0.npy', '1.npy', ... in '{self.codes}' and '{folder}', got none. Check the path.")
            self.ranges = []
            shape = self.open(self.codes / "0.npy").types[""][1][-2:]
            self.variants, self.tokens = shape
            self.labels = folder
        else:
            self.ranges = self.find_shards()  # (first image, images, file of tokens, file of labels)
            self.images = sum(images for _, images, _, _ in self.ranges)
            shape = self.tensor(self.ranges[0][2], "tokens").shape
            self.variants, self.tokens = (1 if len(shape) == 2 else shape[1]), shape[-1]
        self.in_memory = self.path.suffix == ".safetensors" and self.variants == 1 and self.images * self.tokens * 4 <= MEMORY_BYTES
        self.entropies = self.find_entropies(entropies)

    def find_codes(self):
        """Folder `<name>_codes` of LlamaGen's layout, if the data have it."""
        if not self.path.exists():
            raise ValueError(f"TokenData: expected a file or folder of tokens at '{self.path}', got none. Check the path.")
        if self.path.is_file():
            return None
        if self.path.name.endswith("_codes"):
            return self.path
        found = sorted(folder for folder in self.path.iterdir() if folder.is_dir() and folder.name.endswith("_codes"))
        if len(found) > 1:
            names = ", ".join(folder.name for folder in found)
            raise ValueError(f"TokenData: expected one data set in '{self.path}', got {names}. Name the folder of the codes.")
        return found[0] if found else None

    def find_shards(self):
        folder = self.path.parent if self.path.is_file() else self.path
        names = [self.path.name] if self.path.is_file() else [file.name for file in folder.iterdir() if file.name[0] != "."]
        shards, first = [], 0
        for name in sorted(names, key=in_order):
            tokens, prefix = folder / name, NPY_TOKENS.fullmatch(name)
            labels = folder / f"{prefix[1]}labels.npy" if prefix else tokens
            is_shard = labels.exists() if prefix else name.endswith(".safetensors") and not ENTROPIES.search(name)
            if is_shard:
                images = self.tensor(tokens, "tokens").shape[0]
                shards.append((first, images, tokens, labels))
                first += images
        if not shards:
            raise ValueError(
                f"TokenData: expected safetensors files with tokens and labels, or pairs of npy files, at '{self.path}', got none. "
                "Write them with 'dpar tokenize'."
            )
        return shards

    def find_entropies(self, given):
        """(first image, file) of each file of entropies, or None."""
        if given is not None and Path(given).is_file():
            return [(0, Path(given))]
        if self.codes is not None:
            folder = Path(given or self.codes.parent, self.codes.name.removesuffix("codes") + "entropies")
            parts = self.parts_of(f"{folder}/entropies", 0, self.images, True)
        else:
            parts = []
            for first, images, tokens, _ in self.ranges:
                prefix = NPY_TOKENS.fullmatch(tokens.name)
                name = prefix[1] if prefix else tokens.name.removesuffix("safetensors")
                parts += self.parts_of(f"{given or tokens.parent}/{name}entropies", first, images, False)
        missing = [path for _, path in parts if not path.exists()]
        if not missing:
            models = {self.open(path).metadata.get("entropy_checkpoint", "unknown") for _, path in parts}
            if len(models) > 1:
                raise ValueError(
                    f"TokenData: expected entropies of one model for '{self.path}', got {' and '.join(sorted(models))}. "
                    "Compute them again with 'dpar entropy'."
                )
            return parts
        if len(missing) < len(parts) or given is not None:
            raise ValueError(
                f"TokenData: expected {len(parts)} files with entropies for '{self.path}', got none at '{missing[0]}'. "
                "Compute it with 'dpar entropy'."
            )
        own = [(first, tokens) for first, _, tokens, _ in self.ranges]
        return own if own and all(path.suffix != ".npy" and "entropies" in self.open(path) for _, path in own) else None

    def parts_of(self, prefix, first, images, numbered):
        size = max(1, PART_SEQUENCES // self.variants)
        count = -(-images // size)
        names = [f"{prefix}-{k:05d}" if count > 1 or numbered else prefix for k in range(count)]
        return [(first + k * size, Path(f"{name}.safetensors")) for k, name in enumerate(names)]

    def open(self, path):
        file = self.files.pop(path, None) or TensorFile(path)
        self.files[path] = file
        if len(self.files) > OPEN_FILES:
            self.files.popitem(last=False)
        return file

    def tensor(self, path, name):
        return self.open(path)["" if path.suffix == ".npy" else name]

    def load(self, images, variants):
        """Reads images, each in one variant: tokens int32 [B, T], labels int32 [B], entropies float32 [B, T - 1] or None."""
        tokens, labels, entropies = [], [], []
        for image, variant in zip(images, variants):
            if self.codes is not None:
                codes = TensorFile(self.codes / f"{image}.npy")[""].reshape(self.variants, self.tokens)
                tokens.append(codes[variant].int())
                labels.append(TensorFile(self.labels / f"{image}.npy")[""].reshape(1).int())
            else:
                first, _, path, labels_path = range_with(self.ranges, image)
                tokens.append(self.tensor(path, "tokens")[image - first].reshape(self.variants, -1)[variant].int())
                labels.append(self.tensor(labels_path, "labels").reshape(-1)[image - first].reshape(1).int())
            if self.entropies is not None:
                first, path = range_with(self.entropies, image)
                entropies.append(self.tensor(path, "entropies")[image - first].reshape(self.variants, -1)[variant].float())
        return torch.stack(tokens), torch.cat(labels), torch.stack(entropies) if entropies else None

    def all_entropies(self):
        """Entropies of all images, in pieces [images * V, T - 1]."""
        for i, (first, path) in enumerate(self.entropies):
            end = self.entropies[i + 1][0] if i + 1 < len(self.entropies) else self.images
            whole = self.tensor(path, "entropies")
            for start in range(0, end - first, PART_SEQUENCES):
                yield whole[start : min(start + PART_SEQUENCES, end - first)].reshape(-1, self.tokens - 1).float()

    def check(self, config, name):
        """Raises ValueError if some images do not fit the model."""
        tokens, labels, _ = self.sample()
        null = config["num_classes"]
        wrong = None
        if self.tokens != config["block_size"]:
            wrong = f"{config['block_size']} tokens per image", self.tokens
        elif int(tokens.min()) < 0 or int(tokens.max()) >= config["vocab_size"]:
            wrong = f"tokens from 0 to {config['vocab_size'] - 1}", f"{int(tokens.min())} to {int(tokens.max())}"
        elif config["cls_token_num"] > 0 and (int(labels.min()) < 0 or int(labels.max()) >= null):
            wrong = f"labels from 0 to {null - 1}", f"{int(labels.min())} to {int(labels.max())}"
        if wrong:
            raise ValueError(f"TokenData: expected {wrong[0]} in the {name} '{self.path}', got {wrong[1]}. Use data of this model.")

    def sample(self):
        """64 evenly spread images in their first variant, with the first and the last."""
        count = min(SAMPLES, self.images)
        images = [i * (self.images - 1) // max(1, count - 1) for i in range(count)]
        return self.load(images, [0] * count)

    def identity(self, key, entropies_key, with_entropies):
        """Digests of the data by keys of the configuration, as `dpar train` records them."""
        if self.in_memory:
            tokens, labels, entropies = self.load(range(self.images), [0] * self.images)
            sizes = []
        else:
            tokens, labels, entropies = self.sample()
            sizes = [self.images, self.variants]
        shape = json.dumps([list(tokens.shape), *sizes], separators=(",", ":")).encode()
        digests = {key: digest(shape, bytes_of(tokens), bytes_of(labels))}
        if with_entropies:
            digests[entropies_key] = digest(bytes_of(entropies))
        return digests

    def classes(self):
        """Names of the classes: from the metadata of a safetensors file, or from `classes.json`; None if unknown."""
        if self.path.suffix == ".safetensors" and "classes" in (metadata := self.open(self.path).metadata):
            return json.loads(metadata["classes"])
        beside = self.path.is_file() or self.path.name.endswith("_codes")
        for folder in [self.path, *([self.path.parent] if beside else [])]:
            if (file := folder / "classes.json").is_file():
                return json.loads(file.read_text())
        return None


def range_with(ranges, image):
    """The range that holds an image, among ascending ranges that begin with their first image."""
    low, high = 0, len(ranges) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if ranges[middle][0] <= image else (low, middle - 1)
    return ranges[low]


def digest(*parts):
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return f"sha256:{whole.hexdigest()}"
