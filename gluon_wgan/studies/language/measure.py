"""Train language models, each arm with each seed, and measure what they write."""

import logging
import os
from dataclasses import replace
from functools import lru_cache

import numpy as np
from mxnet import nd

from gluon_wgan import streams
from gluon_wgan.data.text import END, as_lines, shuffled
from gluon_wgan.evaluate.ngrams import LENGTHS, ngram_divergence
from gluon_wgan.models.sampling import draw_latents, load_generator, most_likely, sample
from gluon_wgan.run_folder import read_metrics, read_starts
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies.language.question import ARMS, DECIDING, LEARNED_BELOW, PART, SHOWN_LINES
from gluon_wgan.studies.plan import plan
from gluon_wgan.studies.runner import train_and_measure
from gluon_wgan.training.build import open_data
from gluon_wgan.training.shown import MEASURED_LINES

log = logging.getLogger(__name__)
_PRESET = "wgan-gp-text"


def measure(flags, results):
    """Train and measure what is not measured yet, into reports/data/language.json."""
    base = settings_of(flags)
    text = _text(base.data, flags.cache_dir)
    runs = plan({arm: replace(base, **changes) for arm, changes in ARMS.items()}, flags.seeds, flags.runs)
    sizes = ("sequence_length", "symbols", "generator_channels", "generator_steps", "n_critic", "batch_size")
    asked = {
        "text": {"name": text.folder.name, "lines": len(text), "sha256": text.content["pictures_sha256"]},
        "held_out": int(text.held_out.sum()),
        "settings": {name: getattr(base, name) for name in sizes},
        "clip": ARMS["clip"],
    }

    def key(found):
        return found["seed"], list(ARMS).index(found["arm"])

    def keep(run, found):
        results.keep_run(PART, asked, found, key, lambda found: summarise(found, text))
        log.info("measured: %s, seed %d", run.arm, run.seed)

    def already(run):
        return results.has_run(PART, asked, arm=run.arm, seed=run.seed)

    train_and_measure(runs, flags, measure_run, results.figures, already, keep)


def settings_of(flags):
    """Return the settings that all arms share."""
    settings = replace(
        preset_settings(_PRESET),
        data=None if flags.data is None else os.path.abspath(flags.data),
        generator_channels=flags.channels,
        critic_channels=flags.channels,
        generator_steps=flags.generator_steps,
        sample_every=max(1, flags.generator_steps // 25),
    )
    return replace(settings, symbols=len(_text(settings.data, flags.cache_dir).alphabet))


@lru_cache(maxsize=2)
def _text(data, cache_dir):
    return open_data(replace(preset_settings(_PRESET), data=data), cache_dir)


def measure_run(run, flags, figures):
    """Measure a finished run, see `evaluate`; there are no pictures to keep."""
    return evaluate(run, _text(run.settings.data, flags.cache_dir))


def evaluate(run, text):
    """Measure a finished run; return a dict of JSON values.

    js: divergence of n-grams, 1 to 4, from held-out lines, of as many samples as there are of those. written: of the
    longest, where n-grams that hold the filling are left out. different: how many of the samples are different lines.
    verbatim: share of the samples that are lines of the training text. course: js4 of the run's own samples, fewer, by
    generator step. lines: some samples.
    """
    records = read_metrics(run.folder)
    generator, settings, checkpoint = load_generator(run.folder)
    held_out, trained_on = text.pictures[text.held_out], text.pictures[~text.held_out]
    latents = draw_latents(run.seed, len(held_out), settings)
    symbols = np.concatenate([most_likely(sample(generator, nd.array(batch), "batch")) for batch in latents])
    symbols = symbols[: len(held_out)]
    known = {row.tobytes() for row in trained_on}
    measured = [record for record in records if f"ngram_divergence_{DECIDING}" in record]
    return {
        "arm": run.arm,
        "seed": run.seed,
        "commit": read_starts(run.folder)[0]["commit"],
        "steps": len(records),
        "seconds": records[-1]["seconds"],
        "checkpoint": checkpoint.name,
        **divergences(symbols, held_out),
        "different": len(np.unique(symbols, axis=0)),
        "verbatim": float(np.mean([row.astype(np.uint16).tobytes() in known for row in symbols])),
        "course": {
            "generator_step": [record["generator_step"] for record in measured],
            "js": [record[f"ngram_divergence_{DECIDING}"] for record in measured],
            "gradient_norm": [record.get("gradient_norm") for record in measured],
        },
        "lines": as_lines(symbols[:SHOWN_LINES], text.alphabet),
    }


def divergences(lines, held_out):
    """Return js, the divergence of the n-grams of each length, a list; and written, see `evaluate`."""
    js = [ngram_divergence(lines, held_out, length) for length in LENGTHS]
    return {"js": js, "written": ngram_divergence(lines, held_out, DECIDING, without=END)}


def summarise(runs, text):
    """Return what the page and the claims ask of the runs, and the same of real, shuffled and empty lines.

    js4 is a mean over the seeds, with the lowest and the highest; of real lines, which training saw, of the same with
    their characters shuffled, and of lines of nothing but filling, there are as many as are held out. Their course_js4
    is of as many as a run's course.
    """
    held_out, trained_on = text.pictures[text.held_out], text.pictures[~text.held_out]
    chosen = streams.permutation(0, "language: real lines", 0, len(trained_on))[: len(held_out)]
    real = trained_on[chosen]
    found = {}
    for name, lines in (("real", real), ("shuffled", shuffled(real, 0)), ("empty", np.full_like(real, END))):
        whole, course = (divergences(of, held_out) for of in (lines, lines[:MEASURED_LINES]))
        # no lines: a text may be one that is not to be passed on
        found[name] = {**whole, "different": len(np.unique(lines, axis=0))}
        found[name] |= {"js4": whole["js"][DECIDING - 1], "course_js4": course["js"][DECIDING - 1]}
    arms = {}
    for arm in ARMS:
        js4 = [run["js"][DECIDING - 1] for run in runs if run["arm"] == arm]
        if js4:
            limit = LEARNED_BELOW * found["shuffled"]["js4"]
            learned = sum(value < limit for value in js4)
            arms[arm] = {
                "n": len(js4),
                "js4": float(np.mean(js4)),
                "js4_low": min(js4),
                "js4_high": max(js4),
                "learned": learned,
            }
    return {**found, "course_lines": MEASURED_LINES, "arms": arms}
