"""Resizes of an image in Pillow, PyTorch and torchvision, as a process of `peer.py`.

Inputs: `image` [H, W, 3], values of bytes. Settings: `width` and `height` of the results. Results: bytes [h, w, 3], or planes [3, h, w] of floats.
torchvision resizes tensors by `torch.nn.functional.interpolate`, and so do the cases of PyTorch.
"""

import numpy as np
from peer import inputs, load, serve, settings, threads

pillow, torch, torchvision = load("PIL", "Pillow"), load("torch", "PyTorch"), load("torchvision", "torchvision", "transforms.v2.functional")
image, width, height = inputs()["image"].astype(np.uint8), settings["width"], settings["height"]


def pillow_cases():
    from PIL import Image

    whole = Image.fromarray(image)
    planes = [Image.fromarray(np.ascontiguousarray(image[..., c], np.float32)) for c in range(3)]

    def resized(filter):
        return {"pixels": np.asarray(whole.resize((width, height), filter))}

    def clean():
        return {"pixels": np.stack([plane.resize((width, height), Image.Resampling.BICUBIC) for plane in planes])}

    return {
        "box Pillow": lambda: resized(Image.Resampling.BOX),
        "bicubic Pillow": lambda: resized(Image.Resampling.BICUBIC),
        "clean Pillow": clean,
    }


def torch_cases():
    from torch.nn.functional import interpolate

    torch.set_num_threads(threads)
    bytes_of = torch.from_numpy(image).permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float().contiguous()

    def resized(x, mode, antialias):
        return interpolate(x, (height, width), mode=mode, antialias=antialias)[0]

    cases = {
        "bicubic PyTorch": lambda: {"pixels": resized(bytes_of, "bicubic", True).permute(1, 2, 0)},
        "clean PyTorch": lambda: {"pixels": resized(planes, "bicubic", True)},
        "pytorch PyTorch": lambda: {"pixels": resized(planes, "bilinear", False)},
    }
    if torchvision is None:
        return cases
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2.functional import resize

    def by_torchvision(x, mode, antialias):
        return resize(x, [height, width], interpolation=mode, antialias=antialias)[0]

    bicubic, bilinear = InterpolationMode.BICUBIC, InterpolationMode.BILINEAR
    return cases | {
        "bicubic torchvision": lambda: {"pixels": by_torchvision(bytes_of, bicubic, True).permute(1, 2, 0)},
        "clean torchvision": lambda: {"pixels": by_torchvision(planes, bicubic, True)},
        "pytorch torchvision": lambda: {"pixels": by_torchvision(planes, bilinear, False)},
    }


serve((pillow_cases() if pillow is not None else {}) | (torch_cases() if torch is not None else {}))
