"""The original's checkpoints: the same pictures and scores here as there, and the same bits back.

Tolerances: 1e-5 of the largest (of 1, if that is larger), for float32 sums in another order; measured
2e-6. A swapped layer
or a forgotten sign gives .01 and more.
"""

import json
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import ROOT, encode, make_picture  # noqa: E402
from mxnet import autograd, nd  # noqa: E402
from reference import Critic, Generator, MLPCritic, MLPGenerator, draw_weights  # noqa: E402

from gluon_wgan import streams  # noqa: E402
from gluon_wgan.command import call  # noqa: E402
from gluon_wgan.errors import UserError  # noqa: E402
from gluon_wgan.interop import export_torch, import_run, load_torch_critic, load_torch_generator  # noqa: E402
from gluon_wgan.run_folder import read_metrics  # noqa: E402

# name: generator, critic, image_size, image_channels, extra_layers
PAIRS = {
    "dcgan": ("dcgan", "dcgan", 16, 3, 0),
    "32 pixels, grey": ("dcgan", "dcgan", 32, 1, 0),
    "extra layers": ("dcgan", "dcgan", 32, 3, 2),
    "no BatchNorm": ("dcgan-no-bn", "dcgan-no-bn", 16, 1, 0),
    "no BatchNorm in the generator, extra layers": ("dcgan-no-bn", "dcgan", 32, 3, 1),
    "mlp": ("mlp", "mlp", 12, 3, 0),
    "mlp generator": ("mlp", "dcgan", 16, 3, 1),
    "mlp critic": ("dcgan", "mlp", 16, 1, 2),
}
LATENT_DIM, GENERATOR_CHANNELS, CRITIC_CHANNELS = 5, 4, 6


def perturb(network, seed):
    """Give a network what training leaves: weights of order .25, statistics far from 0 and 1, a count of batches."""
    draw = np.random.default_rng(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(int(draw.integers(1, 2**40)))
        elif name.endswith("running_var"):
            tensor.copy_(torch.from_numpy(draw.uniform(0.5, 2, tensor.shape)))
        else:
            tensor.add_(torch.from_numpy(0.25 * draw.standard_normal(tensor.shape)))


def build(pair):
    """Return the reference's (generator, critic) of a pair, both with numbers of their own."""
    generator_kind, critic_kind, size, channels, extra = PAIRS[pair]
    if generator_kind == "mlp":
        generator = MLPGenerator(size, channels, LATENT_DIM, GENERATOR_CHANNELS)
    else:
        batch_norm = generator_kind == "dcgan"
        generator = Generator(size, channels, LATENT_DIM, GENERATOR_CHANNELS, batch_norm, extra)
    if critic_kind == "mlp":
        critic = MLPCritic(size, channels, CRITIC_CHANNELS)
    else:
        critic = Critic(size, channels, CRITIC_CHANNELS, "batch" if critic_kind == "dcgan" else None, extra)
    for seed, network in enumerate((generator, critic)):
        draw_weights(network, seed, f"test_weights_{seed}")
        perturb(network, seed)
    return generator, critic


def config_of(pair):
    """Return what the original writes into generator_config.json."""
    generator, _, size, channels, extra = PAIRS[pair]
    values = {"imageSize": size, "nz": LATENT_DIM, "nc": channels, "ngf": GENERATOR_CHANNELS, "ngpu": 1}
    return {**values, "n_extra_layers": extra, "noBN": generator == "dcgan-no-bn", "mlp_G": generator == "mlp"}


def save(folder, pair):
    """Write the three files of the original; return the two networks."""
    networks = build(pair)
    for name, network in zip("GD", networks):
        torch.save(network.state_dict(), folder / f"net{name}_epoch_7.pth")
    (folder / "generator_config.json").write_text(json.dumps(config_of(pair)))
    return networks


def imported(folder):
    """Return a run folder made from the files in a folder, through the command line."""
    files = ["--generator", folder / "netG_epoch_7.pth", "--critic", folder / "netD_epoch_7.pth"]
    call("convert_checkpoint", ["import", *map(str, files), "--out", str(folder / "run")])
    return folder / "run"


def same_state(left, right):
    """Say whether two state dicts have the same names, in the same order, types and bits."""
    return list(left) == list(right) and all(
        left[name].dtype == right[name].dtype
        and left[name].shape == right[name].shape
        and left[name].numpy().tobytes() == right[name].numpy().tobytes()
        for name in left
    )


def difference(ours, theirs):
    return float(np.abs(ours.asnumpy() - theirs.numpy()).max())


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("mode", ["batch", "running"])
def test_the_same_pictures_and_the_negated_scores(tmp_path, pair, mode, record_property):
    generator, critic = save(tmp_path, pair)
    ours = load_torch_generator(tmp_path / "netG_epoch_7.pth", tmp_path / "generator_config.json")
    our_critic = load_torch_critic(tmp_path / "netD_epoch_7.pth", str(tmp_path / "generator_config.json"))
    latent = streams.normal(0, "test_latents", 0, (8, LATENT_DIM, 1, 1))
    _, _, size, channels, _ = PAIRS[pair]
    images = np.random.default_rng(0).uniform(-1, 1, (8, channels, size, size)).astype(np.float32)
    for network in (generator, critic):
        network.train(mode == "batch")
    with autograd.train_mode() if mode == "batch" else autograd.predict_mode():
        pictures, scores = ours(nd.array(latent)), our_critic(nd.array(images))
    with torch.no_grad():
        their_pictures, their_scores = generator(torch.from_numpy(latent)), critic.scores(torch.from_numpy(images))
    # large enough for the tolerance to tell a wrong layer or sign
    assert their_pictures.abs().max() > 0.1
    assert their_scores.abs().max() > 0.1
    in_pictures = difference(pictures, their_pictures) / max(1, float(their_pictures.abs().max()))
    in_scores = difference(scores, -their_scores) / max(1, float(their_scores.abs().max()))
    record_property("pictures", in_pictures)
    record_property("scores", in_scores)
    assert in_pictures < 1e-5
    assert in_scores < 1e-5


@pytest.mark.parametrize("pair", PAIRS)
def test_a_round_trip_gives_the_same_bits_and_loads_strictly(tmp_path, pair):
    saved = save(tmp_path, pair)
    run = imported(tmp_path)
    call("convert_checkpoint", ["export", str(run), "--to", "torch", "--out", str(tmp_path / "out")])
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["generator_config.json", "netD_epoch_0.pth", "netG_epoch_0.pth"]
    for name, network, fresh in zip("GD", saved, build(pair)):
        state = torch.load(tmp_path / "out" / f"net{name}_epoch_0.pth", weights_only=True)
        assert same_state(state, network.state_dict())
        fresh.load_state_dict(state, strict=True)
        assert same_state(fresh.state_dict(), network.state_dict())
    assert json.loads((tmp_path / "out" / "generator_config.json").read_text()) == config_of(pair)


def test_files_of_older_torch_have_no_counts_and_get_none(tmp_path):
    generator, critic = build("dcgan")
    for name, network in zip("GD", (generator, critic)):
        state = {key: tensor for key, tensor in network.state_dict().items() if "num_batches" not in key}
        file = tmp_path / f"net{name}_epoch_7.pth"
        torch.save(state, file, _use_new_zipfile_serialization=False)
    (tmp_path / "generator_config.json").write_text(json.dumps(config_of("dcgan")))
    export_torch(imported(tmp_path), tmp_path / "out")
    for name, network in zip("GD", (generator, critic)):
        state = torch.load(tmp_path / "out" / f"net{name}_epoch_0.pth", weights_only=True)
        assert [key for key in state if "num_batches" in key] == []
        assert same_state(state, {key: network.state_dict()[key] for key in state})
        network.load_state_dict(state, strict=True)


def test_the_first_version_of_the_original_wrote_dots(tmp_path):
    generator, critic = save(tmp_path, "extra layers")
    state = {name.replace(":", "."): tensor for name, tensor in generator.state_dict().items()}
    assert "main.extra-layers-0.4.conv.weight" in state
    torch.save(state, tmp_path / "netG_epoch_7.pth")
    state = {name.replace(":", "."): tensor for name, tensor in critic.state_dict().items()}
    state = {name.replace("initial.3-6.conv", "initial.conv.3-6"): tensor for name, tensor in state.items()}
    torch.save(state, tmp_path / "netD_epoch_7.pth")
    export_torch(imported(tmp_path), tmp_path / "out")
    for name, network in (("G", generator), ("D", critic)):
        written = torch.load(tmp_path / "out" / f"net{name}_epoch_0.pth", weights_only=True)
        assert same_state(written, network.state_dict())
    torch.save({**critic.state_dict(), **state}, tmp_path / "netD_epoch_7.pth")
    with pytest.raises(UserError, match="under two names"):
        load_torch_critic(tmp_path / "netD_epoch_7.pth", tmp_path / "generator_config.json")


def by_number(network, normalised):
    """Return a state dict as the very first version wrote it: layers by their place, activations counted, no counts."""
    renamed, places = {}, {}
    for name, tensor in network.state_dict().items():
        _, layer, kind = name.split(".", 2)
        if layer not in places:  # an activation stands behind each BatchNorm, and behind a layer without
            previous = list(places)[-1] if places else None
            behind = previous is not None and ("batchnorm" in previous or "batchnorm" not in layer or not normalised)
            places[layer] = (places[previous] + 1 + behind) if previous else 0
        if kind != "num_batches_tracked":
            renamed[f"main.{places[layer]}.{kind}"] = tensor
    return renamed


@pytest.mark.parametrize("pair", ["dcgan", "extra layers", "no BatchNorm"])
def test_the_very_first_version_wrote_numbers(tmp_path, pair):
    generator, critic = save(tmp_path, pair)
    for name, network in (("G", generator), ("D", critic)):
        torch.save(by_number(network, "no" not in pair), tmp_path / f"net{name}_epoch_7.pth")
    if pair == "dcgan":  # conv 0, ReLU 1; conv 2, BatchNorm 3, ReLU 4; conv 5
        names = {name.split(".")[1] for name in torch.load(tmp_path / "netD_epoch_7.pth", weights_only=True)}
        assert names == {"0", "2", "3", "5"}
    export_torch(imported(tmp_path), tmp_path / "out")
    for name, network in (("G", generator), ("D", critic)):
        written = torch.load(tmp_path / "out" / f"net{name}_epoch_0.pth", weights_only=True)
        for key, tensor in network.state_dict().items():
            assert key.endswith("num_batches_tracked") or torch.equal(written[key], tensor), key


def test_data_parallel_puts_a_word_in_front_of_every_name(tmp_path):
    networks = save(tmp_path, "dcgan")
    for name, network in zip("GD", networks):
        torch.save(torch.nn.DataParallel(network).state_dict(), tmp_path / f"net{name}_epoch_7.pth")
    export_torch(imported(tmp_path), tmp_path / "out")
    for name, network in zip("GD", networks):
        written = torch.load(tmp_path / "out" / f"net{name}_epoch_0.pth", weights_only=True)
        assert same_state(written, network.state_dict())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_widths_are_taken_exactly(tmp_path, dtype):
    generator, _ = save(tmp_path, "dcgan")
    state = {
        name: tensor.bfloat16().to(dtype) if tensor.is_floating_point() else tensor
        for name, tensor in generator.state_dict().items()
    }
    torch.save(state, tmp_path / "netG_epoch_7.pth")
    export_torch(imported(tmp_path), tmp_path / "out")
    written = torch.load(tmp_path / "out" / "netG_epoch_0.pth", weights_only=True)
    for name, tensor in state.items():
        assert torch.equal(written[name], tensor.float() if tensor.is_floating_point() else tensor)


def test_a_generator_needs_no_critic(tmp_path):
    generator, _ = save(tmp_path, "dcgan")
    run = import_run(tmp_path / "netG_epoch_7.pth", None, None, tmp_path / "run").parent.parent
    call("generate", [str(run), "--count", "4"])
    files = export_torch(run, tmp_path / "out")
    assert [file.name for file in files] == ["netG_epoch_0.pth", "generator_config.json"]
    assert same_state(torch.load(files[0], weights_only=True), generator.state_dict())


def test_a_generator_leaves_without_a_critic_that_the_original_does_not_have(tmp_path, pictures):
    flags = "--preset wgan-gp --image-size 16 --generator-channels 4 --critic-channels 4 --latent-dim 5 --batch-size 4"
    flags += f" --n-critic 1 --generator-steps 1 --data {pictures} --cache-dir {tmp_path / 'cache'} --out"
    call("train", [*flags.split(), str(tmp_path / "run")])
    files = export_torch(tmp_path / "run", tmp_path / "out")
    assert [file.name for file in files] == ["netG_epoch_1.pth", "generator_config.json"]
    build("dcgan")[0].load_state_dict(torch.load(files[0], weights_only=True), strict=True)


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(8):
        (folder / f"{index}.png").write_bytes(encode(make_picture(index)))
    return folder


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
def test_generate_and_train_on_from_an_import(tmp_path, pictures, optimizer):
    generator, _ = save(tmp_path, "dcgan")
    run = imported(tmp_path)
    call("generate", [str(run), "--out", str(tmp_path / "drawn"), "--count", "4"])
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["step_0000000-grid-4-seed0-batch.png"]
    few = "--batch-size 4 --n-critic 1 --n-critic-boost 1 --generator-steps 2 --checkpoint-every 1".split()
    few += ["--data", str(pictures), "--cache-dir", str(tmp_path / "cache"), "--optimizer", optimizer]
    with pytest.raises(UserError, match=r"--critic-channels 7 .*networks that were imported"):
        call("train", ["--out", str(run), "--resume", *few, "--critic-channels", "7"])
    call("train", ["--out", str(run), "--resume", *few])
    assert [record["generator_step"] for record in read_metrics(run)] == [1, 2]
    with pytest.raises(UserError, match=r"--batch-size 3 .*only --generator-steps may grow"):
        call("train", ["--out", str(run), "--resume", "--batch-size", "3"])
    export_torch(run, tmp_path / "out")
    trained = torch.load(tmp_path / "out" / "netG_epoch_2.pth", weights_only=True)
    for name, tensor in generator.state_dict().items():
        if name.endswith("num_batches_tracked"):
            assert trained[name] == 0
        else:
            # RMSprop's and Adam's first steps move a weight by about their learning rate, 5e-5, times up to 10 for the
            # young average: it began at the imported weights, and moved
            moved = (trained[name] - tensor).abs().max()
            assert 0 < moved < 2e-3 or name.endswith(("running_mean", "running_var"))
    build("dcgan")[0].load_state_dict(trained, strict=True)


def test_the_script_by_itself(tmp_path):
    save(tmp_path, "mlp")
    script = [sys.executable, ROOT / "experiments" / "convert_checkpoint.py"]
    files = ["--generator", tmp_path / "netG_epoch_7.pth", "--critic", tmp_path / "netD_epoch_7.pth"]
    command = [*script, "import", *files, "--out", tmp_path / "run"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "checkpoints/step_0000000" in done.stderr
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_is_overwritten(tmp_path):
    save(tmp_path, "mlp")
    run = imported(tmp_path)
    written = export_torch(run, tmp_path / "out")
    sound = {path: path.read_bytes() for path in written}
    written[0].unlink()
    assert export_torch(run, tmp_path / "out") == written  # one killed in between is given again
    assert {path: path.read_bytes() for path in written} == sound
    written[1].write_bytes(b"mine")
    written[0].unlink()
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(UserError, match=r"--out: given .*netD_epoch_0\.pth.*there already"):
        export_torch(run, tmp_path / "out")
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    with pytest.raises(UserError, match=r"--out: given .*Not a directory|--out: given .*exists"):
        export_torch(run, written[1])
    with pytest.raises(UserError, match=r"--out: given .*holds files already"):
        import_run(tmp_path / "netG_epoch_7.pth", tmp_path / "netD_epoch_7.pth", None, tmp_path / "out")


def test_what_was_imported_is_on_record(tmp_path):
    import hashlib

    save(tmp_path, "mlp")
    state = json.loads((imported(tmp_path) / "checkpoints/latest/state.json").read_text())
    content = (tmp_path / "netG_epoch_7.pth").read_bytes()
    expected = {"file": "netG_epoch_7.pth", "sha256": hashlib.sha256(content).hexdigest()}
    assert state["imported"]["generator"] == expected
    assert (state["generator_steps"], state["critic_steps"], state["seconds"]) == (0, 0, 0.0)
