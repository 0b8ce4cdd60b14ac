"""Training on one or many devices: model, AdamW, moving average, and their states."""

import contextlib

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from .model import Block
from .settings import learning_rate


class Trainer:
    """A model on the device of this process, split or copied over all processes, with its optimizer."""

    def __init__(self, model, config, device, fsdp=False, compiled=False, precision=torch.float32, passes=1):
        """model: with its weights, on the CPU. config: training configuration."""
        self.config, self.device, self.passes, self.precision = config, device, passes, precision
        self.world = dist.get_world_size() if dist.is_initialized() else 1
        self.model = model.to(device)
        blocks = [module for module in model.modules() if isinstance(module, Block)]
        if compiled:
            for block in blocks:
                block.compile()
        self.fsdp = fsdp
        if fsdp:
            from torch.distributed.fsdp import fully_shard

            for block in [*blocks, model]:
                fully_shard(block)
        is_copied = self.world > 1 and not fsdp
        self.wrapped = DistributedDataParallel(model, gradient_as_bucket_view=True) if is_copied else model
        self.parameters = dict(model.named_parameters())
        options = config["optimizer"]
        groups = [
            {"params": [p for p in self.parameters.values() if p.dim() >= 2], "weight_decay": options["weight_decay"]},
            {"params": [p for p in self.parameters.values() if p.dim() < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(
            groups, lr=options["learning_rate"], betas=tuple(options["betas"]), eps=options["epsilon"],
            fused=device.type == "cuda",
        )  # fmt: skip
        self.step = 0
        self.average = None
        if options["average_decay"] is not None:
            self.average = {name: p.detach().clone() for name, p in self.parameters.items()}

    def autocast(self):
        return torch.autocast(self.device.type, dtype=self.precision, enabled=self.precision != torch.float32)

    def train_step(self, tokens, labels, lengths, targets=None):
        """One update from this process's part of the batch. Returns the mean loss of that part, and the norm before clipping."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.step)
        self.model.train()
        total = torch.zeros((), device=self.device)
        parts = [None if x is None else x.to(self.device).chunk(self.passes) for x in (tokens, labels, lengths, targets)]
        for i in range(self.passes):
            with self.gradient_sync(i == self.passes - 1):
                with self.autocast():
                    loss, _ = self.wrapped(*(None if part is None else part[i] for part in parts))
                (loss / self.passes).backward()
            total += loss.detach() / self.passes
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.config["optimizer"]["max_gradient_norm"])
        norm = whole(norm)
        if not torch.isfinite(norm):
            raise ValueError(
                f"train: expected a finite gradient norm, got {norm.item()} at step {self.step + 1}. Lower the learning rate, "
                "or start from an earlier checkpoint."
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            rate = 1 - self.config["optimizer"]["average_decay"]
            averages = [local(average) for average in self.average.values()]
            torch._foreach_lerp_(averages, [local(p.detach()) for p in self.parameters.values()], rate)
        self.step += 1
        return total, norm

    def gradient_sync(self, is_last):
        """Gradients are added over processes only in the last pass of a step."""
        if self.fsdp:
            self.model.set_requires_gradient_sync(is_last)
        elif self.wrapped is not self.model and not is_last:
            return self.wrapped.no_sync()
        return contextlib.nullcontext()

    @torch.no_grad()
    def loss(self, tokens, labels, lengths):
        """Mean loss of images, without dropout."""
        self.model.eval()
        with self.autocast():
            return self.model(*(None if x is None else x.to(self.device) for x in (tokens, labels, lengths)))[0]

    def moment(self, name):
        """Moment by its name in optimizer.safetensors: `exp_avg.<parameter>` or `exp_avg_sq.<parameter>`."""
        kind, parameter = name.split(".", 1)
        return self.optimizer.state[self.parameters[parameter]][kind]

    def moment_names(self):
        return [f"{kind}.{name}" for name in self.parameters for kind in ("exp_avg", "exp_avg_sq")]

    def restore(self, step, moments, average):
        """Continues after a step, with the moments and the average of a checkpoint by name."""
        for name, parameter in self.parameters.items():
            state = {"step": torch.tensor(float(step), device=self.device if self.device.type == "cuda" else "cpu")}
            for kind in ("exp_avg", "exp_avg_sq"):
                state[kind] = placed_like(parameter, moments[f"{kind}.{name}"])
            self.optimizer.state[parameter] = state
            if self.average is not None:
                self.average[name] = placed_like(parameter, average[name])
        self.step = step


def placed_like(parameter, tensor):
    """A whole tensor on the device of a parameter, split over processes as it is."""
    data = tensor.to(parameter.device, copy=True)
    if isinstance(parameter, DTensor):
        return distribute_tensor(data, parameter.device_mesh, parameter.placements, src_data_rank=None)
    return data


def whole(tensor):
    """A whole tensor, gathered from all processes if it is split."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def local(tensor):
    """This process's part of a tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
