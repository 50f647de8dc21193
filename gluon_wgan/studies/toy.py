"""The toy experiments of WGAN-GP: modes, surfaces, gradient norms; each run is kept as soon as it is done."""

import contextlib
import fcntl
import json
import os
import re
import sys
from pathlib import Path

from tqdm import tqdm

from gluon_wgan.errors import UserError
from gluon_wgan.run_folder import describe_environment, write_atomic

# Fixed before any run.
PARTS = ("modes", "surfaces", "gradient_norms")
WIDTH = 512
GENERATOR_STEPS = 5000
COMMAND = "python experiments/toy.py --measure"
_FIRST_SEED_ONLY = ("samples", "surface")  # for figures; of the others no more than the numbers is kept


def _module(part):
    # late: they load mxnet
    from gluon_wgan.studies import toy_gradients, toy_modes, toy_surfaces

    return {"modes": toy_modes, "surfaces": toy_surfaces, "gradient_norms": toy_gradients}[part]


def write(reports, parts=None, seeds=None, width=WIDTH, generator_steps=GENERATOR_STEPS):
    """Measure into data/toy.json below a folder of reports; return the file.

    Runs that are in it already are kept and not repeated. It is written whenever a run is done. Several processes may
    measure into it, other parts or seeds.

    Parameters
    ----------
    reports : str or pathlib.Path
    parts : sequence of str, optional
        Of `PARTS`; all by default. With modes comes penalty_norm.
    seeds : sequence of int, optional
        By default each part's own.
    width : int
        Units of a hidden layer.
    generator_steps : int
        Of the part modes; surfaces takes two critic updates for each, gradient_norms a tenth of them.

    Raises
    ------
    UserError
        If there is no such part, a number is out of its range, or the file has runs with other settings.
    """
    if unknown := [part for part in parts or () if part not in PARTS]:
        raise UserError("--parts", ", ".join(unknown), ", ".join(PARTS))
    least_steps = _module("modes").EVALUATIONS
    for flag, given, least in (("--width", width, 1), ("--generator-steps", generator_steps, least_steps)):
        if given < least:
            raise UserError(flag, given, f"{least} or more")
    if seeds is not None and (not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds)):
        raise UserError("--seeds", " ".join(map(str, seeds)) or "none", "one or more different numbers, 0 or more")
    file = Path(reports) / "data" / "toy.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    environment = describe_environment()
    environment.pop("command")
    sizes = {"width": width, "generator_steps": generator_steps}
    all_settings = {part: _settings(part, sizes) for part in parts or PARTS}
    for part, settings in all_settings.items():
        _checked(_read(file), part, settings, file)  # before hours of another part
    for part, settings in all_settings.items():
        _measure(file, part, seeds, sizes, settings, environment)
    return file


def _settings(part, sizes):
    from gluon_wgan.studies import toy_networks

    return {**sizes, **toy_networks.describe(), **_module(part).describe()}


def _measure(file, part, seeds, sizes, settings, environment):
    module = _module(part)
    kept = _checked(_read(file), part, settings, file)
    todo = [job for job in module.jobs(seeds) if job not in {_job(run) for run in kept["runs"]}]
    total = sum(module.updates(job, sizes["generator_steps"]) for job in todo)
    with tqdm(
        total=total,
        unit="update",
        desc=part.replace("_", " "),
        smoothing=0.05,
        mininterval=0.5 if sys.stderr.isatty() else 30,
    ) as bar:
        for job in todo:
            bar.set_postfix_str(", ".join(map(str, job)), refresh=False)
            run = module.run(job, **sizes, bar=bar)
            _save(file, part, settings, run, environment)


def _job(run):
    return run["data"], run["arm"], run["seed"]


def _read(file):
    return json.loads(file.read_text()) if file.is_file() else {}


def _checked(content, part, settings, file):
    """Return the part's content, empty if there is none; refuse one that was measured with other settings."""
    kept = content.get(part, {"settings": settings, "starts": [], "runs": []})
    for name, value in settings.items():
        before = kept["settings"].get(name)
        if before != json.loads(json.dumps(value)):
            allowed = f"{before}, as the runs in {file}; or another folder in --reports"
            raise UserError("--" + name.replace("_", "-"), value, allowed)
    return kept


def _save(file, part, settings, run, environment):
    """Add a run to the file, summarise its part anew, and write the file."""
    module = _module(part)
    with _locked(file.parent):
        content = _read(file)
        kept = _checked(content, part, settings, file)
        if environment not in kept["starts"]:
            kept["starts"].append(environment)
        run["start"] = kept["starts"].index(environment)
        runs = [one for one in kept["runs"] if _job(one) != _job(run)] + [run]
        order = {job: place for place, job in enumerate(module.jobs(sorted({one["seed"] for one in runs})))}
        runs.sort(key=lambda one: order[_job(one)])
        _keep_first(runs)
        content[part] = {
            **{"settings": settings, "starts": kept["starts"], **module.summarise(runs)},
            "seconds": round(sum(one["seconds"] for one in runs), 1),
            "runs": runs,
        }
        if part == "modes":
            content["penalty_norm"] = module.penalty_norm(runs)
        ordered = {name: content[name] for name in (*PARTS, "penalty_norm") if content.get(name)}
        write_atomic(file, _dumps({"command": COMMAND, **ordered}).encode())


def _keep_first(runs):
    """Drop what is for figures from all runs of a (data, arm) but the first."""
    seen = set()
    for run in runs:
        if (run["data"], run["arm"]) in seen:
            for name in _FIRST_SEED_ONLY:
                run.pop(name, None)
        seen.add((run["data"], run["arm"]))


def _dumps(content):
    """Return JSON with every run on a line of its own; what is not finite is refused."""
    lines, shown = [], {}
    for name, part in content.items():
        shown[name] = part
        if name in PARTS:
            first, last = len(lines), len(lines) + len(part["runs"])
            shown[name] = {**part, "runs": [f"run {number}" for number in range(first, last)]}
            lines += [json.dumps(run, allow_nan=False) for run in part["runs"]]
    text = json.dumps(shown, indent=1, allow_nan=False)
    return re.sub(r'"run (\d+)"', lambda found: lines[int(found[1])], text) + "\n"


@contextlib.contextmanager
def _locked(folder):
    """Hold an exclusive lock on a folder while the block runs, so that two processes do not write at once."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
