"""MXNet's .params files read by hand: what MXNet reads, and no more than the file holds."""

import hashlib
import struct

import pytest
from mxnet import nd
from training_fixtures import make_trainer

from gluon_wgan.errors import UserError
from gluon_wgan.interop import import_run
from gluon_wgan.params_files import is_params_file, read_params
from gluon_wgan.run_folder import sealed, unsealed


def test_reading_by_hand_is_what_mxnet_reads(tmp_path):
    file = tmp_path / "x.params"
    arrays = {
        "b": nd.random.normal(shape=(3, 1, 2)),
        "a é": nd.array([1e-45, 3.4e38, -0.0]),
        "": nd.ones((1, 1, 1, 1)),
    }
    nd.save(str(file), arrays)
    read, loaded = read_params(file), nd.load(str(file))
    assert list(read) == list(loaded) == list(arrays)
    for name, array in loaded.items():
        assert read[name].shape == array.shape
        assert read[name].tobytes() == array.asnumpy().tobytes()


def patched(at, form, *values):
    def spoil(content):
        content = bytearray(content)
        struct.pack_into(form, content, at, *values)
        return content

    return spoil


SPOILT = {
    "empty": lambda content: b"",
    "text": lambda content: b"hello, world\n" * 99,
    "a count of arrays": patched(16, "<Q", 2**28),  # for which nd.load takes 50 GB, and the process dies
    "a dimension": patched(36, "<q", 2**40),
    "a negative dimension": patched(36, "<q", -5),
    "dimensions": patched(32, "<I", 2**30),
    "sparse": patched(28, "<i", 1),
    "type": patched(76, "<i", 1),
    "one byte more": lambda content: content + b"x",
    "an unnamed list": lambda content: content[: content.index(struct.pack("<Q", len("main.0.weight")) + b"main") - 8],
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_damaged_file_is_refused(tmp_path, name):
    file = tmp_path / "x.params"
    nd.save(str(file), {"main.0.weight": nd.ones((4, 3, 2, 2)), "main.1.weight": nd.ones((5,))})
    read_params(file)
    file.write_bytes(SPOILT[name](file.read_bytes()))
    with pytest.raises(UserError, match=r"x\.params: given a (damaged file|file of another kind)"):
        read_params(file)
    with pytest.raises(UserError, match=r"x\.params"):
        import_run(file, file, None, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_file_cut_anywhere_is_refused(tmp_path):
    file = tmp_path / "x.params"
    nd.save(str(file), {"a": nd.ones((2, 3)), "b": nd.ones((4,))})
    good = file.read_bytes()
    for size in range(len(good)):
        file.write_bytes(good[:size])
        with pytest.raises(UserError, match=r"x\.params"):
            read_params(file)


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "nowhere.params", tmp_path):
        for read in (is_params_file, read_params):
            with pytest.raises(UserError, match="unreadable"):
                read(path)


def with_a_nan(file):
    arrays = nd.load(str(file))
    arrays["main.1.running_mean"][0] = float("nan")
    nd.save(str(file), arrays)


def with_more_arrays_claimed(file):
    """Of which MXNet's own reader takes 50 GB."""
    content = bytearray(file.read_bytes())
    struct.pack_into("<Q", content, 16, 2**28)
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (with_a_nan, r"generator\.params: given main\.1\.running_mean with values that are not finite"),
        (with_more_arrays_claimed, r"generator\.params: given a damaged file"),
    ],
)
def test_a_checkpoint_with_such_a_file_is_refused_though_its_digest_is_right(tmp_path, spoil, message):
    trainer = make_trainer()
    place = trainer.save(tmp_path)
    file, sealed_state = place / "generator.params", place / "state.json"
    spoil(file)
    content = file.read_bytes()
    state = unsealed(sealed_state.read_bytes())
    state["files"][file.name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    sealed_state.write_bytes(sealed(state))
    with pytest.raises(UserError, match=message):
        trainer.load(place)
