"""Output folder of a run, in the form of `dpar train`: checkpoints that either program resumes, and metrics.

checkpoints/step-000500/ has config.json, model.safetensors, optimizer.safetensors (`exp_avg.<parameter>` and
`exp_avg_sq.<parameter>`), average.safetensors with a moving average, classes.json if the classes have names, and trainer.json
with step, seed, configuration, digests of the data, and size and SHA-256 of the other files.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
from pathlib import Path

RANDOM_STATE = "every random number is a function of the seed and the step"
RUN_FILES = ("train.json", "metrics.jsonl", "starts-from.json", "checkpoints", "last", "best")
PARTIAL = re.compile(r"\.(.+)\.(partial|previous)-[0-9a-f]{16}$", re.DOTALL)


class RunFolder:
    def __init__(self, output, settings):
        """settings: `checkpoints` of the training configuration."""
        self.output, self.settings = Path(output), settings
        self.lowest = float("inf")
        self.lock = self.output / ".lock"

    def open(self, resume):
        """Locks the folder and removes what a killed process left.

        Returns the newest intact checkpoint, or None for a new run. Raises ValueError if there is a run and `resume` is false.
        """
        self.output.mkdir(parents=True, exist_ok=True)
        self.lock_folder()
        present = [name for name in RUN_FILES if (self.output / name).exists()]
        if present and not resume:
            self.close()
            raise ValueError(
                f"train: expected an output folder without a run, got {', '.join(present)} in '{self.output}'. "
                "Pass --resume to resume that run, or choose another output."
            )
        for folder in (self.output, self.output / "checkpoints"):
            self.recover(folder)
        found, damaged = None, []
        steps = sorted((self.output / "checkpoints").glob("step-*"), reverse=True)
        for folder in [*steps, self.output / "last", self.output / "best"]:
            if found is None and folder.exists():
                found = self.verified(folder, damaged)
        for text in damaged:
            print(f"train: WARNING: {text}", flush=True)
        if found is None and damaged:
            self.close()
            raise ValueError(f"train: expected an intact checkpoint in '{self.output}', got only damaged ones. Restore one from a copy.")
        if found is not None and (best := self.verified(self.output / "best", [])) is not None:
            loss = self.state(best)["validation_loss"]
            self.lowest = self.lowest if loss is None else loss
        return found

    def lock_folder(self):
        """Creates `.lock` as `dpar train` does: only one process at a time writes a run."""
        try:
            with open(self.lock, "x") as file:
                file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}) + "\n")
        except FileExistsError:
            holder = json.loads(self.lock.read_text())
            if holder["host"] == socket.gethostname() and not is_running(holder["pid"]):
                self.lock.unlink()
                return self.lock_folder()
            raise ValueError(
                f"train: expected '{self.output}' to be unlocked, got a lock of process {holder['pid']} on '{holder['host']}'. "
                f"If that process has ended, remove '{self.lock}'."
            ) from None

    def close(self):
        self.lock.unlink(missing_ok=True)

    def recover(self, folder):
        """Puts a folder back that was moved aside, and removes partial ones."""
        for entry in list(folder.iterdir()) if folder.is_dir() else []:
            if match := PARTIAL.fullmatch(entry.name):
                if match[2] == "previous" and not (folder / match[1]).exists():
                    entry.rename(folder / match[1])
                else:
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def state(self, folder):
        return json.loads((folder / "trainer.json").read_text())

    def verified(self, folder, damaged):
        """The folder, if all of its files have the recorded sizes and digests; else None, and the reason in `damaged`."""
        try:
            for name, record in self.state(folder)["files"].items():
                path = folder / name
                if path.stat().st_size != record["bytes"] or sha256(path) != record["sha256"]:
                    raise ValueError(f"'{path}' has changed")
            return folder
        except (OSError, ValueError, KeyError) as error:
            damaged.append(f"the checkpoint '{folder}' is damaged ({error}).")
            return None

    def write(self, state, fill):
        """Writes a checkpoint atomically, and updates `last/` and `best/`.

        state: content of trainer.json without `files`. fill: function that writes all other files into a folder.
        """
        folder = self.output / "checkpoints" / f"step-{state['step']:06d}"

        def write(partial):
            fill(partial)
            files = {path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in sorted(partial.iterdir())}
            write_json(partial / "trainer.json", {**state, "files": files})

        replace_folder(folder, write)
        replace_folder(self.output / "last", lambda partial: link_files(folder, partial))
        if self.is_best(state["validation_loss"]):
            replace_folder(self.output / "best", lambda partial: link_files(folder, partial))
            self.lowest = state["validation_loss"]
        steps = [path for path in sorted((self.output / "checkpoints").glob("step-*")) if path.name <= folder.name]
        for old in steps[: -self.settings["keep"]]:
            partial = sibling(old, "partial")
            old.rename(partial)
            shutil.rmtree(partial)
        return folder

    def is_best(self, validation_loss):
        return self.settings["best"] and validation_loss is not None and validation_loss < self.lowest

    def start_metrics(self, step):
        """Keeps the lines of metrics.jsonl up to a step, because later steps are repeated."""
        path, kept = self.output / "metrics.jsonl", []
        for line in path.read_text().splitlines() if path.exists() and step > 0 else []:
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line + "\n")
            except (ValueError, KeyError, TypeError):
                continue  # cut by a kill
        path.write_text("".join(kept))
        return open(path, "a")


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def sibling(path, kind):
    return path.with_name(f".{path.name}.{kind}-{secrets.token_hex(8)}")


def replace_folder(target, fill):
    """Writes a folder under a hidden name, then gives it its name: it is complete or absent."""
    target.parent.mkdir(exist_ok=True)
    partial, previous = sibling(target, "partial"), sibling(target, "previous")
    partial.mkdir()
    fill(partial)
    if target.exists():
        target.rename(previous)
    partial.rename(target)
    shutil.rmtree(previous, ignore_errors=True)


def link_files(source, target):
    for path in source.iterdir():
        try:
            os.link(path, target / path.name)
        except OSError:  # no hard links here
            shutil.copyfile(path, target / path.name)


def write_json(path, value):
    with open(path, "w") as file:
        file.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
