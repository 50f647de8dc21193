"""Every known departure from the original PyTorch code (github.com/martinarjovsky/WassersteinGAN, main.py), measured.

Who departs: GluonCV's script (github.com/dmlc/gluon-cv, scripts/gan/wgan/train_wgan.py), MXNet 1.9.1 itself, Algorithm
1 of the paper, or this suite. Each departure is measured on its own, everything else being the original's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import departures_of_pictures as of_pictures
import departures_of_training as of_training

GLUONCV, MXNET, PAPER, SUITE = "GluonCV's script", "MXNet", "Algorithm 1", "this suite's default"
WEIGHTS = (
    "largest difference of a weight after 5 generator steps / the network's largest weight (the larger of critic and "
    "generator; float64, 16x16, 4 channels, batch 8)"
)


@dataclass(frozen=True)
class Departure:
    """One departure; `measured(flag)` returns (size, restored). For the other fields see `measure`."""

    name: str
    who: str
    original: str
    departure: str
    measure: str
    flag: str
    test: str
    measured: Callable


def _training(run_on=True, **changes):
    return lambda flag: of_training.training_departure(changes, flag, run_on)


def _without_flag(measured):
    return lambda flag: measured()


DEPARTURES = [
    Departure(
        "place of RMSprop's epsilon",
        MXNET,
        "lr * g / (sqrt(n) + 1e-8)",
        "lr * g / sqrt(n + 1e-8), MXNet 1.x with its default epsilon: a floor of 1e-4 under the denominator",
        WEIGHTS,
        "--epsilon-placement outside_sqrt",
        "test_place_of_epsilon",
        _training(epsilon_placement="inside_sqrt"),
    ),
    Departure(
        "value of RMSprop's epsilon",
        GLUONCV,
        "1e-8 beside the root, a floor of 1e-8",
        "1e-12 (critic) and 1e-14 (generator) inside the root, floors of 1e-6 and 1e-7",
        WEIGHTS,
        "--epsilon-placement outside_sqrt --critic-rmsprop-epsilon 1e-8 --generator-rmsprop-epsilon 1e-8",
        "test_value_of_epsilon",
        _training(epsilon_placement="inside_sqrt", critic_rmsprop_epsilon=1e-12, generator_rmsprop_epsilon=1e-14),
    ),
    Departure(
        "RMSprop's decay",
        MXNET,
        "0.99, the default of PyTorch's alpha",
        "0.9, the default of MXNet's gamma1 (GluonCV's script sets 0.99)",
        WEIGHTS,
        "--rmsprop-decay 0.99",
        "test_decay",
        _training(rmsprop_decay=0.9),
    ),
    Departure(
        "order of clipping",
        PAPER,
        "clips before each critic update, so that the generator sees a critic one update outside the box",
        "clips after each critic update",
        WEIGHTS,
        "--clip-order before_update",
        "test_order_of_clipping",
        _training(clip_order="after_update"),
    ),
    Departure(
        "clipping of running statistics",
        GLUONCV,
        "clips parameters(), which hold no running statistics",
        "clips collect_params(), BatchNorm's running mean and variance included; no update depends on them",
        "largest difference of the critic's scores by running statistics after 5 generator steps / the largest score",
        "none: this suite never clips them, under any preset",
        "test_clipping_of_running_statistics",
        _without_flag(of_training.clipped_statistics),
    ),
    Departure(
        "biased running variance",
        MXNET,
        "gathers the unbiased variance of a batch, its sum divided by m - 1 (m = N * H * W)",
        "gathers the biased one, divided by m",
        "what one batch of m = 8 * 4 * 4 adds to the running variance, PyTorch's / MXNet's - 1",
        "none: MXNet's operator has no other; with --bn-mode batch no picture depends on it",
        "test_biased_running_variance",
        _without_flag(of_training.biased_variance),
    ),
    Departure(
        "when running statistics move",
        MXNET,
        "in every forward pass: the generator's in critic updates too, the critic's of real pictures first",
        "in backward: the generator's only in its own update; the critic's of the loss's last operand first (generated "
        "pictures in GluonCV's real - fake, real ones in this suite's fake - real)",
        "largest difference of the generator's running means after 5 generator steps / the largest",
        "none: MXNet's operator has no other; with --bn-mode batch no picture depends on it",
        "test_when_running_statistics_move",
        _without_flag(of_training.late_statistics),
    ),
    Departure(
        "statistics of samples",
        GLUONCV,
        "never calls eval(): samples by the statistics of their own batch",
        "samples outside record(): by the running statistics",
        "mean absolute difference of 8 samples after 5 generator steps, in levels of 255",
        "--bn-mode batch",
        "test_statistics_of_samples",
        of_training.sample_statistics,
    ),
    Departure(
        "offset of the centre crop",
        MXNET,
        "rounds it, half to even",
        "truncates it: one pixel less for a quarter of the widths 257 to 512 (short side 256 to 64)",
        "mean absolute difference of bedrooms of 271 x 256, shrunk by Pillow, in levels of 255",
        "--resize pil",
        "test_offset_of_the_crop",
        of_pictures.truncated_offset,
    ),
    Departure(
        "interpolation code 3",
        GLUONCV,
        "Pillow's bilinear filter, widened when it shrinks",
        'code 3, which MXNet 1.3 documented as "bicubic" and OpenCV takes for area averaging',
        "mean absolute difference of bedrooms from 256 to 64 pixels, both rounded to uint8, in levels of 255",
        "--resize pil",
        "test_interpolation_code_3",
        of_pictures.area_for_bicubic,
    ),
    Departure(
        "unrounded resize",
        GLUONCV,
        "resizes uint8 to uint8",
        "resizes a float32 picture, which nothing rounds",
        "largest distance of a resized value from a whole level of 255, in [0, 1]",
        "--resize pil",
        "test_unrounded_resize",
        of_pictures.unrounded,
    ),
    Departure(
        "initial weights of the MLP pair",
        GLUONCV,
        "weights and biases uniform in +-1 / sqrt(inputs), PyTorch's default (weights_init leaves Linear layers alone)",
        "weights uniform in +-0.1 / sqrt(inputs), biases 0 (Gluon's own default: weights in +-0.07, biases 0)",
        "powers of ten between the spreads (standard deviations) of an MLP critic's scores of 64 pictures at the start",
        "none: this suite draws PyTorch's default, under any preset",
        "test_initial_weights_of_the_mlp",
        _without_flag(of_training.initial_spread),
    ),
    Departure(
        "end of an epoch",
        SUITE,
        "an epoch's end cuts a generator step's critic updates short, and its short last batch is trained on",
        "batches run on across epochs, and the tail is dropped",
        WEIGHTS,
        "--epoch-end cut",
        "test_end_of_an_epoch",
        _training(run_on=False),
    ),
    Departure(
        "place of the mean",
        SUITE,
        "the critic returns the mean of its scores",
        "the critic returns a score per picture, and the loss takes the mean",
        "largest difference of 100 critic losses of the same 64 + 64 scores each, in float32 / the largest loss",
        "none: only the order of the sum differs",
        "test_place_of_the_mean",
        _without_flag(of_training.loss_of_scores),
    ),
    Departure(
        "sign",
        SUITE,
        "the critic scores real pictures low: it minimises mean f(real) - mean f(fake)",
        "the critic scores real pictures high, as in the paper: its last layer has the other sign, all else is equal",
        "largest difference of the critics' scores after 5 generator steps / the largest (restored: one sign turned)",
        "none: the mirror image trains to the mirror image; negate the critic's last layer",
        "test_sign",
        _without_flag(of_training.mirror_image),
    ),
    Departure(
        "random numbers",
        SUITE,
        "from PyTorch's generator, whose state runs on",
        "from numpy's Philox, keyed by (seed, purpose, index)",
        "nothing: both draw the same distributions, so that they are two seeds of one training",
        "none: PyTorch's streams are not ours to draw",
        "test_random_numbers",
        lambda flag: (None, None),
    ),
    Departure(
        "float32 scalars on float64 arrays",
        MXNET,
        "slope and clip bounds are as exact as the numbers they meet",
        "LeakyReLU's slope and result, and clip's bounds, are rounded to float32",
        "largest relative error of LeakyReLU of negative float64 numbers, slope 0.2",
        "none: this suite's own layer and clipping are exact in float64",
        "test_float32_scalars",
        _without_flag(of_training.float32_scalars),
    ),
    Departure(
        "gradient divided by the batch size",
        MXNET,
        "optimizer.step() takes the gradient of the mean as it is",
        "Trainer.step(batch_size) divides it by the batch size once more (GluonCV's script passes 1)",
        WEIGHTS,
        "none: this suite never divides it",
        "test_gradient_divided_by_the_batch_size",
        _without_flag(of_training.divided_gradient),
    ),
    Departure(
        "order of colours",
        "OpenCV",
        "decodes by Pillow: red, green, blue (so does GluonCV's script, on LSUN)",
        "imdecode gives blue, green, red",
        "mean absolute difference of a bedroom, in levels of 255",
        "none: this suite decodes by Pillow, whatever resizes",
        "test_order_of_colours",
        _without_flag(of_pictures.colour_order),
    ),
    Departure(
        "16-bit grey pictures",
        SUITE,
        "Pillow's convert saturates them: all levels above 255 become white",
        "scales them to 8 bits by 257",
        "mean absolute difference of a ramp over all 65,536 levels, in levels of 255",
        "none: convert such pictures beforehand (LSUN has none)",
        "test_sixteen_bits",
        _without_flag(of_pictures.sixteen_bits),
    ),
    Departure(
        "boost of the critic",
        PAPER,
        "100 critic updates in each of the first 25 generator steps, and in every 500th",
        "n_critic in every step",
        WEIGHTS.replace("float64", "a boost of 10 instead of 100; float64"),
        "--boost-generator-steps 25 --boost-every 500",
        "test_boost_of_the_critic",
        of_training.missing_boost,
    ),
    Departure(
        "Adam's epsilon",
        MXNET,
        "with --adam: joins the root of the average after its bias correction",
        "joins the root before it, so that at update t it is 1 / sqrt(1 - beta2**t) times as large",
        "relative difference of the first update of a weight, by a gradient of 1e-6, epsilon 1e-8",
        "none: --optimizer adam is MXNet's own",
        "test_adams_epsilon",
        _without_flag(of_training.first_adam_update),
    ),
]


def measure(progress=None):
    """Measure every departure, in order.

    Parameters
    ----------
    progress : callable, optional
        `progress(name)` is called before each.

    Returns
    -------
    list of dict
        - number: 1, 2, ...
        - name, who, original, departure: text; who departs, what the original does, what the other side does
        - measure: what the figures are, with their unit
        - size: float, the effect of the departure; None where there is nothing to compare
        - restored: float, the same with what `flag` says; None where nothing restores it
        - flag: the flags of train_lsun.py that restore the original, or "none: " and why
        - test: the test in test_departures.py
    """
    records = []
    for number, departure in enumerate(DEPARTURES, 1):
        if progress is not None:
            progress(departure.name)
        size, restored = departure.measured(departure.flag)
        text = {name: value for name, value in vars(departure).items() if name != "measured"}
        records.append({"number": number, **text, "size": size, "restored": restored})
    return records
