"""What a run shows of itself in samples/: sheets of pictures, or lines of text and how far they are from real ones."""

import json

import numpy as np

from gluon_wgan import streams
from gluon_wgan.data.text import END, as_lines, shuffled
from gluon_wgan.evaluate.ngrams import LENGTHS, ngram_divergence
from gluon_wgan.files import write_atomic
from gluon_wgan.models.sampling import most_likely, sample
from gluon_wgan.pictures import grid, save_picture

FIXED_LATENTS = 64  # pictures of a sheet, as in the original, and lines of a file
MEASURED_LINES = 640  # the reference's ten batches


class ShownPictures:
    """Sheets of 64 pictures.

    Parameters
    ----------
    bn_mode : str
        See `gluon_wgan.models.sampling.sample`.
    """

    def __init__(self, bn_mode):
        self._bn_mode = bn_mode

    def real(self, trainer, folder):
        """Write real.png."""
        save_picture(folder / "real.png", grid(trainer.batches[0][:FIXED_LATENTS]))

    def samples(self, trainer, folder, step):
        """Write step_0000500.png; return nothing to record."""
        latents = trainer.latents("fixed_latents", 0, FIXED_LATENTS)
        images = sample(trainer.generator, latents, self._bn_mode)
        save_picture(folder / f"step_{step:07d}.png", grid(images))
        return {}


class ShownLines:
    """Files of 64 lines; and the divergences of 640 lines' n-grams from held-out lines, or from all if none are.

    Parameters
    ----------
    text : gluon_wgan.data.text.Text
    hold_out : bool
        Whether the held-out lines were kept from training.
    """

    def __init__(self, text, hold_out):
        held_out = text.held_out & hold_out
        self._alphabet = text.alphabet
        self._others = text.pictures[held_out if held_out.any() else slice(None)]
        self._trained_on = text.pictures[~held_out]

    def real(self, trainer, folder):
        """Write real.txt, and floors.json: the divergences of real lines, of shuffled ones, and of empty ones.

        Shuffled lines are the same with all their characters mixed; each keeps its length.
        """
        seed = trainer.seed
        chosen = streams.permutation(seed, "shown_lines", 0, len(self._trained_on))[:MEASURED_LINES]
        lines = self._trained_on[chosen]
        self._write(folder / "real.txt", lines[:FIXED_LATENTS])
        sets = {"real": lines, "shuffled": shuffled(lines, seed), "empty": np.full_like(lines, END)}
        floors = {name: self._divergences(of) for name, of in sets.items()}
        write_atomic(folder / "floors.json", json.dumps(floors, indent=1).encode())

    def samples(self, trainer, folder, step):
        """Write step_0000500.txt; return the divergences."""
        lines = np.concatenate(
            [
                most_likely(sample(trainer.generator, trainer.latents("fixed_latents", index, FIXED_LATENTS), "batch"))
                for index in range(MEASURED_LINES // FIXED_LATENTS)
            ]
        )
        self._write(folder / f"step_{step:07d}.txt", lines[:FIXED_LATENTS])
        return self._divergences(lines)

    def _write(self, file, lines):
        write_atomic(file, "".join(f"{line}\n" for line in as_lines(lines, self._alphabet)).encode())

    def _divergences(self, lines):
        return {
            f"ngram_divergence_{length}": ngram_divergence(lines, self._others, length)
            for length in LENGTHS
            if length <= lines.shape[1]
        }
