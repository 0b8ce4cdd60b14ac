"""Trains DPAR, LlamaGen or an entropy model in PyTorch from the configuration of `dpar train`, on one or many devices.

torchrun --nproc-per-node 8 train.py --config train.json [--resume] [--fsdp] [--compile]
"""

import argparse
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
import torch.distributed as dist

from dpar_torch.batch_order import BatchOrder, drop_classes, noisy_tokens
from dpar_torch.data import TokenData
from dpar_torch.initial import initialize
from dpar_torch.model import make_model
from dpar_torch.patches import bucket_size, needs_entropies, patch_counts, patch_lengths
from dpar_torch.run_folder import RANDOM_STATE, RunFolder, write_json
from dpar_torch.settings import config_of_settings, learning_rate, train_config
from dpar_torch.tensor_files import read_weights, write_tensors
from dpar_torch.trainer import Trainer, whole

# Keys that may change when a run is resumed. Of data the contents are compared.
FREE = {"output", "validate_every", "checkpoints", "samples", "tensorboard", "init_from", "steps"}
FREE_DATA = {"tokens", "entropies", "entropy_checkpoint", "validation", "validation_entropies", "prefetch_batches"}


def main():
    arguments = parse_arguments()
    rank, world, device = start_processes()
    config = train_config(json.loads(Path(arguments.config).read_text()), arguments.set)
    if arguments.output:
        config["output"] = arguments.output
    folder = RunFolder(config["output"], config["checkpoints"])
    checkpoint = from_first(rank, lambda: folder.open(arguments.resume))
    try:
        run(arguments, rank, world, device, config, folder, checkpoint)
    finally:
        if rank == 0:
            folder.close()
        if dist.is_initialized():
            dist.destroy_process_group()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="training configuration of `dpar train`, JSON")
    parser.add_argument("--output", help="folder to write; default: that of the configuration")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="changes of the configuration")
    parser.add_argument("--resume", action="store_true", help="resume the run in the output folder, if there is one")
    parser.add_argument("--fsdp", action="store_true", help="split weights and optimizer over the processes (XL and above)")
    parser.add_argument("--compile", action="store_true", help="compile the transformer blocks")
    parser.add_argument("--precision", choices=["bf16", "float32"], help="default: bf16 with CUDA, else float32")
    parser.add_argument("--passes", type=int, help="passes per step of a process; default: accumulation_steps")
    return parser.parse_args()


def start_processes():
    """Number of this process, number of processes, and device. Without torchrun there is one process."""
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    if "RANK" not in os.environ:
        return 0, 1, device
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return dist.get_rank(), dist.get_world_size(), device


def from_first(rank, compute):
    """Result of a function that only the first process calls. Its ValueError is raised in all processes."""
    result = [None, None]
    if rank == 0:
        try:
            result[0] = compute()
        except ValueError as error:
            result[1] = str(error)
    if dist.is_initialized():
        dist.broadcast_object_list(result)
    if result[1] is not None:
        raise ValueError(result[1])
    return result[0]


def run(arguments, rank, world, device, config, folder, checkpoint):
    model_json = config_of_settings(config["model"])
    batch = Batches(config, model_json, rank, world, device)
    state = json.loads((checkpoint / "trainer.json").read_text()) if checkpoint else None
    digests = from_first(rank, batch.digests)
    check_start(config, digests, state)

    passes = arguments.passes or config["accumulation_steps"]
    if batch.own % passes != 0:
        raise ValueError(f"train: expected passes that divide the {batch.own} images of a process, got {passes}. Change --passes.")
    model = make_model(model_json, config["dropout"], config["recompute_blocks"])
    if checkpoint:
        model.load_state_dict(read_weights(checkpoint))
    else:
        initialize(model, config["seed"], config["initialization"])
    wide = arguments.precision == "float32" or (arguments.precision is None and device.type == "cpu")
    precision = torch.float32 if wide else torch.bfloat16
    trainer = Trainer(model, config, device, arguments.fsdp and world > 1, arguments.compile, precision, passes)
    if checkpoint:
        average = read_weights(checkpoint, "average") if trainer.average is not None else None
        trainer.restore(state["step"], read_weights(checkpoint, "optimizer"), average)
        say(rank, f"resumes from step {trainer.step} in '{checkpoint}'")

    classes = batch.data.classes()
    record = {"data": {**(state["data"] if state else {}), **digests}, "config": {k: v for k, v in config.items() if k != "output"}}
    metrics_file = None
    if rank == 0:
        write_json(folder.output / "train.json", config)
        metrics_file = folder.start_metrics(trainer.step)

    stop = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.append(True))
    written = trainer.step
    while trainer.step < config["steps"]:
        metrics, stopped = one_step(trainer, batch, bool(stop))
        step = trainer.step
        is_end = step == config["steps"]
        every = config["validate_every"]
        if batch.validation is not None and (is_end or (every is not None and step % every == 0)):
            metrics["validation_loss"] = batch.validate(trainer)
        if rank == 0:
            metrics_file.write(json.dumps(metrics) + "\n")
            metrics_file.flush()
        if step == 1 or step % 10 == 0 or is_end:
            say(rank, f"step {step} of {config['steps']}: loss {metrics['loss']:.4f}, {metrics['images_per_second']:.1f} images/s")
        loss, every = metrics.get("validation_loss"), config["checkpoints"]["every"]
        is_due = is_end or stopped or (every is not None and step % every == 0)
        if is_due or from_first(rank, lambda: folder.is_best(loss)):
            write_checkpoint(rank, trainer, folder, model_json, classes, {**record, "validation_loss": loss})
            written = step
        if stopped:
            break
    if metrics_file:
        metrics_file.close()
    say(rank, f"step {trainer.step} of {config['steps']} is in '{folder.output / 'last'}'" if written else "nothing to do")


def say(rank, text):
    if rank == 0:
        print(f"train: {text}", flush=True)


def check_start(config, digests, state):
    """Checks that a run can start here, or that a resumed run has the settings and data that it was started with."""
    if state is None:
        if config.get("init_from") is not None:
            raise ValueError(
                "train: expected a configuration without 'init_from', or a run to resume, got a new run with 'init_from'. "
                "Run one step with 'dpar train --set steps=1', then resume here with --resume."
            )
        return
    before = train_config({**state["config"], "output": config["output"]})
    changed = [f"'{key}' {config[key]} in place of {before.get(key)}" for key in config if not is_same(key, before, config)]
    steps = config["steps"], before["steps"]
    if steps[0] != steps[1] and (steps[0] < steps[1] or config["optimizer"]["schedule"] != "constant"):
        changed.append(f"'steps' {steps[0]} in place of {steps[1]}, which only a constant schedule may raise")
    changed += [f"'{key}' {got} in place of {state['data'][key]}" for key, got in digests.items() if state["data"].get(key, got) != got]
    if changed:
        raise ValueError(
            f"train: expected the settings and data that the run was started with, got {', '.join(changed)}. "
            "Resume with the original ones, or choose another output."
        )


def is_same(key, before, config):
    if key == "data":
        kept = [{k: v for k, v in each["data"].items() if k not in FREE_DATA} for each in (before, config)]
        return kept[0] == kept[1]
    return key in FREE or before.get(key) == config[key]


class Batches:
    """This process's part of each batch, loaded ahead in a thread."""

    def __init__(self, config, model_json, rank, world, device):
        self.config, self.model, self.rank, self.world, self.device = config, model_json, rank, world, device
        data = config["data"]
        self.data = TokenData(data["tokens"], data.get("entropies"))
        self.validation = None
        if data.get("validation") is not None:
            self.validation = TokenData(data["validation"], data.get("validation_entropies"))
        for each, name in ((self.data, "training data"), (self.validation, "validation data")):
            if each is not None:
                each.check(model_json, name)
        self.has_patches = model_json["kind"] == "dpar"
        self.with_entropies = self.has_patches and needs_entropies(model_json["patching"])
        if self.with_entropies and None in [each.entropies for each in (self.data, self.validation) if each is not None]:
            raise ValueError("train: expected entropies beside the tokens, got none. Compute them with 'dpar entropy'.")
        if config["batch_size"] % world != 0:
            raise ValueError(
                f"train: expected 'batch_size' to be a multiple of the {world} processes, got {config['batch_size']}. Change one."
            )
        self.own = config["batch_size"] // world
        self.order = BatchOrder(
            self.data.images, self.data.variants, config["batch_size"], config["seed"], self.count(), data["window_batches"]
        )  # fmt: skip
        self.thread, self.ahead = ThreadPoolExecutor(1), {}

    def count(self):
        """Number of patches of each image in each variant, to group batches; None for models without patches."""
        if not self.has_patches:
            return None
        counts = torch.zeros(self.data.images * self.data.variants, dtype=torch.int32)
        if not self.with_entropies:
            return counts.fill_(int(patch_counts(1, self.model)))
        if self.rank == 0:
            parts = [patch_counts(len(part), self.model, part) for part in self.data.all_entropies()]
            counts = torch.cat(parts).int()
        if self.world > 1:
            shared = counts.to(self.device)
            dist.broadcast(shared, 0)
            counts = shared.cpu()
        return counts

    def digests(self):
        """Digests of training and validation data, to recognise them."""
        found = self.data.identity("data.tokens", "data.entropies", self.with_entropies)
        if self.validation is not None:
            found |= self.validation.identity("data.validation", "data.validation_entropies", self.with_entropies)
        return found

    def at(self, step):
        """Tokens, labels, patch lengths and, with noise in the tokens, those to predict, of this process at a step."""
        for number in range(step, min(step + 1 + self.config["data"]["prefetch_batches"], self.config["steps"])):
            if number not in self.ahead:
                self.ahead[number] = self.thread.submit(self.load, number)
        return self.ahead.pop(step).result()

    def load(self, step):
        images, variants = self.order.at(step)
        # Images of a window are sorted by their patches, so those of a process need little padding.
        own = slice(self.rank * self.own, (self.rank + 1) * self.own)
        tokens, labels, entropies = self.data.load(images[own], variants[own])
        seed, noise, targets = self.config["seed"], self.config["token_noise"], None
        if self.model["cls_token_num"] > 0:
            probability = self.config["data"]["class_dropout"]
            labels = drop_classes(labels, self.model["num_classes"], probability, seed, step, own.start)
        if noise > 0:
            targets = tokens.long()
            tokens = noisy_tokens(tokens, self.model["vocab_size"], noise, seed, step, own.start)
        return tokens.long(), labels.long(), self.lengths(entropies, len(tokens)), targets

    def lengths(self, entropies, count):
        if not self.has_patches:
            return None
        ratio = self.config["data"].get("bucket_ratio")
        most = self.model["block_size"] + int(self.model["predict_eoi_token"])
        padded_to = None if ratio is None else lambda patches: bucket_size(patches, most, ratio)
        return patch_lengths(count, self.model, entropies, padded_to)

    def validate(self, trainer):
        """Mean loss over the validation data in nats per token, from all processes."""
        data, own = self.validation, self.own
        images = list(range(self.rank, data.images, self.world))
        total = torch.zeros((), device=self.device)
        most = -(-data.images // self.world)  # images of the process with most
        for start in range(0, most, own):
            part = images[start : start + own]
            # All processes take part in each pass, since weights may be split over them.
            tokens, labels, entropies = data.load(part or [0], [0] * max(1, len(part)))
            lengths = self.lengths(entropies, len(tokens))
            total += trainer.loss(tokens.long(), labels.long(), lengths) * len(part)
        if self.world > 1:
            dist.all_reduce(total)
        return total.item() / data.images


def one_step(trainer, batch, wants_stop):
    """Trains one step. Returns its line of metrics.jsonl, and whether a process was asked to stop."""
    config, step, world = trainer.config, trainer.step, trainer.world
    begin = time.perf_counter()
    tokens, labels, lengths, targets = batch.at(step)
    loaded = time.perf_counter()
    # Dropout is a function of seed, step and process, so that a resumed run repeats it.
    torch.manual_seed(((config["seed"] * 1_000_003 + step) * 65_537 + batch.rank) % 2**63)
    loss, norm = trainer.train_step(tokens, labels, lengths, targets)
    patches, positions = ((lengths > 0).sum().item(), lengths.numel()) if lengths is not None else (tokens.numel(),) * 2
    sums = torch.tensor([loss.item(), patches, positions, wants_stop], dtype=torch.float64).to(batch.device)
    if world > 1:
        dist.all_reduce(sums)
    loss_sum, patches, positions, stops = sums.tolist()
    predicted = batch.model["block_size"] + int(batch.model.get("predict_eoi_token", False))
    seconds = time.perf_counter() - begin
    metrics = {
        "step": step + 1,
        "epoch": batch.order.epoch_of(step),
        "loss": loss_sum / world,
        "gradient_norm": norm.item(),
        "learning_rate": learning_rate(config, step),
        "seconds": seconds,
        "wait_seconds": loaded - begin,
        "images_per_second": config["batch_size"] / seconds,
        "mean_patch_length": config["batch_size"] * predicted / patches if lengths is not None else 1,
        "padding_share": 1 - patches / positions,
    }
    return metrics, stops > 0


def write_checkpoint(rank, trainer, folder, model_json, classes, record):
    """Writes a checkpoint. All processes take part in gathering split tensors; the first one writes."""
    files = [("model", trainer.parameters), ("optimizer", {name: trainer.moment(name) for name in trainer.moment_names()})]
    if trainer.average is not None:
        files.append(("average", trainer.average))

    def fill(partial):
        if partial is not None:
            write_json(partial / "config.json", model_json)
            if classes is not None:
                write_json(partial / "classes.json", classes)
        for stem, tensors in files:
            types = {name: (torch.float32, tensor.shape) for name, tensor in tensors.items()}
            path = partial and partial / f"{stem}.safetensors"
            write_tensors(path, types, lambda name: whole(tensors[name].detach()))

    state = {"step": trainer.step, "seed": trainer.config["seed"], "random_state": RANDOM_STATE, **record}
    if rank == 0:
        folder.write(state, fill)
    elif trainer.fsdp:
        fill(None)
    if dist.is_initialized():
        dist.barrier()


if __name__ == "__main__":
    main()
