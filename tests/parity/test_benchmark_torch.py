"""The benchmark's PyTorch side: its keys, its arithmetic, and that its work is ours. No timing is judged here."""

from dataclasses import replace

import mxnet as mx
import numpy as np
import pytest

pytest.importorskip("torch")

import reference
from torch.utils.flop_counter import FlopCounterMode

from gluon_wgan.data import Batches
from gluon_wgan.data.batches import noise_pictures
from gluon_wgan.settings import preset_settings
from gluon_wgan.tools import benchmark, benchmark_ours
from gluon_wgan.tools.benchmark_torch import TorchProcess, build_reference, do_step, sample_batch
from gluon_wgan.tools.benchmark_turns import compare
from gluon_wgan.training.build import build_trainer

SETTINGS = replace(preset_settings("wassersteingan"), image_size=16, generator_channels=4, critic_channels=4)
ARMS = ("torch", "torch_channels_last", "torch_compiled")


@pytest.fixture(scope="module")
def results():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark_ours, "_PICTURES", 130)
        patch.setattr(benchmark_ours, "_LMDB_KEYS", 1000)
        return benchmark_ours.measure(["16x16/4"], seconds=0.5, reference=reference.__file__)


def test_pytorch_has_its_keys_and_the_ratio_is_theirs_over_ours(results):
    values = results["16x16/4"]
    for arm in ARMS:
        assert values[f"{arm}_step_seconds"] > 0
        assert values[f"ratio_{arm}"] == pytest.approx(values[f"{arm}_step_seconds"] / values["step_seconds"])
        low, high = values[f"ratio_{arm}_spread"]
        assert 0 < low <= high
    threads = int(results["environment"]["omp_num_threads"])
    assert results["environment"]["torch"]["threads"] == threads
    assert results["environment"]["torch"]["version"] == reference.torch.__version__


def test_the_table_has_pytorch_where_it_was_measured(results):
    values = results["16x16/4"]
    low, high = values["ratio_torch_spread"]
    table = benchmark.as_table(results)
    assert f"| {values['ratio_torch']:.2f} ({low:.2f} to {high:.2f}) |" in table
    without = {key: value for key, value in values.items() if "torch" not in key}
    assert table.count("PyTorch") == 7
    assert "PyTorch" not in benchmark.as_table({**results, "16x16/4": without})


def test_the_penalty_has_its_own_keys(results):
    values = results["16x16/4"]
    assert values["gp_critic_step_seconds"] > 0 and values["gp_critic_step_over_clipped"] > 0
    for arm in ("torch_gp", "torch_gp_channels_last"):
        assert values[f"ratio_{arm}"] == pytest.approx(values[f"{arm}_step_seconds"] / values["gp_critic_step_seconds"])


def test_samples_have_their_own_keys(results):
    values = results["16x16/4"]
    ours = SETTINGS.batch_size / values["sampled_images_per_second"]  # seconds a batch
    for arm in ("torch_sampling", "torch_sampling_channels_last"):
        assert values[f"ratio_{arm}"] == pytest.approx(values[f"{arm}_step_seconds"] / ours)


def test_pytorchs_samples_are_a_batch_of_pictures():
    training = build_reference(reference, SETTINGS, "contiguous_format")
    pictures = sample_batch(reference.torch, training)
    assert (pictures.shape, pictures.dtype) == ((64, 16, 16, 3), np.uint8)
    assert training.generator.training  # batch statistics, as the original's


def test_ratio_and_spread_by_hand():
    ours = np.array([[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]])
    theirs = np.array([[2.0, 2.0], [3.0, 3.0], [3.0, 3.0]])
    found = compare("torch", theirs, ours)
    # medians 3 and 1; the turns' ratios are 2, 1.5, 3, and their quartiles lie half-way between neighbours
    assert found == {"torch_step_seconds": 3.0, "ratio_torch": 3.0, "ratio_torch_spread": [1.75, 2.5]}


@pytest.mark.parametrize("memory_format", ["contiguous_format", "channels_last"])
def test_pytorch_does_the_work_of_our_step(memory_format, results):
    training = build_reference(reference, SETTINGS, memory_format)
    with FlopCounterMode(display=False) as counter:  # PyTorch's own count, of convolutions forward and backward
        do_step(training)
    assert counter.get_total_flops() / 1e9 == pytest.approx(results["16x16/4"]["step_gflop"])
    assert (training.critic_steps, training.generator_steps) == (SETTINGS.n_critic, 1)
    assert training.memory_format == getattr(reference.torch, memory_format)


def test_both_sides_see_the_same_pictures_and_start_from_the_same_weights():
    training = build_reference(reference, SETTINGS, "contiguous_format")
    batches = Batches(noise_pictures(SETTINGS), SETTINGS.batch_size, SETTINGS.seed)
    for number in range(len(batches) + 1):  # beyond the first epoch
        assert np.array_equal(training._next_batch()[0].numpy(), batches[number])
    ours = build_trainer(SETTINGS, batches, mx.cpu())
    weights = [parameter.data().asnumpy() for parameter in ours._trainable["generator"]]
    theirs = [parameter.detach().numpy() for parameter in training.generator.parameters()]
    assert all(np.array_equal(our, their) for our, their in zip(weights, theirs, strict=True))


def test_a_process_that_dies_says_so(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("import sys; sys.exit(3)")
    with pytest.raises(RuntimeError, match="status 3"):
        TorchProcess(broken, SETTINGS)
