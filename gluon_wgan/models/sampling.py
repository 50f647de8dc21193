"""Pictures, or lines, from a generator: load a trained one, draw latents by their key, let it work on them."""

import numpy as np
from mxnet import autograd, nd

from gluon_wgan import streams
from gluon_wgan.checkpoint import load_weights, open_checkpoint
from gluon_wgan.data.labels import beside_latents, in_turn
from gluon_wgan.data.text import as_lines
from gluon_wgan.errors import NotFiniteError, UserError
from gluon_wgan.models.build import build_generator
from gluon_wgan.pictures import to_uint8
from gluon_wgan.run_folder import RunFolder


def load_generator(path):
    """Return (generator, settings, checkpoint) of a run folder (its newest checkpoint), a checkpoint, or zoo:NAME.

    Raises
    ------
    UserError
        If there is no checkpoint, or it is damaged.
    """
    checkpoint, settings, _ = open_checkpoint(path)
    generator = build_generator(settings)
    load_weights(checkpoint / "generator.params", generator)
    generator.hybridize(static_alloc=True)
    return generator, settings, checkpoint


def draw_latents(seed, count, settings):
    """Return latents (batches, batch_size, latent_dim, 1, 1), enough for `count` pictures.

    Batches are always full, so that picture i is the same however many are asked for: with batch statistics it
    depends on the pictures drawn beside it.

    Raises
    ------
    UserError
        If the seed is below 0, or 2**63 or more.
    """
    batches = -(-count // settings.batch_size)
    return np.stack([_batch_of_latents(seed, index, settings) for index in range(batches)])


def _batch_of_latents(seed, index, settings):
    if not 0 <= seed < 2**63:
        raise UserError("--seed", seed, "0 or more")
    shape = (settings.batch_size, settings.latent_dim, 1, 1)
    return streams.normal(seed, "generated_latents", index, shape)


def sample(generator, latent, bn_mode):
    """Return a generator's pictures of latents, a numpy array (N, C, H, W) in [-1, 1] (dcgan).

    Parameters
    ----------
    generator : mxnet.gluon.Block
    latent : mxnet.nd.NDArray
        (N, latent_dim, 1, 1).
    bn_mode : str
        "batch": BatchNorm takes the statistics of these very pictures, as the original, which never calls eval;
        "running": those gathered in training, as GluonCV's script. The two give different pictures.

    Raises
    ------
    UserError
        If bn_mode is neither.
    NotFiniteError
        If a number in the pictures is not finite, though the weights are.
    """
    if bn_mode not in ("batch", "running"):
        raise UserError("bn_mode", repr(bn_mode), "batch or running")
    # MXNet gathers running statistics in backward, so train_mode leaves them alone
    with autograd.train_mode() if bn_mode == "batch" else autograd.predict_mode():
        images = generator(latent).asnumpy()
    if not np.isfinite(images).all():
        raise NotFiniteError("a generated picture is not finite")
    return images


def samples(generator, settings, count, seed=0):
    """Return pictures (count, H, W, C), uint8, of a generator; the latents are the same for each run.

    Raises
    ------
    UserError
        If it makes lines, or as `draw_latents`.
    """
    return to_uint8(np.concatenate(list(sample_in_batches(generator, settings, count, seed))))


def with_labels(latents, labels, settings):
    """Return latents (N, latent_dim, 1, 1) as a generator takes them: with labels (N,), where it has classes."""
    return beside_latents(latents, labels, settings.classes) if settings.classes else latents


def check_label(label, settings):
    """Raise UserError unless it is None, or one of a generator with classes."""
    if label is not None and not 0 <= label < settings.classes:
        allowed = f"0 to {settings.classes - 1}" if settings.classes else "none: it was trained without --classes"
        raise UserError("--label", label, allowed)


def sample_in_batches(generator, settings, count, seed=0, bn_mode=None, spread=1.0, label=None):
    """Yield `count` pictures of a generator, a batch at a time, numpy arrays (n, C, H, W) in [-1, 1].

    With classes, batches have the labels 0, 1, ... in turn, as in training: BatchNorm ties pictures together.

    Parameters
    ----------
    generator, settings
        Of `load_generator`.
    count, seed : int
    bn_mode : str, optional
        See `sample`; by default the settings'.
    spread : float
        Standard deviation of the latents. Training drew them with 1; below it pictures are more alike.
    label : int, optional
        Of the pictures that are given; by default all, in turn.

    Raises
    ------
    UserError
        If it makes lines, or as `draw_latents`, or the spread is not above 0 and finite, or there is no such label.
    """
    require_pictures(settings)
    check_spread(spread)
    check_label(label, settings)
    left, batch = count, 0
    while left > 0:
        labels = in_turn(settings.classes, batch, settings.batch_size) if settings.classes else None
        latents = with_labels(spread * _batch_of_latents(seed, batch, settings), labels, settings)
        images = sample(generator, nd.array(latents), bn_mode or settings.bn_mode)
        images = images[slice(None) if label is None else labels == label][:left]
        yield images
        left, batch = left - len(images), batch + 1


def check_spread(spread):
    """Raise UserError unless it may be the standard deviation of latents."""
    if not 0 < spread < np.inf:
        raise UserError("--spread", spread, "a number above 0")


def require_pictures(settings):
    """Raise UserError if the settings are of a language model."""
    if settings.generator == "text":
        raise UserError("run", "one of a language model", "one that makes pictures")


def most_likely(probabilities):
    """Return the most likely symbol at each place, (N, length), of probabilities (N, symbols, length)."""
    return probabilities.argmax(axis=1)


def sample_lines(generator, settings, alphabet, count, seed=0):
    """Return `count` lines of a language model, a list of str; the latents are the same for each run.

    Parameters
    ----------
    generator, settings
        Of `load_generator`.
    alphabet : str
        Of `read_alphabet`.
    count, seed : int

    Raises
    ------
    UserError
        As `draw_latents`.
    """
    batches = draw_latents(seed, count, settings)
    symbols = np.concatenate([most_likely(sample(generator, nd.array(latents), "batch")) for latents in batches])
    return as_lines(symbols[:count], alphabet)


def read_alphabet(run, settings):
    """Return the characters of a language model's symbols, a str, from a run folder's config.json.

    Raises
    ------
    UserError
        If there is none, or it does not fit the settings.
    """
    pictures = RunFolder(run).read_config().get("pictures")
    alphabet = pictures.get("alphabet") if isinstance(pictures, dict) else None
    if not isinstance(alphabet, str) or len(alphabet) != settings.symbols:
        raise UserError(f"{run}/config.json", f"an alphabet of other than {settings.symbols} symbols", "the run's own")
    return alphabet
