"""The generator as ONNX: onnxruntime draws what Gluon draws, for any batch, and a wrong graph is not kept.

Tolerance 1e-5 of the largest picture value (1 for dcgan): float32 sums in another order; measured 2e-6 or less.
"""

import mxnet as mx
import numpy as np
import pytest
from training_fixtures import tiny_settings

from gluon_wgan import streams, zoo
from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.interop import export_onnx
from gluon_wgan.models.sampling import load_generator, sample
from gluon_wgan.run_folder import RunFolder
from gluon_wgan.training import build

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def make_run(folder, **changes):
    """Return a run folder whose generator has running statistics far from 0 and 1."""
    settings = tiny_settings(**changes)
    run = RunFolder(folder)
    trainer = build.build_trainer(settings, None, mx.cpu())
    draw = np.random.default_rng(0)
    for name, parameter in trainer.generator.collect_params().items():
        positive = name.endswith(("gamma", "running_var"))
        values = draw.uniform(0.5, 2, parameter.shape) if positive else 0.3 * draw.standard_normal(parameter.shape)
        parameter.set_data(mx.nd.array(values))
    with run:
        run.write_config({**settings.to_json(), "overrides": []})
        trainer.save(run.checkpoints, seconds=0.0)
    return run.path


@pytest.mark.parametrize("name", zoo.names())
def test_onnx_draws_what_a_model_of_the_zoo_draws(name, tmp_path):
    (file,) = export_onnx(f"zoo:{name}", tmp_path)
    generator, settings = zoo.get_model(name)
    latents = streams.normal(0, "test: zoo", 0, (5, settings.latent_dim, 1, 1))
    (found,) = onnxruntime.InferenceSession(str(file)).run(None, {"latent": latents})
    assert np.abs(found - sample(generator, mx.nd.array(latents), "running")).max() < 1e-5


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"image_size": 32, "image_channels": 1, "extra_layers": 2},
        {"generator": "dcgan-no-bn"},
        {"generator": "mlp"},
    ],
    ids=lambda changes: str(changes) or "dcgan",
)
def test_onnxruntime_draws_the_same_pictures(tmp_path, changes, record_property):
    run = make_run(tmp_path / "run", **changes)
    call("convert_checkpoint", ["export", str(run), "--to", "onnx", "--out", str(tmp_path / "out")])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["generator.onnx"]
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "generator.onnx"))
    (given,) = session.get_inputs()
    assert (given.name, given.shape[1:]) == ("latent", [3, 1, 1])
    generator, _, _ = load_generator(run)
    for batch_size in (1, 5):
        latent = streams.normal(1, "test_latents", 0, (batch_size, 3, 1, 1))
        (theirs,) = session.run(None, {"latent": latent})
        ours = sample(generator, mx.nd.array(latent), "running")
        assert theirs.shape == ours.shape
        assert np.abs(ours).max() > 0.05
        difference = float(np.abs(theirs - ours).max() / max(1, np.abs(ours).max()))
        record_property("difference", difference)
        assert difference < 1e-5
    if changes.get("generator", "dcgan") == "dcgan":
        in_batch_mode = sample(generator, mx.nd.array(latent), "batch")
        assert np.abs(theirs - in_batch_mode).max() > 0.01  # else running statistics would not have been shown


def test_a_graph_that_draws_other_pictures_is_not_kept(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    right = mx.onnx.export_model

    def wrong(symbol, parameters, *rest, **options):
        spoilt = {name: 1.01 * array for name, array in parameters.items()}
        return right(symbol, spoilt, *rest, **options)

    monkeypatch.setattr(mx.onnx, "export_model", wrong)
    with pytest.raises(UserError, match=r"generator\.onnx: given a difference of .*nothing was written"):
        export_onnx(run, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_onnx_file_is_not_overwritten(tmp_path):
    run = make_run(tmp_path / "run")
    (tmp_path / "generator.onnx").write_text("mine")
    with pytest.raises(UserError, match=r"--out: given .*generator\.onnx \(there already\)"):
        export_onnx(run, tmp_path)
    assert (tmp_path / "generator.onnx").read_text() == "mine"
