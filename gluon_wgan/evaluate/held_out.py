"""How far samples are from held-out real pictures, prepared by any resize."""

import numpy as np

from gluon_wgan.data import prepare
from gluon_wgan.evaluate.frechet import frechet_distance, picture_features
from gluon_wgan.evaluate.sliced_wasserstein import sliced_wasserstein
from gluon_wgan.evaluate.spectra import log_spectrum_difference


def distances(pictures, same, reference):
    """Return how far pictures are from held-out ones that were prepared the same way, and by the reference.

    Parameters
    ----------
    pictures, same, reference : numpy.ndarray
        (N, H, W, C), 0 to 255, as many of each.

    Returns
    -------
    dict of str to float
        swd_same, swd_reference: mean over the pyramid's levels of the sliced Wasserstein distance; swd_same_32, ...:
        of a level (pixels a side); swd_scaled_same, ...: with the real pictures' mean and spread for both sets.
        spectrum_same, spectrum_reference: see `log_spectrum_difference`.
    """
    found = {}
    for name, real in (("same", same), ("reference", reference)):
        # by each set's own mean and spread, as the paper; and by the real set's, which sees a change of contrast too
        for measure, scale in (("swd", "each"), ("swd_scaled", "real")):
            levels = sliced_wasserstein(real, pictures, normalise_by=scale)
            found[f"{measure}_{name}"] = float(np.mean(list(levels.values())))
            found.update({f"{measure}_{name}_{side}": float(value) for side, value in levels.items()})
        found[f"spectrum_{name}"] = float(log_spectrum_difference(real, pictures))
    return found


class HeldOut:
    """Held-out real pictures, prepared by any resize, once.

    Parameters
    ----------
    source : gluon_wgan.data.source.Source
    image_size : int
    cache_dir : str or pathlib.Path
    features : str or pathlib.Path, optional
        A parameter file, see `picture_features`: with it the Fréchet distance is measured too.
    """

    def __init__(self, source, image_size, cache_dir, features=None):
        self._source, self._size, self._cache_dir = source, image_size, cache_dir
        self._pictures, self._features = {}, {}
        self._parameters = features

    def __call__(self, resize):
        """Return (held-out pictures, as many others) prepared by a resize: (N, H, W, C) each."""
        if resize not in self._pictures:
            prepared = prepare(self._source, self._size, resize, self._cache_dir)
            rows = np.flatnonzero(prepared.held_out)
            others = np.flatnonzero(~prepared.held_out)[: len(rows)]
            self._pictures[resize] = tuple(np.asarray(prepared.pictures[chosen]) for chosen in (rows, others))
        return self._pictures[resize]

    def distances(self, pictures, resize, reference):
        """Return the `distances` of as many pictures to the held-out ones prepared by `resize`, and by `reference`.

        With features also frechet_same and frechet_reference.
        """
        found = distances(pictures, self(resize)[0], self(reference)[0])
        if self._parameters is not None:
            features = picture_features(pictures, self._parameters)
            found["frechet_same"] = frechet_distance(self._features_of(resize), features)
            found["frechet_reference"] = frechet_distance(self._features_of(reference), features)
        return found

    def _features_of(self, resize):
        if resize not in self._features:
            self._features[resize] = picture_features(self(resize)[0], self._parameters)
        return self._features[resize]


def floors(held_out, resize, baseline, kernel=None):
    """Return the distances that no GAN is in: other real pictures, prepared by this resize, in the place of samples.

    The distances to pictures prepared the same way are what two sets of one distribution differ by; those to the
    reference's add what the preparations differ by. With a kernel (`gluon_wgan.studies.ablation.Kernel`), its distances
    and their standard errors too.
    """
    _, others = held_out(resize)
    found = held_out.distances(others, resize, baseline)
    if kernel is not None:
        for measure, (distance, error) in kernel.distances(others, resize).items():
            found |= {measure: distance, f"{measure}_error": error}
    return found
