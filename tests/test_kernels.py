"""The compiled loops against MXNet's operators in float64, which the tests of the layers compare with differences."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import contextlib
import importlib.util
import inspect
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import run_python
from layers_fixtures import draw_images, make, squares_and_gradients
from mxnet import autograd, nd

from gluon_wgan import kernels
from gluon_wgan.layers import Conv2D, Flatten, InstanceNorm, LayerNorm, LeakyReLU, ReLU, Softplus, Tanh, ToScore
from gluon_wgan.lipschitz import gradient_norm, gradient_penalty, interpolates, penalty_and_its_gradient

# Float32 against float64: sums of up to 512 numbers, relative to each array's norm. 8 roundings of 6e-8.
TOLERANCE = 5e-7
NORMS = {
    "layer norm": lambda: LayerNorm(1e-3, in_channels=6),
    "instance norm": lambda: InstanceNorm(epsilon=1e-3, scale=True, in_channels=6),
}
# what comes next, and whether it is done in the same loop
ACTIVATIONS = {
    "leaky": (lambda: LeakyReLU(0.2), True),
    "relu": (ReLU, True),
    "none": (Flatten, False),
    "rising below 0": (lambda: LeakyReLU(-0.5), False),  # above 0 does not tell what was above 0
    "tanh": (Tanh, False),
}
SHAPES = [(3, 6, 5, 7), (1, 6, 4, 4), (4, 6, 9), (2, 6, 5)]


def derivatives(parts, shape, dtype, on, pushed=True):
    """Return what the layers give at a batch: output, pull, push, reverse, and the parameters' gradients."""
    with contextlib.nullcontext() if on else kernels.turned_off():
        sequence, x = make(*parts, dtype=dtype, how={"static_alloc": True}), draw_images(shape, dtype)
        chain = super(type(sequence), sequence).linearise(x)
        found = [chain.output, chain.pull(draw_images(shape, dtype, seed=1))]
        if pushed:
            found.append(chain.push(draw_images(shape, dtype, seed=2)))
        gradients = {}
        found.append(chain.reverse(draw_images(shape, dtype, seed=3), gradients))
        found += [sum(gradients[parameter]) for parameter in gradients]
        return [array.asnumpy() for array in found], len(chain._links)


def check(norm, activation, shape, pushed=True):
    parts = [NORMS[norm], ACTIVATIONS[activation][0]]
    expected, _ = derivatives([build() for build in parts], shape, "float64", False, pushed)
    given, links = derivatives([build() for build in parts], shape, "float32", True, pushed)
    assert links == (1 if ACTIVATIONS[activation][1] else 2)
    assert len(given) == len(expected) == (6 if pushed else 5)
    for ours, exact in zip(given, expected):
        assert ours.dtype == np.float32 and ours.shape == exact.shape
        assert np.linalg.norm(ours - exact) <= TOLERANCE * np.linalg.norm(exact)


@pytest.mark.parametrize("pushed", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("norm", NORMS)
def test_all_derivatives_are_those_of_the_operators(norm, activation, shape, pushed):
    check(norm, activation, shape, pushed)


@pytest.mark.parametrize("slope", [0.2, 0.0, -0.5])
def test_an_activation_alone(slope):
    for pushed in (False, True):
        expected, _ = derivatives([Tanh(), LeakyReLU(slope)], (3, 5, 7), "float64", False, pushed)
        given, links = derivatives([Tanh(), LeakyReLU(slope)], (3, 5, 7), "float32", True, pushed)
        assert links == 2
        for ours, exact in zip(given, expected, strict=True):
            assert np.linalg.norm(ours - exact) <= TOLERANCE * np.linalg.norm(exact)


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_penaltys_gradient_is_that_of_autograd(dtype, one_sided):
    images = draw_images((5, 3, 20, 20), dtype)
    images[:] *= nd.array([0.01, 0.02, 0.03, 0.1, 0], dtype=dtype).reshape((5, 1, 1, 1))  # norms around 1, and 0
    images.attach_grad()
    with autograd.record():
        norm, penalty = gradient_norm(images), gradient_penalty(images, one_sided)
    penalty.backward()
    found = penalty_and_its_gradient(images, one_sided, gp_lambda=4.0)
    tolerance = {"float32": 1e-6, "float64": 1e-13}[dtype]  # sums of 1,200 squares
    for ours, exact in zip(found, (penalty, 4 * images.grad, norm)):
        assert ours.dtype == exact.dtype and ours.shape == exact.shape
        np.testing.assert_allclose(ours.asnumpy(), exact.asnumpy(), rtol=tolerance, atol=tolerance * 1e-3)
    assert not found[1][4].asnumpy().any()


def test_interpolates_are_those_of_the_operators():
    real, fake = draw_images((4, 3, 9, 9)), draw_images((4, 3, 9, 9), seed=5)
    weights = np.random.default_rng(0).random(4, dtype=np.float32)
    by_operators = interpolates(real, fake, nd.array(weights)).asnumpy()  # NDArrays are weights for operators alone
    # products of numbers below 5, rounded to 3e-7, once where they are fused with sums
    np.testing.assert_allclose(interpolates(real, fake, weights).asnumpy(), by_operators, rtol=0, atol=1e-6)


def test_of_one_number_nothing_is_left():
    (y, d, ty, dx, by_gamma, by_beta), _ = derivatives([NORMS["instance norm"]()], (5, 6, 1, 1), "float32", True)
    layer = make(NORMS["instance norm"](), dtype="float32")[0]
    np.testing.assert_array_equal(y, np.broadcast_to(layer.beta.data().asnumpy().reshape(1, 6, 1, 1), y.shape), "y")
    # products that are fused with sums leave a rounding, 1e-7, times r, 1 / sqrt(1e-3)
    assert all(np.abs(values).max() < 1e-5 for values in (d, ty, dx, by_gamma))
    np.testing.assert_allclose(by_beta, draw_images((5, 6), seed=3).asnumpy().sum(axis=0), rtol=1e-6)


def without(*names):
    """Return a loop that takes zeros for what has these names."""

    def plant(loop):
        of = list(inspect.signature(loop.py_func).parameters)
        return lambda *given: loop(*(np.zeros_like(a) if name in names else a for name, a in zip(of, given)))

    return plant


def blind_to_the_slope(loop):
    return lambda slope, *arrays: loop(np.float32(1), *arrays)


# (loop, what is wrong with it)
MISTAKES = {
    "forward without beta": ("forward", without("beta")),
    "pull through the activation unseen": ("pull", blind_to_the_slope),
    "pull with means of constant statistics": ("pull", without("x")),
    "push of uncentred numbers": ("push", without("mean")),
    "reverse without the share of d": ("reverse", without("mean_nt")),
    "reverse without the share of u": ("reverse", without("mean_na")),
    "reverse without what pull was given": ("reverse", without("b")),
    "reverse of the output alone": ("reverse", without("d", "u")),
    "reverse through the activation unseen": ("reverse", blind_to_the_slope),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("norm", NORMS)
def test_a_planted_mistake_is_seen(norm, mistake, monkeypatch):
    name, plant = MISTAKES[mistake]
    loops = kernels.loops()
    monkeypatch.setattr(loops, name, plant(getattr(loops, name)))
    with pytest.raises(AssertionError):
        check(norm, "leaky", SHAPES[0])


def test_a_whole_critic_is_as_near_to_float64_as_by_operators():
    def critic(dtype):
        parts = (
            *(Conv2D(8, 4, 2, 1, in_channels=3), LayerNorm(in_channels=8), LeakyReLU(0.2)),
            *(Conv2D(16, 4, 2, 1, in_channels=8), InstanceNorm(scale=True, in_channels=16), Softplus()),
            ToScore(4, in_channels=16),
        )
        return make(*parts, dtype=dtype, how={})

    def errors():
        _, given = squares_and_gradients(critic("float32"), draw_images((5, 3, 16, 16)))
        return [
            np.linalg.norm(given[name] - exact[name]) / np.linalg.norm(exact[name])
            for name in exact
            if name not in zero
        ]

    # a bias before a normalisation over its channel, and that of the scores, of which the input gradient knows nothing
    zero = ("3.bias", "6.bias")
    with kernels.turned_off():
        _, exact = squares_and_gradients(critic("float64"), draw_images((5, 3, 16, 16), "float64"))
        by_operators = errors()
    by_kernels = errors()
    assert 0 < max(by_kernels) < 4 * max(by_operators)  # one small network: rounding is luck


def test_the_bits_are_the_same_with_any_number_of_threads():
    script = """
import os, sys
os.environ["OMP_NUM_THREADS"] = sys.argv[1]
sys.path.insert(0, sys.argv[2])
import hashlib, test_kernels as t
arrays, _ = t.derivatives([t.NORMS["layer norm"]()], (7, 6, 5, 5), "float32", True)
import numba
print(numba.get_num_threads(), hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
"""
    folder = __file__.rsplit("/", 1)[0]
    found = [run_python(script, threads, folder).split() for threads in ("1", "2")]
    assert [threads for threads, _ in found] == ["1", "2"]
    assert len({digest for _, digest in found}) == 1


def test_what_is_not_finite_stays_in_its_sample_and_is_seen():
    kernels.loops()
    critic = make(LayerNorm(in_channels=2), LeakyReLU(0.2), dtype="float32", how={})
    images = draw_images((3, 2, 4, 4))
    for bad in (np.nan, np.inf):
        images[1, 0, 2, 2] = bad
        chain = super(type(critic), critic).linearise(images)
        finite = np.isfinite(chain.output.asnumpy()).reshape(3, -1)
        assert finite[0].all() and finite[2].all() and not finite[1].all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_who_is_served(dtype, monkeypatch):
    assert kernels.serve(nd.zeros((2, 2), dtype=dtype)) == (dtype == "float32")
    uncached = kernels._compiled.__wrapped__
    assert uncached() is not None
    with monkeypatch.context() as patch:
        patch.setenv("GLUON_WGAN_KERNELS", "0")
        assert uncached() is None
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        assert uncached() is None
    with kernels.turned_off():
        assert not kernels.serve(nd.zeros((2, 2), dtype=dtype))
    assert kernels.serve(nd.zeros((2, 2))) and not kernels._off


def test_nobody_runs_what_he_compiled(tmp_path, monkeypatch):
    """What is compiled and what is loaded have other bits: forward's differ over 4 pixels, pull's over 64."""
    import numba

    stats = [loop.stats for loop in vars(kernels.loops()).values() if hasattr(loop, "stats")]
    assert len(stats) >= 7 and all(one.cache_hits and not one.cache_misses for one in stats)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.delitem(sys.modules, "gluon_wgan.kernels.compiled")
    assert kernels._kept() is None
    assert not list(tmp_path.rglob("*.nb?"))


@pytest.mark.thorough
def test_who_starts_on_a_new_machine_gets_the_bits_of_the_next(tmp_path):
    script = """
import hashlib, logging, gluon_wgan
logging.basicConfig(level="INFO", format="%(message)s")
from gluon_wgan import kernels
import numpy as np
kernels._PATIENCE = 0.01
rng = np.random.default_rng(0)
for shape in ((8, 16, 4), (8, 4, 64), (64, 16, 256)):
    x, gamma, beta = (rng.standard_normal(size).astype(np.float32) for size in (shape, shape[1], shape[1]))
    y, mean, r = (np.empty(size, np.float32) for size in (shape, shape[0], shape[0]))
    kernels.loops().forward(np.float32(1e-5), np.float32(0.2), x, gamma, beta, y, mean, r)
    print(*(hashlib.sha256(array.tobytes()).hexdigest() for array in (y, mean, r)))
"""

    def start():
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )

    first, second = start(), start()
    assert first.stdout == second.stdout and len(first.stdout.split()) == 9
    assert first.stderr.count("compiling kernels, once on this machine") == 1


def test_where_nothing_can_be_kept_the_operators_serve(monkeypatch, caplog):
    import numba

    problems = [ImportError("Numba needs another NumPy"), RuntimeError("cannot cache function: no locator available")]

    def refuse(_):
        raise problems.pop()

    monkeypatch.setattr(numba, "set_num_threads", refuse)
    assert kernels._compiled.__wrapped__() is None
    assert "slower: cannot cache function" in caplog.text and "NUMBA_CACHE_DIR" in caplog.text
    assert kernels._compiled.__wrapped__() is None
    assert "slower: Numba needs another NumPy" in caplog.text


def test_where_no_process_can_compile_the_operators_serve(monkeypatch, caplog):
    monkeypatch.setattr(kernels, "_kept", lambda: None)
    said = {
        "/bin/false": "slower: compiling them, a process ended with 1: nothing was kept",
        "/no/such": "slower: [Errno 2] No such file",
    }
    for executable, words in said.items():
        monkeypatch.setattr(sys, "executable", executable)
        assert kernels._compiled.__wrapped__() is None
        assert words in caplog.text
