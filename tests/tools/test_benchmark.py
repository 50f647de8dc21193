"""The benchmark: its keys, its arithmetic, and its refusal of a malformed size. No timing is judged here."""

from dataclasses import replace

import numpy as np
import pytest

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.interop import reference
from gluon_wgan.settings import preset_settings
from gluon_wgan.tools import benchmark, benchmark_ours
from gluon_wgan.tools.benchmark_ours import attached
from gluon_wgan.training.timing import noise_trainer

KEYS = "step_seconds gemm_gflops efficiency loader_images_per_second prepare_images_per_second peak_memory_mib".split()


@pytest.mark.thorough
def test_a_small_measurement_has_the_promised_keys_and_its_ratios_agree(monkeypatch):
    monkeypatch.setattr(benchmark_ours, "_PICTURES", 130)
    monkeypatch.setattr(benchmark_ours, "_LMDB_KEYS", 1000)
    results = benchmark_ours.measure(["16x16/4"], seconds=0.5)
    assert set(KEYS) <= set(results["16x16/4"])
    values = results["16x16/4"]
    assert all(values[key] > 0 for key in KEYS)
    for efficiency, rate in (("efficiency", "gemm_gflops"), ("efficiency_by_openblas", "openblas_gflops")):
        assert values[efficiency] * values["step_seconds"] * values[rate] == pytest.approx(values["step_gflop"])
    assert values["gemm_gflops"] >= values["openblas_gflops"]
    assert values["gp_critic_step_seconds"] > 0 and values["gp_operators_over_kernels"] > 0
    # by hand, batch 64, 4 channels, 4x4 kernels: the critic 3->4 (8x8 out), 4->8 (4x4 out), 8->1 (1x1 out); the
    # generator 100->8 (1x1 in), 8->4 (4x4 in), 4->3 (8x8 in)
    critic = [2 * 64 * 16 * each for each in (64 * 12, 16 * 32, 8)]
    generator = [2 * 64 * 16 * each for each in (800, 16 * 32, 64 * 12)]
    in_critic = sum(generator) + 2 * (3 * sum(critic) - critic[0])
    in_generator = 3 * sum(generator) - generator[0] + 2 * sum(critic)
    assert values["step_gflop"] == pytest.approx((5 * in_critic + in_generator) / 1e9)
    assert results["lmdb"]["keys"] == 1000
    table = benchmark.as_table(results)
    assert "| size/channels | 16x16/4 |" in table
    assert f"| efficiency | {values['efficiency']:.2f} |" in table
    assert "1,000 keys" in table
    assert not [key for key in (*values, *results["environment"]) if "torch" in key]  # nobody asked for it


@pytest.mark.parametrize("size", ["32", "32x16/4", "32x32", "ax a/b"])
def test_a_malformed_size_is_refused(size):
    with pytest.raises(UserError, match="SIDExSIDE/CHANNELS"):
        benchmark_ours.measure([size])


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_seconds_in_which_nothing_or_everything_is_measured_are_refused(seconds):
    with pytest.raises(UserError, match=f"--seconds: given {float(seconds)}; allowed: more than 0, and finite"):
        call("benchmark", ["--seconds", seconds])


def test_a_file_that_cannot_be_written_is_told_before_minutes_of_measuring(tmp_path):
    for file, message in (("/proc/no/speed.json", "/proc/no .*created and written"), (tmp_path, ".*a folder.*a file")):
        with pytest.raises(UserError, match=f"--json: given {message}"):
            call("benchmark", ["--json", str(file)])


def test_without_pytorch_the_flag_is_refused(monkeypatch):
    monkeypatch.setattr(reference.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"--torch: .*make parity"):
        call("benchmark", ["--torch"])


def test_without_a_checkout_the_flag_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(reference.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(reference, "__file__", str(tmp_path / "gluon_wgan" / "interop" / "reference.py"))
    with pytest.raises(UserError, match=r"--torch: .*reference\.py.*checkout"):
        call("benchmark", ["--torch"])


def test_attached_it_differentiates_the_generator_too():
    sizes = {"image_size": 16, "generator_channels": 2, "critic_channels": 2, "batch_size": 8}
    settings = replace(preset_settings("wassersteingan"), **sizes)
    detached, other = noise_trainer(settings), attached(noise_trainer(settings))
    for trainer in (detached, other):
        for gradient in trainer.gradients("generator"):
            gradient[:] = 0
        trainer.differentiate_critic()
    for ours, theirs in zip(detached.gradients("critic"), other.gradients("critic")):
        # one graph or two: the sums are the same, their order need not be
        assert np.allclose(ours.asnumpy(), theirs.asnumpy(), rtol=1e-4, atol=1e-9)
    assert not any(gradient.asnumpy().any() for gradient in detached.gradients("generator"))
    assert all(gradient.asnumpy().any() for gradient in other.gradients("generator"))
