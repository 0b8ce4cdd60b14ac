"""One teacher-forced pass of each fixture: writes logits, loss, patch lengths and all gradients.

Arguments: folder of a fixture, file to write, and so on.
"""

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from dpar_torch.model import make_model
from dpar_torch.patches import patch_lengths
from dpar_torch.settings import model_config
from dpar_torch.tensor_files import TensorFile, read_weights, write_tensors

for folder, output in zip(map(Path, sys.argv[1::2]), sys.argv[2::2]):
    config = model_config(json.loads((folder / "config.json").read_text()))
    model = make_model(config)
    model.load_state_dict(read_weights(folder))
    io = TensorFile(folder / "io.safetensors")
    tokens = io["tokens"].long()
    lengths, labels = None, None
    if config["kind"] != "entropy":
        labels = io["labels"].long()
    if config["kind"] == "dpar":
        lengths = patch_lengths(len(tokens), config, io["entropies"])
    loss, logits = model(tokens, labels, lengths)
    loss.backward()
    tensors = {"logits": logits, "loss": loss.reshape(1)}
    if lengths is not None:
        tensors["patch_lengths"] = lengths.int()
    for name, parameter in model.named_parameters():
        tensors[f"grad.{name}"] = parameter.grad
    types = {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}
    write_tensors(output, types, tensors.__getitem__)
