"""Kernel distance: closed forms, a second implementation, its standard error, its network without weights."""

import numpy as np
import pytest
from conftest import make_picture

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import efficientnet, features, kernel, kernel_distance


def by_loops(a, b):
    """Return the unbiased estimate by its definition, pair by pair."""

    def k(x, y):
        return (sum(p * q for p, q in zip(x, y)) / len(x) + 1) ** 3

    within = [
        sum(k(x, y) for i, x in enumerate(points) for j, y in enumerate(points) if i != j)
        / (len(points) * (len(points) - 1))
        for points in (a, b)
    ]
    return sum(within) - 2 * sum(k(x, y) for x in a for y in b) / (len(a) * len(b))


def test_it_is_the_sum_over_pairs():
    generator = np.random.default_rng(0)
    a, b = generator.normal(0, 1, (23, 5)), generator.normal(0.5, 2, (31, 5))
    assert kernel_distance(a, b)[0] == pytest.approx(by_loops(a, b), rel=1e-10)


def test_of_gaussians_on_a_line_it_is_what_their_moments_say():
    # (x y + 1)^3 = 1 + 3 x y + 3 x^2 y^2 + x^3 y^3, so the expectation is a sum over the moments' differences, squared:
    # N(0, 1) has 0, 1, 0; N(1, 4) has 1, 5, 1 + 3 * 4 = 13
    expected = 3 * 1**2 + 3 * (5 - 1) ** 2 + 13**2
    generator = np.random.default_rng(1)
    found = [kernel_distance(generator.normal(0, 1, (200, 1)), generator.normal(1, 2, (200, 1)))[0] for _ in range(400)]
    error = np.std(found) / 20  # of the mean of 400
    assert abs(np.mean(found) - expected) < 4 * error < 0.1 * expected


def test_of_one_distribution_it_is_0_in_the_mean_for_few_points_too():
    generator = np.random.default_rng(2)
    draw = lambda: generator.normal(0, 1, (20, 8))  # noqa: E731
    found = [kernel_distance(draw(), draw())[0] for _ in range(2000)]
    assert abs(np.mean(found)) < 4 * np.std(found) / 2000**0.5
    assert min(found) < 0 < max(found)


def test_the_standard_error_is_about_the_scatter():
    generator = np.random.default_rng(3)
    pairs = [kernel_distance(generator.normal(0, 1, (200, 4)), generator.normal(0.3, 1, (200, 4))) for _ in range(200)]
    distances, errors = np.array(pairs).T
    # of ten blocks a jackknife's error scatters by a quarter; its mean square is right to some per cent
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(np.std(distances), rel=0.2)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((19, 3)), np.zeros((20, 3)), r"features_a: given \(19, 3\); allowed: .*at least 20"),
        (np.zeros((20, 3)), np.zeros(20), r"features_b: given \(20,\)"),
        (np.zeros((20, 3)), np.zeros((20, 4)), "3 and 4 dimensions"),
        (np.full((20, 3), np.nan), np.zeros((20, 3)), "not finite"),
    ],
)
def test_what_is_no_set_of_points_is_refused(a, b, message):
    with pytest.raises(UserError, match=message):
        kernel_distance(a, b)


def test_without_its_weights_the_network_says_what_brings_them(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(efficientnet.importlib.util, "find_spec", lambda name: None)
    kernel._network.cache_clear()
    with pytest.raises(UserError, match=r"features: given .*trained weights; allowed: .*`make parity`"):
        features(np.stack([make_picture(0)] * 2))


@pytest.mark.parametrize("pictures", [np.zeros((2, 8, 8, 3)), np.zeros((8, 8, 3), np.uint8)])
def test_what_is_no_set_of_pictures_is_refused(pictures):
    with pytest.raises(UserError, match="pictures"):
        features(pictures)


def test_no_batch_is_refused():
    with pytest.raises(UserError, match="batch_size: given 0"):
        features(np.zeros((1, 8, 8, 3), np.uint8), batch_size=0)


def test_what_the_network_sees_is_enlarged_and_scaled():
    black_and_white = np.stack([np.zeros((4, 4, 1), np.uint8), np.full((4, 4, 1), 255, np.uint8)])
    seen = kernel._as_seen(black_and_white)
    assert seen.shape == (2, 3, 224, 224) and seen.dtype == np.float32
    assert (seen[0] == -1).all() and (seen[1] == 1).all()


def test_a_convolution_that_halves_pads_as_tensorflow_does():
    # SAME: of 4 pixels with 3 wide kernels and stride 2, the windows begin at 0 and 2, and the last reaches one beyond
    from mxnet import nd

    for size, wide, starts in ((4, 3, (0, 2)), (4, 5, (-1, 1))):
        block = efficientnet._Convolution(1, 1, wide, 2, activated=False)
        block.initialize()
        weight = np.arange(1.0, wide * wide + 1).reshape(wide, wide)
        block.convolution.weight.set_data(nd.array(np.pad(weight, ((1, 0), (1, 0)))[np.newaxis, np.newaxis]))
        picture = np.random.default_rng(0).normal(size=(size, size))
        padded = np.pad(picture, wide)
        expected = [
            [(padded[r + wide : r + 2 * wide, c + wide : c + 2 * wide] * weight).sum() for c in starts] for r in starts
        ]
        found = block(nd.array(picture[np.newaxis, np.newaxis])).asnumpy()[0, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_network_has_the_papers_parameters():
    # 4.65 million with the classifier's 1,281,000, as its authors list it; folded normalisations leave one number a
    # channel instead of two that are trained
    network = efficientnet.EfficientNetLite0()
    shapes = [parameter.shape for parameter in network.convolutions()]
    extra = [(2 * k - 1 if k % 2 == 0 else 0) * np.prod(shape[:2]) for shape in shapes[::2] for k in shape[2:3]]
    biases = sum(shape[0] for shape in shapes[1::2])
    total = sum(np.prod(shape) for shape in shapes) - sum(extra) + biases + 1_281_000
    assert total == pytest.approx(4.652e6, rel=1e-3)
