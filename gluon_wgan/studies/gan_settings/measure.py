"""Train GANs on eight Gaussians, each with other settings, and measure how far they end from the data."""

import json
import sys
import time
from functools import partial

import mxnet as mx
import numpy as np
from mxnet import autograd
from tqdm import tqdm

from gluon_wgan import layers
from gluon_wgan.evaluate.divergences import em_of_samples
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.schedule import Schedule
from gluon_wgan.studies.gan_settings.question import (
    COUNTED,
    EVALUATIONS,
    FAILED_ABOVE,
    FAR,
    LAST,
    MIXTURE,
    PART,
    POINTS,
    SEEDS,
    SEEDS_OF,
    SUBJECTS,
    planned,
)
from gluon_wgan.studies.plane import networks
from gluon_wgan.studies.plane.distributions import DATA, Batches, count_modes, draw
from gluon_wgan.studies.plane.networks import build_critic, build_generator, generated, train_until
from gluon_wgan.training.trainer import Trainer

_MODES = len(DATA[MIXTURE].centres)


def measure(flags, results):
    """Measure into reports/data/gan_settings.json what is not in it yet."""
    asked = {
        "settings": {
            **{"width": flags.width, "generator_steps": flags.generator_steps, "data": MIXTURE, "points": POINTS},
            **{"counted": COUNTED, "evaluations": EVALUATIONS, "last": LAST, **networks.describe()},
        }
    }

    def key(run):
        return run["base"], json.dumps(run["changes"]), run["seed"]

    def missing(jobs):
        done = {key(run) for run in results.runs(PART, asked)}
        return [job for job in jobs if key(job) not in done]

    left = missing(planned(flags.subjects, flags.seeds))
    total = sum(_updates(job, flags.generator_steps) for job in left)
    interval = 0.5 if sys.stderr.isatty() else 30
    with tqdm(total=total, unit="update", smoothing=0.05, mininterval=interval) as bar:
        for job in left:
            if not missing([job]):  # another process, of a subject that shares it
                bar.update(_updates(job, flags.generator_steps))
                continue
            bar.set_postfix_str(f"{job['base']}, {job['changes']}, seed {job['seed']}", refresh=False)
            found = train(**job, width=flags.width, generator_steps=flags.generator_steps, bar=bar)
            results.keep_run(PART, asked, {**job, **found}, key, summarise)


def _updates(job, generator_steps):
    return job["changes"].get("n_critic", networks.N_CRITIC) * generator_steps


def build(base, changes, seed, width):
    """Return the `Trainer` of a base with some changes, see `question.SUBJECTS`."""
    rate, rules = changes.get("rate", 1.0), changes.get("rules")
    width = round(width * changes.get("width", 1.0))
    in_generator, in_critic = {}, {"hidden_layers": changes.get("layers", 3), "batch_norm": changes.get("norm", False)}
    if rules is not None:
        relu, norm = "relu" in rules, "batch_norm" in rules
        in_generator |= {"activation": layers.ReLU if relu else layers.Tanh, "batch_norm": norm}
        in_critic |= {"activation": partial(layers.LeakyReLU, 0.2) if relu else layers.Tanh, "batch_norm": norm}
    clipped = base == "clip"

    def optimizer(of_critic):
        clip = {"clip_weights": networks.CLIP_BOUND} if clipped and of_critic else {}
        if "sgd" in changes:
            return mx.optimizer.SGD(learning_rate=changes["sgd"])
        if "adam" in changes:
            return mx.optimizer.Adam(learning_rate=networks.RMSPROP["learning_rate"], beta1=changes["adam"])
        own = networks.RMSPROP if clipped else networks.ADAM
        own = {**own, "learning_rate": rate * own["learning_rate"]}
        return RMSProp(**own, **clip) if clipped else mx.optimizer.Adam(**own)

    # RMSProp clips by itself; after the update, as Algorithm 1, also where another optimizer does not
    clips_itself = not {"sgd", "adam"} & set(changes)
    return Trainer(
        build_generator(seed, width, **in_generator),
        build_critic(seed, width, **in_critic),
        Batches(MIXTURE, networks.BATCH_SIZE, seed),
        generator_optimizer=optimizer(False),
        critic_optimizer=optimizer(True),
        schedule=Schedule(changes.get("n_critic", networks.N_CRITIC), boost_generator_steps=0, boost_every=0),
        loss=networks.LOSSES[base],
        clip_bound=None if not clipped or clips_itself else networks.CLIP_BOUND,
        clip_order="after_update",
        gp_lambda=networks.GP_LAMBDA if base == "penalty" else None,
        gp_one_sided=changes.get("one_sided", False),
        latent_dim=networks.LATENT_DIM,
        seed=seed,
    )


def train(base, changes, seed, width, generator_steps, bar):
    """Train one GAN; return its course and its end, JSON values.

    em: mean of the exact EM distance over the last evaluations, None if a sample was not finite, after which nothing is
    trained; em_at_start: of the untrained generator; covered: modes at the end.
    """
    began = time.perf_counter()
    trainer = build(base, changes, seed, width)
    real = draw(MIXTURE, seed, "toy: held out", 0, POINTS)

    def samples(purpose, count):
        with autograd.train_mode():  # BatchNorm with the samples' own statistics, as in training
            return generated(trainer, purpose, count)

    def distance():
        fake = samples("toy: held-out latents", POINTS)
        return em_of_samples(real, fake) if np.isfinite(fake).all() else None

    at_start, course = distance(), []
    for evaluation in range(1, EVALUATIONS + 1):
        train_until(trainer, generator_steps * evaluation // EVALUATIONS, bar)
        course.append(distance())
        if course[-1] is None:
            break
    finite = course[-1] is not None
    return {
        "em": float(np.mean(course[-LAST:])) if finite else None,
        "em_at_start": at_start,
        "covered": count_modes(MIXTURE, samples("toy: counted latents", COUNTED))["covered"] if finite else 0,
        "course": [None if value is None else round(value, 5) for value in course],
        "seconds": round(time.perf_counter() - began, 1),
    }


def summarise(runs):
    """Return what the page and the claims ask of the runs, by subject: n, em and failed of each arm that has runs.

    em is the median over the seeds, with the smallest and the largest; a run that was not finite counts as `FAR`.
    """
    found = {}
    for subject, arms in SUBJECTS.items():
        seeds, of_arms = SEEDS_OF.get(subject, SEEDS), {}
        for arm, (base, changes) in arms.items():
            like = {"base": base, "changes": json.loads(json.dumps(changes))}
            chosen = [run for run in runs if run.items() >= like.items() and run["seed"] in seeds]
            if chosen:
                of_arms[arm] = _of_arm(chosen, subject)
        if of_arms:
            found[subject] = {"arms": of_arms, **_of_subject(subject, of_arms)}
    return found


def _of_arm(runs, subject):
    ems = [FAR if run["em"] is None else run["em"] for run in runs]
    failed = sum(
        run["covered"] < _MODES if subject == "dcgan_rules" else em > FAILED_ABOVE * run["em_at_start"]
        for run, em in zip(runs, ems)
    )
    return {
        **{"n": len(runs), "em": float(np.median(ems)), "em_low": min(ems), "em_high": max(ems)},
        **{"failed": failed, "share_failed": failed / len(runs)},
    }


def _of_subject(subject, arms):
    """Return what the rules of the claims name, of arms that all have runs; else nothing."""
    if set(arms) != set(SUBJECTS[subject]):
        return {}
    em = {arm: found["em"] for arm, found in arms.items()}
    if subject == "sensitivity":
        of_base = {base: [em[arm] for arm in em if arm.startswith(base)] for base in ("minimax", "clip")}
        return {base: {"range": max(values) - min(values)} for base, values in of_base.items()}
    if subject == "balance":
        ratio = {
            base: em[f"{base}, 25 critic updates"] / em[f"{base}, 5 critic updates"] for base in ("minimax", "clip")
        }
        return {base: {"ratio_25_to_5": value} for base, value in ratio.items()}
    if subject == "optimizers":
        sgd = min(value for arm, value in em.items() if arm.startswith("SGD"))
        return {"rmsprop": em["RMSprop"], "sgd": sgd, "adam": em["Adam, beta1 0.9"], "adam_half": em["Adam, beta1 0.5"]}
    if subject == "sides":
        return {"one": em["one-sided"], "two": em["two-sided"]}
    if subject == "deep_critics":
        return {
            kind: {str(layers): arms[f"{layers} layers{suffix}"] for layers in (4, 8, 16)}
            for kind, suffix in (("plain", ""), ("batch_norm", ", BatchNorm"))
        }
    return {"all": arms["all"], "none": arms["none"]}
