"""The table of names, the configuration, and what needs no file of another program."""

import json
import sys

import numpy as np
import pytest
from training_fixtures import tiny_settings

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.interop import export_onnx, export_torch, import_run, load_torch_critic, load_torch_generator
from gluon_wgan.interop.blocks import shapes_of
from gluon_wgan.interop.generator_config import generator_config, read_generator_config
from gluon_wgan.interop.layout import GeneratorShape, critic_layout, generator_layout
from gluon_wgan.interop.match import match_by_name, match_by_structure
from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.run_folder import RunFolder
from gluon_wgan.training import build

GOOD = {"imageSize": 16, "nz": 3, "nc": 3, "ngf": 2, "ngpu": 1, "n_extra_layers": 0, "noBN": False, "mlp_G": False}


@pytest.fixture
def run(tmp_path):
    """A run folder of ours with an untrained checkpoint."""
    settings = tiny_settings()
    folder = RunFolder(tmp_path / "run")
    with folder:
        folder.write_config({**settings.to_json(), "overrides": []})
        build.build_trainer(settings, None, *build.find_devices("cpu")).save(folder.checkpoints, seconds=0.0)
    return folder.path


# --- the table


@pytest.mark.parametrize("extra_layers", [0, 2])
@pytest.mark.parametrize("image_size", [16, 64])
@pytest.mark.parametrize("network", ["dcgan", "dcgan-no-bn", "mlp"])
def test_the_table_holds_every_parameter_of_ours_once(network, image_size, extra_layers):
    settings = tiny_settings(generator=network, critic=network, image_size=image_size, extra_layers=extra_layers)
    generator, critic = shapes_of(settings)
    for layout, block in (
        (generator_layout(generator), build_generator(settings)),
        (critic_layout(critic), build_critic(settings)),
    ):
        shapes = {name: parameter.shape for name, parameter in block._collect_params_with_prefix().items()}
        assert {entry.name: entry.shape for entry in layout} == shapes
        assert len(layout) == len(shapes) == len({entry.torch_name for entry in layout})
        assert all(entry.name.endswith("." + entry.kind) for entry in layout)


def test_names_and_signs_written_out_by_hand():
    generator, critic = shapes_of(tiny_settings(extra_layers=1))
    assert [(entry.torch_name, entry.name) for entry in generator_layout(generator)][:7] == [
        ("main.initial:3-4:convt.weight", "main.0.weight"),
        ("main.initial:4:batchnorm.weight", "main.1.gamma"),
        ("main.initial:4:batchnorm.bias", "main.1.beta"),
        ("main.initial:4:batchnorm.running_mean", "main.1.running_mean"),
        ("main.initial:4:batchnorm.running_var", "main.1.running_var"),
        ("main.pyramid:4-2:convt.weight", "main.3.weight"),
        ("main.pyramid:2:batchnorm.weight", "main.4.gamma"),
    ]
    weights = [entry for entry in critic_layout(critic) if entry.kind == "weight"]
    assert [(entry.torch_name, entry.name, entry.shape, entry.negated) for entry in weights] == [
        ("main.initial:3-2:conv.weight", "main.0.weight", (2, 3, 4, 4), False),
        ("main.extra-layers-0:2:conv.weight", "main.2.weight", (2, 2, 3, 3), False),
        ("main.pyramid:2-4:conv.weight", "main.5.weight", (4, 2, 4, 4), False),
        ("main.final:4-1:conv.weight", "main.8.weight", (1, 4, 4, 4), True),
    ]
    for changes in ({"generator_nonlinearity": "tanh"}, {"critic_nonlinearity": "relu"}, {"critic_extra_layers": 1}):
        with pytest.raises(UserError, match=f"run: given one with {next(iter(changes))} .*as the originals have"):
            shapes_of(tiny_settings(**changes))
    _, mlp = shapes_of(tiny_settings(critic="mlp"))
    assert [entry.name for entry in critic_layout(mlp) if entry.negated] == ["main.6.weight", "main.6.bias"]


def test_matching_refuses_what_does_not_fit():
    shape = GeneratorShape("mlp", 1, 1, 2, 3, 0)
    layout = generator_layout(shape)
    tensors = {entry.torch_name: np.ones(entry.shape, np.float32) for entry in layout}
    values, counts = match_by_name(tensors, layout, shape, "file")
    assert (values.keys(), counts) == (tensors.keys(), {})
    assert match_by_structure(tensors, layout, shape, "file").keys() == tensors.keys()
    for name, tensor, words in (
        ("main.0.weight", np.ones((3, 3), np.float32), r"\(3, 3\)"),
        ("other.weight", np.ones(1, np.float32), "superfluous tensor other.weight"),
    ):
        for match in (match_by_name, match_by_structure):
            with pytest.raises(UserError, match=rf"{words}.*a mlp generator of 1x1 pictures|kind weight and shape"):
                match({**tensors, name: tensor}, layout, shape, "file")


# --- the configuration


def test_a_configuration_read_and_written(tmp_path):
    file = tmp_path / "generator_config.json"
    file.write_text(json.dumps({**GOOD, "imageSize": 64, "nz": 100, "ngf": 8, "n_extra_layers": 2}))
    assert read_generator_config(file) == GeneratorShape("dcgan", 64, 3, 100, 8, 2)
    file.write_text(json.dumps({**GOOD, "imageSize": 28, "mlp_G": True}))
    assert read_generator_config(str(file)) == GeneratorShape("mlp", 28, 3, 3, 2, 0)
    file.write_text(json.dumps({**GOOD, "noBN": True, "mlp_G": True}))
    assert read_generator_config(file).network == "dcgan-no-bn"  # as in the original's if and elif
    assert generator_config(tiny_settings()) == GOOD
    assert generator_config(tiny_settings(generator="mlp"))["mlp_G"] is True
    assert generator_config(tiny_settings(generator="dcgan-no-bn"))["noBN"] is True


@pytest.mark.parametrize("key", sorted(GOOD.keys() - {"ngpu"}))
def test_a_key_must_be_there(tmp_path, key):
    file = tmp_path / "generator_config.json"
    file.write_text(json.dumps({name: value for name, value in GOOD.items() if name != key}))
    with pytest.raises(UserError, match=rf"generator_config\.json: {key}: given nothing"):
        read_generator_config(file)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("imageSize", "48"),
        ("imageSize", "8"),
        ("imageSize", "0"),
        ("imageSize", '"64"'),
        ("imageSize", "64.0"),
        ("imageSize", "NaN"),
        ("nz", "-1"),
        ("nz", "true"),
        ("nz", "null"),
        ("nz", "1" + 400 * "0"),
        ("ngf", "1000000000"),
        ("ngf", "Infinity"),
        ("nc", "2"),
        ("nc", "[3]"),
        ("n_extra_layers", "-1"),
        ("n_extra_layers", "1000000000"),
        ("noBN", "1"),
        ("mlp_G", '"no"'),
    ],
)
def test_a_value_must_make_sense(tmp_path, key, text):
    file = tmp_path / "generator_config.json"
    good = json.dumps({**GOOD, key: "here"})
    file.write_text(good.replace('"here"', text))
    with pytest.raises(UserError, match=rf"generator_config\.json: {key}: given .*; allowed"):
        read_generator_config(file)


@pytest.mark.parametrize("text", ["", "imageSize = 64", "[]", "64", "null", "[" * 100000, '{"nz": ' + 5000 * "1" + "}"])
def test_a_file_must_be_an_object(tmp_path, text):
    file = tmp_path / "generator_config.json"
    file.write_text(text)
    with pytest.raises(UserError, match=r"generator_config\.json"):
        read_generator_config(file)


def test_a_file_must_be_readable(tmp_path):
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "nowhere.json", tmp_path, tmp_path / "binary.json"):
        with pytest.raises(UserError, match="no configuration"):
            read_generator_config(path)


# --- packages that are not installed


def test_without_torch_a_message_says_what_to_install(tmp_path, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "generator_config.json").write_text(json.dumps(GOOD))
    (tmp_path / "net.pth").write_bytes(b"x" * 99)
    files = [tmp_path / "net.pth", tmp_path / "generator_config.json"]
    for attempt in (
        lambda: load_torch_generator(*files),
        lambda: load_torch_critic(*files),
        lambda: import_run(files[0], files[0], files[1], tmp_path / "imported"),
        lambda: export_torch(run, tmp_path / "out"),
    ):
        with pytest.raises(UserError, match=r"torch: given not installed.*make parity.*\[parity\]"):
            attempt()
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "imported").exists()


def test_without_onnx_a_message_says_what_to_install(tmp_path, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"onnx: given not installed.*onnx 1\.14\.1"):
        export_onnx(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- no run, no command


def test_what_is_no_run_is_refused(tmp_path, run):
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    (tmp_path / "empty" / "checkpoints").mkdir(parents=True)
    for folder, words in ((tmp_path, "a run folder, a checkpoint such as"), (tmp_path / "empty", "no checkpoint yet")):
        for export in (export_torch, export_onnx):
            with pytest.raises(UserError, match=words):
                export(folder, tmp_path / "out")
    params = run / "checkpoints" / "latest" / "critic.params"
    params.write_bytes(params.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"critic\.params is not as it was written"):
        export_torch(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["import"], ["export", "run"], ["export", "run", "--to", "tar", "--out", "x"]]
)
def test_a_command_line_that_is_not_whole(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        call("convert_checkpoint", arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["import", "--help"], ["export", "--help"]])
def test_help_teaches(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        call("convert_checkpoint", arguments)
    assert ended.value.code == 0
    words = {1: ["import", "export", "--to onnx", "--resume"], 2: ["--out"]}[len(arguments)]
    shown = capsys.readouterr().out
    assert [word for word in words if word not in shown] == []
