"""A process that computes what it is asked to: named cases, each with its time and its result.

Argument: a folder with `settings.json` and, for some scripts, arrays in `inputs.npz`. The first line of the output has the versions
of the packages, the names of the cases and the reasons why others are missing. A line of the input is `{"case": name, "repeat": n}`
for the seconds of one of n runs, with `"into": file` for the result of the last run, as an `.npz` archive.
"""

import importlib.metadata
import json
import os
import sys
import time

import numpy as np

folder = sys.argv[1]
with open(os.path.join(folder, "settings.json")) as file:
    settings = json.load(file)
threads = settings["threads"]
if hasattr(os, "sched_setaffinity") and threads < len(os.sched_getaffinity(0)):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])

# Libraries print to stdout too. The answers keep it, and everything else goes to stderr.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

versions, missing = {"Python": sys.version.split()[0], "NumPy": np.__version__}, {}


def inputs():
    """Arrays by name."""
    with np.load(os.path.join(folder, "inputs.npz")) as archive:
        return {name: archive[name] for name in archive.files}


def load(module, name, *parts):
    """Imports a package with the parts that are needed, and notes its version, or why it is missing. The result is None then."""
    try:
        found = importlib.import_module(module)
        for part in parts:
            importlib.import_module(f"{module}.{part}")
    except ModuleNotFoundError:
        missing[name] = "not installed"
        return None
    except Exception as error:
        missing[name] = f"its import failed ({type(error).__name__}: {error})"
        return None
    try:
        versions[name] = getattr(found, "__version__", None) or importlib.metadata.version(module)
    except importlib.metadata.PackageNotFoundError:
        versions[name] = "of unknown version"
    return found


def say(answer):
    print(json.dumps(answer), file=answers, flush=True)


def serve(cases):
    """Answers until the input ends. A case is a function that returns arrays or numbers by name, or None."""
    say({"versions": versions, "cases": list(cases), "missing": missing})
    for line in sys.stdin:
        request = json.loads(line)
        case, repeat = cases[request["case"]], request["repeat"]
        try:
            start = time.perf_counter()
            for _ in range(repeat):
                result = case()
            seconds = (time.perf_counter() - start) / repeat
            if "into" in request:
                np.savez(request["into"], **{name: np.asarray(value) for name, value in (result or {}).items()})
            say({"seconds": seconds})
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}".splitlines()[0]})
