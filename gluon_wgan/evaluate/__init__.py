"""Distances between sets of pictures: generated samples against real pictures that training never saw. Numbers only."""

from gluon_wgan.evaluate.bootstrap import bootstrap_interval
from gluon_wgan.evaluate.colours import colour_difference
from gluon_wgan.evaluate.digits import recognise
from gluon_wgan.evaluate.faces import face_share
from gluon_wgan.evaluate.frechet import frechet_distance, picture_features
from gluon_wgan.evaluate.kernel import features, kernel_distance
from gluon_wgan.evaluate.neighbours import precision_recall
from gluon_wgan.evaluate.sliced_wasserstein import laplacian_pyramid, sliced_wasserstein
from gluon_wgan.evaluate.spectra import log_spectrum_difference, radial_power_spectrum

__all__ = [
    "bootstrap_interval",
    "colour_difference",
    "face_share",
    "features",
    "frechet_distance",
    "kernel_distance",
    "laplacian_pyramid",
    "log_spectrum_difference",
    "picture_features",
    "precision_recall",
    "radial_power_spectrum",
    "recognise",
    "sliced_wasserstein",
]
