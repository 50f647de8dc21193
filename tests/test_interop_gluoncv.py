"""GluonCV's files: networks built as its script builds them (one layer list, three ways of naming), and what fits none.

The networks here are written from the layer list of scripts/gan/wgan/train_wgan.py, with Gluon's own layers; the oracle
is their forward pass. Tolerance 1e-6 of the largest: the same operators on the same weights (measured 0).
"""

import numpy as np
import pytest
from mxnet import autograd, nd
from mxnet.gluon import nn

from gluon_wgan.checkpoint import verify_checkpoint
from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.interop import import_run, load_torch_generator
from gluon_wgan.interop.export import open_checkpoint
from gluon_wgan.models import build_critic, build_generator

LATENT_DIM, WIDTH = 5, 3


class GluonCV(nn.HybridBlock):
    """A network of GluonCV's script: layers in `main`, prefixes of their own; the critic returns its mean score."""

    def __init__(self, layers, is_critic, named, **kwargs):
        super().__init__(**kwargs)
        self.is_critic = is_critic
        with self.name_scope():
            main = nn.HybridSequential()
            for name, make in layers:
                # explicit prefixes, as the script has them, or Gluon's counters, as other builders have
                main.add(make(**({"prefix": name} if named else {})))
        self.main = main

    def hybrid_forward(self, F, x):
        return self.main(x)


def convolution(kind, inputs, outputs, kernel, stride, pad, activation=None):
    return lambda **prefix: kind(
        outputs, kernel, stride, pad, use_bias=False, in_channels=inputs, activation=activation, **prefix
    )


def generator_layers(size, channels, batch_norm, extra):
    width, layers = WIDTH * size // 8, []

    def add(stage, kind, inputs, outputs, kernel, stride, pad, label):
        inner = None if batch_norm else "relu"
        convolve = convolution(kind, inputs, outputs, kernel, stride, pad, inner)
        layers.append((f"{stage}.{label}.{'conv' if kernel == 3 else 'convt'}", convolve))
        if batch_norm:
            norm = lambda **prefix: nn.BatchNorm(in_channels=outputs, **prefix)  # noqa: E731
            layers.append((f"{stage}.{outputs}.batchnorm", norm))
            layers.append((f"{stage}.{outputs}.relu", lambda **prefix: nn.LeakyReLU(0, **prefix)))

    add("initial", nn.Conv2DTranspose, LATENT_DIM, width, 4, 1, 0, f"{LATENT_DIM}-{width}")
    while width > WIDTH:
        add("pyramid", nn.Conv2DTranspose, width, width // 2, 4, 2, 1, f"{width}-{width // 2}")
        width //= 2
    for number in range(extra):
        add(f"extra-layers-{number}", nn.Conv2D, width, width, 3, 1, 1, width)
    last = convolution(nn.Conv2DTranspose, width, channels, 4, 2, 1, "tanh")
    return [*layers, (f"final.{width}-{channels}.convt", last)]


def critic_layers(size, channels, batch_norm, extra):
    layers = [(f"initial.conv.{channels}-{WIDTH}", convolution(nn.Conv2D, channels, WIDTH, 4, 2, 1))]
    layers.append((f"initial.relu.{WIDTH}", lambda **prefix: nn.LeakyReLU(0.2, **prefix)))

    def add(stage, inputs, outputs, kernel, stride, label):
        layers.append((f"{stage}.{label}.conv", convolution(nn.Conv2D, inputs, outputs, kernel, stride, 1)))
        if batch_norm:
            norm = lambda **prefix: nn.BatchNorm(in_channels=outputs, **prefix)  # noqa: E731
            layers.append((f"{stage}.{outputs}.batchnorm", norm))
        layers.append((f"{stage}.{outputs}.relu", lambda **prefix: nn.LeakyReLU(0.2, **prefix)))

    for number in range(extra):
        add(f"extra-layers-{number}", WIDTH, WIDTH, 3, 1, WIDTH)
    width, side = WIDTH, size // 2
    while side > 4:
        add("pyramid", width, 2 * width, 4, 2, f"{width}-{2 * width}")
        width, side = 2 * width, side // 2
    return [*layers, (f"final.{width}-1.conv", convolution(nn.Conv2D, width, 1, 4, 1, 0))]


def mlp_layers(inputs, outputs):
    sizes = [(inputs, WIDTH, "relu"), (WIDTH, WIDTH, "relu"), (WIDTH, WIDTH, "relu"), (WIDTH, outputs, None)]
    return [
        (f"dense{i}_", lambda s=size, **prefix: nn.Dense(s[1], in_units=s[0], activation=s[2], **prefix))
        for i, size in enumerate(sizes)
    ]


# name: generator, critic, image_size, image_channels, extra layers
PAIRS = {
    "dcgan": ("dcgan", "dcgan", 32, 3, 0),
    "grey, extra layers": ("dcgan", "dcgan", 16, 1, 2),
    "no BatchNorm": ("dcgan-no-bn", "dcgan-no-bn", 16, 3, 1),
    "mlp": ("mlp", "mlp", 6, 3, 0),
    "mlp generator": ("mlp", "dcgan", 16, 1, 2),
}


def build(pair, named=True):
    generator, critic, size, channels, extra = PAIRS[pair]
    pixels = channels * size**2
    layers = {
        "G": mlp_layers(LATENT_DIM, pixels)
        if generator == "mlp"
        else generator_layers(size, channels, generator == "dcgan", extra),
        "D": mlp_layers(pixels, 1) if critic == "mlp" else critic_layers(size, channels, critic == "dcgan", extra),
    }
    draw = np.random.default_rng(0)
    networks = {}
    for name, listed in layers.items():
        network = networks[name] = GluonCV(listed, name == "D", named)
        network.initialize()
        for parameter_name, parameter in network.collect_params().items():
            positive = parameter_name.endswith(("gamma", "running_var"))
            values = draw.uniform(0.5, 2, parameter.shape) if positive else 0.3 * draw.standard_normal(parameter.shape)
            parameter.set_data(nd.array(values))
    return networks


def save_structural(network, file):
    network.save_parameters(file)


def save_prefixed(network, file):
    network.collect_params().save(file)


def save_stripped(network, file):
    # what MXNet 1.3's save_params, which the script calls, did
    network.collect_params().save(file, strip_prefix=network.prefix)


def save_as_arg_and_aux(network, file):
    arrays = {name: parameter.data() for name, parameter in network.collect_params().items()}
    aux = [name for name in arrays if "running" in name]
    args = {f"arg:{name}": array for name, array in arrays.items() if name not in aux}
    nd.save(file, {**args, **{f"aux:{name}": arrays[name] for name in aux}})


def save_shuffled(network, file):
    # a Python before 3.6 wrote dicts in any order; the numbers and stages in the names then tell the layers
    arrays = {name: parameter.data() for name, parameter in network.collect_params().items()}
    names = list(arrays)
    np.random.default_rng(1).shuffle(names)
    nd.save(file, {name: arrays[name] for name in names})


SAVE = [save_structural, save_prefixed, save_stripped, save_as_arg_and_aux, save_shuffled]


def files_of(folder, networks, save=save_structural, suffix="pth"):
    """Save a pair under the names of GluonCV's script (.pth, though it is MXNet's format); return the paths."""
    files = [folder / f"net{name}_epoch_3.{suffix}" for name in "GD"]
    for name, file in zip("GD", files):
        save(networks[name], str(file))
    return files


@pytest.mark.parametrize("named", [True, False], ids=["its prefixes", "counters"])
@pytest.mark.parametrize("save", SAVE, ids=lambda save: save.__name__)
@pytest.mark.parametrize("pair", PAIRS)
def test_the_same_pictures_and_the_negated_scores(tmp_path, pair, save, named):
    networks = build(pair, named)
    files = files_of(tmp_path, networks, save, "pth" if named else "params")
    checkpoint = import_run(*files, None, tmp_path / "run")
    _, settings, _ = open_checkpoint(tmp_path / "run")
    generator, critic, size, channels, extra = PAIRS[pair]
    assert (settings.preset, settings.bn_mode) == ("gluoncv", "running")
    assert (settings.generator, settings.critic, settings.extra_layers) == (generator, critic, extra)
    assert (settings.image_size, settings.image_channels, settings.latent_dim) == (size, channels, LATENT_DIM)
    blocks = {"G": build_generator(settings), "D": build_critic(settings)}
    draw = np.random.default_rng(2)
    inputs = {
        "G": nd.array(draw.standard_normal((4, LATENT_DIM, 1, 1))),
        "D": nd.array(draw.uniform(-1, 1, (4, channels, size, size))),
    }
    for name, file, sign in (("G", "generator", 1), ("D", "critic", -1)):
        blocks[name].load_parameters(str(checkpoint / f"{file}.params"))
        for mode in (autograd.train_mode, autograd.predict_mode):
            with mode():
                theirs = networks[name](inputs[name]).asnumpy().reshape((4, -1))
                ours = blocks[name](inputs[name]).asnumpy().reshape((4, -1))
            largest = np.abs(theirs).max()
            assert largest > 0.01
            # ours has its first and last layer as matrix products: sums of 100 float32 products in another order, each
            # good to 1e-7, which BatchNorm of four samples enlarges
            assert np.abs(ours - sign * theirs).max() < 5e-6 * max(1, largest)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_widths_are_taken_exactly(tmp_path, dtype):
    files = files_of(tmp_path, build("dcgan"))
    arrays = {name: values.astype("float16") for name, values in nd.load(str(files[0])).items()}
    nd.save(str(files[0]), {name: values.astype(dtype) for name, values in arrays.items()})
    checkpoint = import_run(*files, None, tmp_path / "run")
    ours = nd.load(str(checkpoint / "generator.params"))
    assert sorted(values.asnumpy().tobytes() for values in ours.values()) == sorted(
        values.astype("float32").asnumpy().tobytes() for values in arrays.values()
    )


def test_a_generator_needs_no_critic(tmp_path):
    files = files_of(tmp_path, build("dcgan"))
    call("convert_checkpoint", ["import", "--generator", str(files[0]), "--out", str(tmp_path / "run")])
    call("generate", [str(tmp_path / "run"), "--count", "2"])
    assert list(verify_checkpoint(tmp_path / "run/checkpoints/latest")["imported"]) == ["generator"]


def test_through_the_command_line(tmp_path):
    files = files_of(tmp_path, build("dcgan"))
    arguments = ["import", "--generator", files[0], "--critic", files[1], "--out", tmp_path / "run"]
    call("convert_checkpoint", list(map(str, arguments)))
    state = verify_checkpoint(tmp_path / "run" / "checkpoints" / "latest")
    assert "num_batches_tracked" not in state
    call("generate", [str(tmp_path / "run"), "--count", "2"])
    assert (tmp_path / "run" / "generated" / "step_0000000-grid-2-seed0-running.png").exists()


def test_a_configuration_is_held_against_the_file(tmp_path):
    files = files_of(tmp_path, build("dcgan"))
    config = tmp_path / "config.json"
    fits = '{"imageSize": 32, "nz": 5, "nc": 3, "ngf": 3, "n_extra_layers": 0, "noBN": false, "mlp_G": false}'
    config.write_text(fits)
    import_run(*files, config, tmp_path / "run")
    config.write_text(fits.replace('"nz": 5', '"nz": 6'))
    with pytest.raises(UserError, match=r"netG_epoch_3\.pth: given 0 tensors of kind weight and shape \(6, 12, 4, 4\)"):
        import_run(*files, config, tmp_path / "other")


def test_a_pair_must_fit(tmp_path):
    files = files_of(tmp_path, build("dcgan"))
    (tmp_path / "other").mkdir()
    for pair, words in (("mlp", "mlp critic of 6x6"), ("grey, extra layers", "critic of 16x16 pictures, 1 image")):
        others = files_of(tmp_path / "other", build(pair))
        with pytest.raises(UserError, match=f"given an? .*{words}"):
            import_run(files[0], others[1], None, tmp_path / "run")
    with pytest.raises(UserError, match="those of a dcgan, dcgan-no-bn or mlp generator"):
        import_run(files[1], files[1], None, tmp_path / "run")
    with pytest.raises(UserError, match="those of a dcgan, dcgan-no-bn or mlp critic"):
        import_run(files[0], files[0], None, tmp_path / "run")
    (tmp_path / "torch.pth").write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match="two files that one program wrote"):
        import_run(files[0], tmp_path / "torch.pth", None, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_critic_with_another_number_of_extra_layers(tmp_path, monkeypatch):
    monkeypatch.setitem(PAIRS, "few", ("dcgan", "dcgan", 16, 1, 1))
    files, others = (tmp_path / "files", tmp_path / "others")
    files.mkdir(), others.mkdir()
    generator, _ = files_of(files, build("grey, extra layers"))
    _, critic = files_of(others, build("few"))
    with pytest.raises(UserError, match="1 extra layers; allowed: 2 extra layers, as its generator has"):
        import_run(generator, critic, None, tmp_path / "run")


def change(file, edit):
    """Rewrite a file with its arrays changed by edit(dict)."""
    arrays = nd.load(str(file))
    edit(arrays)
    nd.save(str(file), arrays)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda arrays: arrays.pop("main.0.weight"), "tensors"),
        (lambda arrays: arrays.update({"main.99.weight": nd.ones((3, 4))}), r"main\.0\.weight"),
        (lambda arrays: arrays.update({"main.0.weight": nd.ones((5, 12, 3, 3))}), "tensors"),
        (lambda arrays: arrays.update({"main.99.scale": nd.ones((3,))}), "a tensor main.99.scale; allowed: names that"),
        (lambda arrays: arrays.update({"main.0.weight": arrays["main.0.weight"].astype("int32")}), "data type 4"),
        (
            lambda arrays: arrays.update({"main.0.weight": arrays["main.0.weight"].astype("float64") / 3}),
            "main.0.weight of type float64, with values that float32 would round",
        ),
        (
            lambda arrays: arrays.update({"main.0.weight": arrays["main.0.weight"] * float("inf")}),
            "main.0.weight with values that are not finite",
        ),
        (lambda arrays: arrays.clear(), "tensors"),
    ],
    ids=["missing", "superfluous", "shape", "name", "type", "rounded", "infinite", "none"],
)
def test_another_network_is_refused(tmp_path, edit, words):
    files = files_of(tmp_path, build("dcgan"))
    change(files[0], edit)
    with pytest.raises(UserError, match=words) as caught:
        import_run(*files, None, tmp_path / "run")
    assert "netG_epoch_3.pth" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_its_file_is_not_taken_for_one_of_pytorch(tmp_path):
    files = files_of(tmp_path, build("mlp"))
    config = tmp_path / "config.json"
    config.write_text('{"imageSize": 6, "nz": 5, "nc": 3, "ngf": 3, "n_extra_layers": 0, "noBN": false, "mlp_G": true}')
    with pytest.raises(UserError, match="a file of MXNet"):
        load_torch_generator(files[0], config)
