"""Files of tensors: safetensors (https://huggingface.co/docs/safetensors) and npy. Only what a batch needs is read."""

import ast
import ctypes
import json
import math
import mmap
import os
import struct
from pathlib import Path

import torch

DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U16": torch.uint16, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
NPY = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "u2": "U16", "i1": "I8", "u1": "U8"}
LARGEST_HEADER = 100_000_000  # bytes, the limit of the reference library


class TensorFile:
    """Tensors of a file, mapped into memory: `file[name]` is a view. The tensor of an npy file has the name ''."""

    def __init__(self, path):
        self.path, self.metadata, self.types = Path(path), {}, {}
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if size > 0 else b""
        read = self.read_npy if self.path.suffix == ".npy" else self.read_safetensors
        try:
            read()
        except (ValueError, KeyError, TypeError, SyntaxError, struct.error) as error:
            raise ValueError(f"TensorFile: expected tensors in '{path}', got a damaged header ({error}). Write it again.")

    def read_safetensors(self):
        (length,) = struct.unpack("<Q", self.bytes[:8])
        if length > min(LARGEST_HEADER, len(self.bytes) - 8):
            raise ValueError(f"a header of {length} bytes")
        header = json.loads(self.bytes[8 : 8 + length])
        self.metadata = header.pop("__metadata__", {})
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            self.add(name, entry["dtype"], entry["shape"], 8 + length + begin, end - begin)

    def read_npy(self):
        if self.bytes[:6] != b"\x93NUMPY":
            raise ValueError("no npy file")
        form, at = ("<H", 10) if self.bytes[6] == 1 else ("<I", 12)
        (length,) = struct.unpack(form, self.bytes[8:at])
        header = ast.literal_eval(self.bytes[at : at + length].decode())
        order, kind = header["descr"][0], header["descr"][1:]
        if order == ">" or (header["fortran_order"] and len(header["shape"]) > 1):
            raise ValueError("big-endian numbers or columns first")
        self.add("", NPY[kind], list(header["shape"]), at + length, len(self.bytes) - at - length)

    def add(self, name, dtype, shape, begin, size):
        if size != math.prod(shape) * DTYPES[dtype].itemsize or begin + size > len(self.bytes):
            raise ValueError(f"'{name}' of {size} bytes for {dtype}{shape}")
        self.types[name] = (DTYPES[dtype], shape, begin)

    def __contains__(self, name):
        return name in self.types

    def __getitem__(self, name):
        if name not in self.types:
            found = ", ".join(self.types) or "no tensors"
            raise ValueError(f"TensorFile: expected '{name}' in '{self.path}', got {found}. Check the file.")
        dtype, shape, begin = self.types[name]
        count = math.prod(shape)
        if count == 0:
            return torch.zeros(shape, dtype=dtype)
        return torch.frombuffer(self.bytes, dtype=dtype, count=count, offset=begin).reshape(shape)


def read_weights(folder, stem="model"):
    """Weights of a checkpoint by name: `model.safetensors`, or several files with `model.safetensors.index.json`."""
    path = Path(folder, f"{stem}.safetensors")
    index = Path(f"{path}.index.json")
    if path.exists() or not index.exists():
        paths = [path]
    else:
        paths = sorted({index.parent / Path(name).name for name in json.loads(index.read_text())["weight_map"].values()})
    files = [TensorFile(path) for path in paths]
    return {name: file[name] for file in files for name in file.types}


def write_tensors(path, types, tensor_of):
    """Writes a safetensors file, one tensor after the other.

    types: (dtype, shape) by name. tensor_of: function from a name to its tensor on any device. Names of all processes are
    asked for in the same order; a path of None writes nothing, for processes that only take part in gathering.
    """
    header, begin = {}, 0
    # As the reference library: wide types first, then by name.
    names = sorted(types, key=lambda name: (-types[name][0].itemsize, name))
    for name in names:
        dtype, shape = types[name]
        size = math.prod(shape) * dtype.itemsize
        header[name] = {"dtype": NAMES[dtype], "shape": list(shape), "data_offsets": [begin, begin + size]}
        begin += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file = open(path, "xb") if path is not None else None
    try:
        if file:
            file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            tensor = tensor_of(name)
            if file:
                file.write(bytes_of(tensor))
        if file:
            file.flush()
            os.fsync(file.fileno())
    finally:
        if file:
            file.close()


def bytes_of(tensor):
    """The bytes of a tensor, without NumPy, which PyTorch does not require."""
    whole = tensor.detach().cpu().contiguous()
    view = (ctypes.c_char * whole.nbytes).from_address(whole.data_ptr())
    view.owner = whole  # keeps the memory
    return view
