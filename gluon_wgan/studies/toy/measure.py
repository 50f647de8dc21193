"""Run the toy experiments of WGAN-GP: modes, surfaces, gradient norms, other constraints."""

import sys

from tqdm import tqdm

from gluon_wgan.studies.plane import networks
from gluon_wgan.studies.toy import constraints, gradient_norms, modes, surfaces
from gluon_wgan.studies.toy.question import PARTS

_MODULES = {"modes": modes, "surfaces": surfaces, "gradient_norms": gradient_norms, "constraints": constraints}
_FIRST_SEED_ONLY = ("samples", "surface")  # for figures; of the others no more than the numbers is kept


def measure(flags, results):
    """Measure into data/toy.json; runs that are in it already are not repeated.

    generator_steps are those of the part modes; surfaces and constraints take two critic updates for each,
    gradient_norms a tenth. With modes comes penalty_norm, with surfaces and constraints other_constraints.
    """
    sizes = {"width": flags.width, "generator_steps": flags.generator_steps}
    for part in flags.parts or PARTS:
        _measure_part(part, flags.seeds, sizes, results)
        if part == "modes":
            norm = modes.penalty_norm(results.read()[part]["runs"])
            if norm is not None:
                results.keep("penalty_norm", norm)
    kept = results.read()
    if {"constraints", "surfaces"} <= kept.keys():
        lost = constraints.lost(kept["constraints"]["runs"], kept["surfaces"]["runs"])
        results.keep("other_constraints", lost)


def _measure_part(part, seeds, sizes, results):
    module = _MODULES[part]
    asked = {"settings": {**sizes, **networks.describe(), **module.describe()}}

    def key(run):
        return run["data"], run["arm"], run["seed"]

    def finish(runs):
        jobs = module.jobs(sorted({run["seed"] for run in runs}))
        runs.sort(key=lambda run: jobs.index(key(run)))
        _keep_first(runs)
        return {**module.summarise(runs), "seconds": round(sum(run["seconds"] for run in runs), 1)}

    done = set(map(key, results.runs(part, asked)))
    left = [job for job in module.jobs(seeds) if job not in done]
    total = sum(module.updates(job, sizes["generator_steps"]) for job in left)
    interval = 0.5 if sys.stderr.isatty() else 30
    with tqdm(total=total, unit="update", desc=part.replace("_", " "), smoothing=0.05, mininterval=interval) as bar:
        for job in left:
            bar.set_postfix_str(", ".join(map(str, job)), refresh=False)
            results.keep_run(part, asked, module.run(job, **sizes, bar=bar), key, finish)


def _keep_first(runs):
    """Drop what is for figures from all runs of a (data, arm) but the first."""
    seen = set()
    for run in runs:
        if (run["data"], run["arm"]) in seen:
            for name in _FIRST_SEED_ONLY:
                run.pop(name, None)
        seen.add((run["data"], run["arm"]))
