"""Files that are no checkpoint of the original, or of another network: one message, status 2, nothing executed."""

import io
import json
import pickle
import subprocess
import sys
import tarfile
import warnings
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import ROOT  # noqa: E402
from reference import Critic, Generator, MLPCritic, MLPGenerator  # noqa: E402

from gluon_wgan.command import call  # noqa: E402
from gluon_wgan.errors import UserError  # noqa: E402
from gluon_wgan.interop import load_torch_critic, load_torch_generator  # noqa: E402

CONFIG = {"imageSize": 16, "nz": 3, "nc": 3, "ngf": 2, "ngpu": 1, "n_extra_layers": 0, "noBN": False, "mlp_G": False}


@pytest.fixture
def files(tmp_path):
    """A folder with good files of a tiny pair."""
    torch.save(Generator(16, 3, 3, 2).state_dict(), tmp_path / "netG_epoch_0.pth")
    torch.save(Critic(16, 3, 2).state_dict(), tmp_path / "netD_epoch_0.pth")
    (tmp_path / "generator_config.json").write_text(json.dumps(CONFIG))
    return tmp_path


def load_generator(folder):
    return load_torch_generator(folder / "netG_epoch_0.pth", folder / "generator_config.json")


def load_critic(folder):
    return load_torch_critic(folder / "netD_epoch_0.pth", folder / "generator_config.json")


def import_files(folder):
    files = ["--generator", folder / "netG_epoch_0.pth", "--critic", folder / "netD_epoch_0.pth"]
    call("convert_checkpoint", ["import", *map(str, files), "--out", str(folder / "run")])


def test_the_files_are_good_before_they_are_spoilt(files):
    load_generator(files), load_critic(files), import_files(files)


# --- no state dict


class Evil:
    """Pickles to a call that creates a file."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def spoil_by_code(file):
    torch.save({"main.0.weight": Evil(file.with_name("trace"))}, file)


def spoil_by_bare_pickle(file):
    file.write_bytes(pickle.dumps(Evil(file.with_name("trace"))))


def spoil_by_legacy_code(file):
    torch.save(Evil(file.with_name("trace")), file, _use_new_zipfile_serialization=False)


def save_content(content):
    return lambda file: torch.save(content, file)


def quantized(file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated, but in files
        torch.save({"main.0.weight": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, file)


def another_zip(file):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "no weights")


def archive_of_itself(file):
    content = file.read_bytes()
    with tarfile.open(file, "w") as archive:
        member = tarfile.TarInfo("../netG_epoch_0.pth")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))


SPOILT = {
    "tar": (archive_of_itself, "a tar archive"),
    "zeros": (lambda file: file.write_bytes(bytes(file.stat().st_size)), "a file of zeros"),
    "code": (spoil_by_code, "nothing in it was executed"),
    "bare pickle": (spoil_by_bare_pickle, "nothing in it was executed"),
    "legacy code": (spoil_by_legacy_code, "nothing in it was executed"),
    "text": (lambda file: file.write_text("hello, world\n" * 9), "damaged"),
    "empty": (lambda file: file.write_bytes(b""), "an empty file"),
    "truncated": (lambda file: file.write_bytes(file.read_bytes()[:-400]), "damaged"),
    "half": (lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]), "damaged"),
    "another zip": (another_zip, "damaged"),
    "folder": (lambda file: (file.unlink(), file.mkdir()), "a folder"),
    "missing": (lambda file: file.unlink(), "no such file"),
    "list": (save_content([torch.ones(2)]), "a list"),
    "tensor": (save_content(torch.ones(2)), "a Tensor"),
    "nested": (save_content({"netG": {"main.0.weight": torch.ones(2)}}), "'netG' of type dict"),
    "number": (save_content({"epoch": 3}), "'epoch' of type int"),
    "number for a name": (save_content({3: torch.ones(2)}), "'3' of type Tensor"),
    "double precision": (
        save_content({"main.0.weight": torch.tensor([1.0, 0.1]).double() + 1e-12}),
        "main.0.weight of type float64, with values that float32 would round",
    ),
    "out of float32's range": (
        save_content({"main.0.weight": torch.full((2,), 1e300, dtype=torch.float64)}),
        "of type float64",
    ),
    "not a number": (save_content({"main.0.weight": torch.tensor([1.0, float("nan")])}), "main.0.weight with values"),
    "infinite": (save_content({"main.0.weight": torch.tensor([1.0, float("-inf")]).half()}), "main.0.weight with val"),
    "integers": (save_content({"main.0.weight": torch.ones(2, dtype=torch.int32)}), "main.0.weight of type int32"),
    "complex": (
        save_content({"main.0.weight": torch.ones(2, dtype=torch.complex64)}),
        "of type complex64",
    ),
    "sparse": (save_content({"main.0.weight": torch.eye(2).to_sparse()}), "main.0.weight of layout torch.sparse_coo"),
    "quantized": (quantized, "main.0.weight of type qint8"),
    "a view larger than its numbers": (
        save_content({"main.0.weight": torch.ones(1).expand(10**12)}),
        r"main.0.weight of shape \(1000000000000,\), repeated",
    ),
    "nothing in it": (save_content({}), "no tensor main.initial|tensors none"),
    "MXNet's": (lambda file: file.write_bytes(bytes.fromhex("1201") + bytes(22)), "a file of MXNet"),
}


@pytest.mark.parametrize("name", SPOILT)
@pytest.mark.parametrize("network", ["G", "D"])
def test_what_is_no_state_dict_is_refused(files, name, network):
    spoil, words = SPOILT[name]
    file = files / f"net{network}_epoch_0.pth"
    spoil(file)
    load = load_generator if network == "G" else load_critic
    with pytest.raises(UserError, match=words) as caught:
        load(files)
    assert str(file) in str(caught.value)
    assert "weights_only=False" not in str(caught.value)  # torch's own advice
    before = sorted(files.rglob("*"))
    with pytest.raises(UserError):
        import_files(files)
    assert sorted(files.rglob("*")) == before  # no trace of the code, none of a run


def test_what_torch_wrote_is_not_called_no_file_of_torch(files):
    torch.save(Generator(16, 3, 3, 2), files / "netG_epoch_0.pth")  # a whole network, as many do
    with pytest.raises(UserError, match="no plain state dict; nothing in it was executed") as caught:
        load_generator(files)
    assert "no file of torch" not in str(caught.value)
    assert "reference.Generator" in str(caught.value)


def test_the_evil_pickle_is_one(files):
    spoil_by_bare_pickle(files / "evil")
    pickle.loads((files / "evil").read_bytes()).close()  # noqa: S301, the proof that refusing it matters
    assert (files / "trace").exists()


def test_the_script_exits_with_2_and_executes_nothing(files):
    spoil_by_code(files / "netG_epoch_0.pth")
    script = [sys.executable, ROOT / "experiments" / "convert_checkpoint.py", "import"]
    names = ["--generator", files / "netG_epoch_0.pth", "--critic", files / "netD_epoch_0.pth", "--out", files / "run"]
    done = subprocess.run([*script, *names], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "netG_epoch_0.pth" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (files / "trace").exists()
    assert not (files / "run").exists()


def test_damage_anywhere_ends_in_a_message_or_in_weights(files):
    file = files / "netG_epoch_0.pth"
    draw = np.random.default_rng(0)
    for zipped in (True, False):
        torch.save(Generator(16, 3, 3, 2).state_dict(), file, _use_new_zipfile_serialization=zipped)
        good = file.read_bytes()
        for _ in range(60):
            content = bytearray(good)
            for place in draw.integers(0, len(content), 3):
                content[place] = draw.integers(0, 256)
            file.write_bytes(content)
            try:
                load_generator(files)
            except UserError as error:
                assert "netG_epoch_0.pth" in str(error)


# --- a state dict, of another network


def changed(network, change):
    state = dict(network.state_dict())
    change(state)
    return state


def without(name):
    return lambda state: state.pop(name)


def with_tensor(name, *shape, dtype=torch.float32):
    return lambda state: state.update({name: torch.zeros(shape, dtype=dtype)})


GENERATOR, CRITIC = (16, 3, 3, 2), (16, 3, 2)
OTHERS = {
    "missing weight": (
        changed(Generator(*GENERATOR), without("main.pyramid:4-2:convt.weight")),
        r"no tensor main\.pyramid:4-2:convt\.weight; allowed: one of shape \(4, 2, 4, 4\)",
    ),
    "missing statistics": (
        changed(Generator(*GENERATOR), without("main.initial:4:batchnorm.running_var")),
        r"no tensor main\.initial:4:batchnorm\.running_var; allowed: one of shape \(4,\)",
    ),
    "superfluous": (
        changed(Generator(*GENERATOR), with_tensor("main.attention.weight", 2, 5)),
        r"superfluous tensor main\.attention\.weight of shape \(2, 5\)",
    ),
    "shape": (
        changed(Generator(*GENERATOR), with_tensor("main.initial:4:batchnorm.bias", 5)),
        r"main\.initial:4:batchnorm\.bias of shape \(5,\); allowed: shape \(4,\)",
    ),
    "type": (
        changed(Generator(*GENERATOR), with_tensor("main.initial:4:batchnorm.bias", 4, dtype=torch.int64)),
        r"main\.initial:4:batchnorm\.bias of type int64; allowed: float32",
    ),
    "count": (
        changed(Generator(*GENERATOR), with_tensor("main.initial:4:batchnorm.num_batches_tracked")),
        r"num_batches_tracked of type float32; allowed: int64",
    ),
    "another size": (Generator(32, 3, 3, 2).state_dict(), "expected is a dcgan generator of 16x16 pictures"),
    "another width": (Generator(16, 3, 3, 4).state_dict(), "no tensor main.initial:3-4:convt.weight"),
    "no BatchNorm": (Generator(*GENERATOR, batch_norm=False).state_dict(), "no tensor main.initial:4:batchnorm.weight"),
    "extra layers": (
        Generator(*GENERATOR, extra_layers=1).state_dict(),
        "superfluous tensor main.extra-layers-0",
    ),
    "mlp": (MLPGenerator(*GENERATOR).state_dict(), "no tensor main.initial:3-4:convt.weight"),
    "a critic": (Critic(*CRITIC).state_dict(), "no tensor main.initial:3-4:convt.weight"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_generator_is_refused_by_tensor_and_shape(files, name):
    state, words = OTHERS[name]
    torch.save(state, files / "netG_epoch_0.pth")
    with pytest.raises(UserError, match=words):
        load_generator(files)


OTHER_CRITICS = {
    "missing weight": (
        changed(Critic(*CRITIC), without("main.final:4-1:conv.weight")),
        r"no tensor main\.final:4-1:conv\.weight; allowed: one of shape \(1, 4, 4, 4\)",
    ),
    "no first layer": (changed(Critic(*CRITIC), without("main.initial:3-2:conv.weight")), r"main\.initial:3-64:conv"),
    "shape": (
        changed(Critic(*CRITIC), with_tensor("main.final:4-1:conv.weight", 1, 4, 3, 3)),
        r"main\.final:4-1:conv\.weight of shape \(1, 4, 3, 3\); allowed: shape \(1, 4, 4, 4\)",
    ),
    "a lie about its width": (
        {"main.initial:3-900000000:conv.weight": torch.zeros(2, 3, 4, 4)},
        "critic of 8x8 pictures of 3 channels, by its names; allowed: a critic of 16x16",
    ),
    "another size": (Critic(32, 3, 2).state_dict(), "critic of 32x32 pictures .* allowed: a critic of 16x16"),
    "grey": (Critic(16, 1, 2).state_dict(), "of 1 channels.* allowed: .* of 3 channels"),
    "extra layers": (Critic(*CRITIC, extra_layers=2).state_dict(), "2 extra layers.*; allowed: 0, n_extra_layers"),
    "mlp of another size": (MLPCritic(12, 3, 2).state_dict(), r"main\.0\.weight of shape \(2, 432\); .* 768 inputs"),
    "a generator": (Generator(*GENERATOR).state_dict(), "as the original's critic has"),
}


@pytest.mark.parametrize("name", OTHER_CRITICS)
def test_another_critic_is_refused_by_tensor_and_shape(files, name):
    state, words = OTHER_CRITICS[name]
    torch.save(state, files / "netD_epoch_0.pth")
    with pytest.raises(UserError, match=words):
        load_critic(files)


def test_a_lie_about_the_width_allocates_nothing(files):
    import resource

    (files / "generator_config.json").write_text(json.dumps({**CONFIG, "ngf": 2**20, "imageSize": 2**20}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match=r"no tensor main\.initial:3-137438953472:convt\.weight"):
        load_generator(files)
    # kB: the network would have 1e15 weights
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1e5


def test_without_a_configuration(files):
    (files / "generator_config.json").unlink()
    with pytest.raises(UserError, match="--generator-config: given nothing"):
        import_files(files)
    with pytest.raises(UserError, match=r"generator_config\.json: given no configuration \(No such file"):
        load_generator(files)
