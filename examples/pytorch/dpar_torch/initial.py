"""Initial weights of `dpar train`, by the seed of the run."""

import torch

from .philox import Stream

NARROW = 0.7  # standard deviation of embeddings; of linear layers, after multiplication by the root of their inputs


@torch.no_grad()
def initialize(model, seed, initialization):
    """Draws all parameters, in their order. Norms start with ones, the output layer with zeros.

    initialization: "paper" (standard deviation 0.02) or "narrow", for widths well below 768.
    """
    for index, (name, parameter) in enumerate(model.named_parameters()):
        if name == "output.weight":
            parameter.zero_()
        elif parameter.dim() < 2:
            parameter.fill_(1)
        else:
            std, cut = 0.02, None
            if "cross_attn_layers" in name:
                std, cut = parameter.shape[1] ** -0.5, 3  # truncated at three standard deviations
            elif initialization == "narrow":
                std = NARROW if "embedding" in name else NARROW / parameter.shape[1] ** 0.5
            parameter.copy_(Stream(seed, index).normal(parameter.numel(), std, cut).view_as(parameter))
