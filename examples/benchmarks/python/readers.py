"""Readers of array files in NumPy, safetensors and PyTorch, as a process of `peer.py`.

Inputs: arrays by name. `write ...` writes them to a file of the folder, and reading returns the SHA-256 of all bytes, in the order of the names.
"""

import hashlib
import os

import numpy as np
from peer import folder, inputs, load, serve, threads

torch, safetensors = load("torch", "PyTorch"), load("safetensors", "safetensors")


def path(name):
    return os.path.join(folder, name)


def digest(arrays):
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(np.ascontiguousarray(arrays[name]).tobytes())
    return {"digest": np.frombuffer(found.digest(), np.uint8)}


def read_npz():
    with np.load(path("peer.npz")) as archive:
        return {name: archive[name] for name in archive.files}


def case(read, write):
    """Cases of a format. Only reading is timed, so the digest has a case of its own."""

    def timed():
        read()

    return {"read": timed, "digest": lambda: digest(read()), "write": lambda: write(inputs())}


formats = {"NumPy": case(read_npz, lambda arrays: np.savez(path("peer.npz"), **arrays))}
if safetensors is not None:
    from safetensors.numpy import load_file, save_file

    target = path("peer.safetensors")
    formats["safetensors"] = case(lambda: load_file(target), lambda arrays: save_file(arrays, target))
if torch is not None:
    torch.set_num_threads(threads)

    def write_torch(arrays):
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path("peer.pt"))

    formats["PyTorch"] = case(lambda: torch.load(path("peer.pt"), weights_only=True), write_torch)
serve({f"{action} {name}": run for name, cases in formats.items() for action, run in cases.items()})
