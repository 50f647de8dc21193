"""Fréchet distance against closed forms and SciPy's matrix root; features of a network with random weights."""

import subprocess
import sys

import numpy as np
import pytest
from mxnet import init, nd
from PIL import Image
from scipy.linalg import sqrtm

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import frechet_distance, picture_features
from gluon_wgan.evaluate.frechet import import_gluoncv


def standardised(seed, count, dimensions):
    """Return points whose sample mean is 0 and whose sample covariance (divisor n - 1) is the unit matrix, exactly."""
    points = np.random.default_rng(seed).normal(size=(count, dimensions))
    points -= points.mean(axis=0)
    return np.linalg.qr(points)[0] * np.sqrt(count - 1)


def by_matrix_root(a, b):
    """The formula as it is printed."""
    covariances = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(covariances[0] @ covariances[1]).real
    return np.square(a.mean(axis=0) - b.mean(axis=0)).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)


# in all of these 1e-10 is rounding
def test_one_dimension():
    a, b = 3 + 2 * standardised(0, 50, 1), -1 + 5 * standardised(1, 80, 1)
    assert frechet_distance(a, b) == pytest.approx((3 + 1) ** 2 + (2 - 5) ** 2, rel=1e-10)


def test_diagonal_covariances():
    scales_a, scales_b, shift = np.array([1.0, 2, 3, 4]), np.array([4.0, 2, 1, 0.5]), np.array([1.0, 0, -2, 0])
    a, b = standardised(2, 60, 4) * scales_a, standardised(3, 40, 4) * scales_b + shift
    assert frechet_distance(a, b) == pytest.approx(5 + np.square(scales_a - scales_b).sum(), rel=1e-10)


def test_against_the_matrix_root_where_covariances_do_not_commute():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(90, 6)) @ rng.normal(size=(6, 6)), rng.normal(size=(70, 6)) @ rng.normal(size=(6, 6)) + 1
    assert frechet_distance(a, b) == pytest.approx(by_matrix_root(a, b), rel=1e-8)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-10)


def test_fewer_points_than_dimensions():
    # two points each, on perpendicular axes: covariances diag(2, 0, 0, ...) and diag(0, 8, 0, ...) share no direction
    a, b = np.zeros((2, 7)), np.zeros((2, 7))
    a[:, 0], b[:, 1] = (-1, 1), (-2, 2)
    assert frechet_distance(a, b) == pytest.approx(2 + 8, rel=1e-10)
    b[:, 0] = a[:, 0]  # now along (1, 2): covariance 2 (1, 2)(1, 2)', and the root's trace is 2 * 1
    assert frechet_distance(a, b) == pytest.approx(2 + 10 - 2 * 2, rel=1e-10)


def test_a_set_is_at_distance_zero_from_itself_and_a_shift_counts_squared():
    a = np.random.default_rng(5).normal(size=(30, 100))
    # rounding of a sum of 100 variances of 1
    assert 0 <= frechet_distance(a, a) < 1e-10
    assert frechet_distance(a, a + 0.5) == pytest.approx(100 * 0.25, rel=1e-10)


def test_the_distance_of_equal_distributions_falls_with_their_number():
    rng = np.random.default_rng(6)
    floors = [frechet_distance(rng.normal(size=(n, 20)), rng.normal(size=(n, 20))) for n in (50, 500, 5000)]
    # the bias is about 1 / n; tenfold the points, a tenth, with a scatter of some percent
    assert floors[0] / floors[1] == pytest.approx(10, rel=0.4)
    assert floors[1] / floors[2] == pytest.approx(10, rel=0.4)


GOOD = np.random.default_rng(7).normal(size=(5, 3))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (GOOD[:1], r"given \(1, 3\); allowed: \(n, D\) with n at least 2"),
        (GOOD[0], r"given \(3,\)"),
        (np.where(GOOD == GOOD[0, 0], np.nan, GOOD), "values that are not finite"),
        (np.where(GOOD == GOOD[0, 0], np.inf, GOOD), "values that are not finite"),
        (GOOD[:, :2], "dimensions; allowed: the same D"),
    ],
)
def test_points_of_another_kind_are_refused(bad, message):
    for pair in ((GOOD, bad), (bad, GOOD)):
        with pytest.raises(UserError, match=message):
            frechet_distance(*pair)


@pytest.fixture(scope="module")
def random_network(tmp_path_factory):
    """A resnet18_v1 with random weights, and its file."""
    net = import_gluoncv().model_zoo.get_model("resnet18_v1", pretrained=False)
    net.initialize(init.Xavier())
    net(nd.zeros((1, 3, 224, 224)))
    path = tmp_path_factory.mktemp("network") / "resnet18.params"
    net.save_parameters(str(path))
    return net, path


def test_features_are_those_before_the_last_layer(random_network):
    net, path = random_network
    pictures = np.random.default_rng(8).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    features = picture_features(pictures, path, batch_size=2)
    assert features.shape == (3, 512) and features.dtype == np.float32
    # the oracle: one picture, normalised by hand, through the whole network, whose last layer is dense
    large = np.asarray(Image.fromarray(pictures[1]).resize((224, 224), Image.Resampling.BILINEAR)) / 255
    planes = [
        (large[..., c] - mean) / std for c, (mean, std) in enumerate([(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)])
    ]
    scores = net(nd.array([planes], dtype="float32")).asnumpy()[0]
    weight, bias = net.output.weight.data().asnumpy(), net.output.bias.data().asnumpy()
    # float32 sums of 512 products, and another batch size
    assert np.allclose(weight @ features[1] + bias, scores, rtol=1e-4, atol=1e-4 * np.abs(scores).max())


def test_grey_pictures_are_repeated_and_float_ones_rounded(random_network):
    grey = np.random.default_rng(9).integers(0, 256, (1, 20, 30, 1), dtype=np.uint8)
    expected = picture_features(np.repeat(grey, 3, axis=3), random_network[1])
    assert np.array_equal(picture_features(grey, random_network[1]), expected)
    nearly = np.clip(grey + np.float32(0.3), 0, 255)
    assert np.array_equal(picture_features(nearly, random_network[1]), expected)


def test_files_and_networks_that_do_not_fit_are_refused(random_network, tmp_path):
    pictures = np.zeros((1, 32, 32, 3), np.uint8)
    (tmp_path / "text.params").write_text("no weights")
    for path in (tmp_path / "absent.params", tmp_path / "text.params"):
        with pytest.raises(UserError, match=f"parameters: given {path} .*; allowed: a .params file of GluonCV's"):
            picture_features(pictures, path)
    with pytest.raises(UserError, match="GluonCV's resnet34_v1"):
        picture_features(pictures, random_network[1], network="resnet34_v1")
    with pytest.raises(UserError, match="network: given 'inception_v3'; allowed: resnet18_v1, "):
        picture_features(pictures, random_network[1], network="inception_v3")
    with pytest.raises(UserError, match="batch_size: given 0; allowed: 1 or more"):
        picture_features(pictures, random_network[1], batch_size=0)


def test_gluoncv_is_imported_beside_pytorch_two(tmp_path):
    # a stand-in, so that this runs where PyTorch is not installed; without care gluoncv raises RuntimeError here
    (tmp_path / "torch.py").write_text("__version__ = '2.13.0'")
    code = f"""import sys
sys.path.insert(0, {str(tmp_path)!r})
import torch
from gluon_wgan.evaluate.frechet import import_gluoncv
assert import_gluoncv().model_zoo.get_model
assert sys.modules["torch"] is torch
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
