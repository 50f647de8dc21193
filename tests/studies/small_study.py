"""A study of one file, that a worker of a cluster can import: what it finds is the weights themselves."""

import hashlib
from dataclasses import dataclass

from gluon_wgan.errors import UserError


@dataclass(frozen=True)
class Flags:
    """What `train_and_measure` asks of a study's flags."""

    cache_dir: str
    cluster: str | None = None
    at_once: int | None = None


def measure_run(run, flags, figures):
    """Return the digest of a run's weights, and write it as a picture too."""
    if run.seed == 13:
        raise UserError("--seed", 13, "a lucky number")
    weights = run.folder / f"checkpoints/step_{run.settings.generator_steps:07d}/generator.params"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    (figures / "small").mkdir(parents=True, exist_ok=True)
    (figures / "small" / f"{run.arm}-{run.seed}.png").write_text(digest)
    return {"arm": run.arm, "seed": run.seed, "digest": digest}
