"""Whole optimizer steps of a LlamaGen in PyTorch, as a process of `peer.py`: a case for each way to compute.

Settings: `model` (arguments of the model), `images`, `drop`, `variants`. Inputs: the weights, `labels` [B] and `codes` [B, T];
without inputs, all are random. The result of a case is the loss before each of its steps, from the given weights on.
"""

import contextlib
import os
import time

from peer import folder, inputs, load, missing, serve, settings, threads

torch = load("torch", "PyTorch")


def cases_of():
    from llamagen_torch import LlamaGen, adamw, prepare, train_step

    prepare(threads, missing)
    model = LlamaGen(*settings["model"], drop=settings["drop"])
    codes, classes, tokens = settings["model"][4:7]
    if os.path.exists(os.path.join(folder, "inputs.npz")):
        arrays = {name: torch.from_numpy(array) for name, array in inputs().items()}
        labels, image_codes = arrays.pop("labels").long(), arrays.pop("codes").long()
        model.load_state_dict(arrays)
    else:
        arrays = None
        labels = torch.randint(classes, (settings["images"],))
        image_codes = torch.randint(codes, (settings["images"], tokens))
    optimizer = adamw(model)
    compiled = torch.compile(model.loss)

    def step(variant):
        half = torch.autocast("cpu", torch.bfloat16) if "bfloat16" in variant else contextlib.nullcontext()
        with half:
            return train_step(model, compiled if "compiled" in variant else model.loss, optimizer, labels, image_codes)

    def check(variant):
        """Losses of the first steps from the given weights on, with an optimizer that has not run."""
        if arrays is not None:
            model.load_state_dict(arrays)
        optimizer.state.clear()
        return {"losses": [step(variant) for _ in range(3)]}

    def timed(variant):
        step(variant)

    times = {variant: lambda variant=variant: timed(variant) for variant in settings["variants"]}
    return times | {f"check {variant}": lambda variant=variant: check(variant) for variant in settings["variants"]}


def product_speed():
    """GFLOP/s of a matrix product on one core, by its own time, as other programs may run."""
    torch.set_num_threads(1)
    a = torch.randn(512, 512)
    a @ a
    start = time.process_time()
    for _ in range(4):
        a @ a
    return 4 * 2 * 512**3 / (time.process_time() - start) / 1e9


# With the reference BLAS of some distributions a step takes minutes, which says nothing of PyTorch.
if torch is not None and product_speed() < 5:
    missing["PyTorch"], torch = "its matrix products are those of a reference BLAS", None
serve(cases_of() if torch is not None else {})
