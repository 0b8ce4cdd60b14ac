"""Generation of a LlamaGen in PyTorch with classifier-free guidance, as a process of `peer.py`: a case for each way to compute.

Settings: `model` (arguments of the model), `images`, `variants`. Inputs: the weights; without inputs, they are random. Cases draw
tokens at random; `greedy ...` choose the likeliest and return all tokens [B, T].
"""

import copy
import os

from peer import folder, inputs, load, missing, serve, settings, threads

torch = load("torch", "PyTorch")


def cases_of():
    from llamagen_torch import LlamaGen, draw, generate, greedy, prepare

    prepare(threads, missing)
    model = LlamaGen(*settings["model"]).eval().requires_grad_(False)
    if os.path.exists(os.path.join(folder, "inputs.npz")):
        model.load_state_dict({name: torch.from_numpy(array) for name, array in inputs().items()})
    models, images = {"float32": model}, settings["images"]
    if any("bfloat16" in variant for variant in settings["variants"]):
        models["bfloat16"] = copy.deepcopy(model).bfloat16()
    caches = {name: one.new_caches(2 * images) for name, one in models.items()}
    compiled = {name: torch.compile(one.step) for name, one in models.items()}

    def tokens(variant, choose):
        form = "bfloat16" if "bfloat16" in variant else "float32"
        one, masked = models[form], "compiled" in variant
        step = compiled[form] if masked else one.step
        return generate(one, step, choose, caches[form], images, masked=masked)

    def drawn(variant):
        tokens(variant, draw)

    timed = {variant: lambda variant=variant: drawn(variant) for variant in settings["variants"]}
    chosen = {
        f"greedy {variant}": lambda variant=variant: {"tokens": tokens(variant, greedy).int().numpy()}
        for variant in settings["variants"]
    }
    return timed | chosen


serve(cases_of() if torch is not None else {})
