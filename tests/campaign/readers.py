"""What the suite reads from outside: for each kind of file a sound one, made here, and what reads it."""

import gzip
import shutil
import struct
from pathlib import Path
from typing import NamedTuple

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import numpy as np
from PIL import Image

from gluon_wgan.checkpoint import load_checkpoint, verify_checkpoint
from gluon_wgan.command import call
from gluon_wgan.data import Prepared, open_source, prepare
from gluon_wgan.data.decode import UndecodableError, decode
from gluon_wgan.data.lsun import write_lsun_lmdb
from gluon_wgan.data.text import Text
from gluon_wgan.errors import UserError
from gluon_wgan.models.sampling import load_generator
from gluon_wgan.report import verdicts
from gluon_wgan.run_folder import RunFolder
from gluon_wgan.settings import Settings
from gluon_wgan.studies import find_studies
from gluon_wgan.studies.results import Results
from gluon_wgan.tools.train import parse_train_flags

REPORTS = Path(__file__).resolve().parents[2] / "reports"
_SMALL = (
    "--image-size 16 --generator-channels 2 --critic-channels 2 --latent-dim 3 --batch-size 4 --n-critic 1 "
    "--n-critic-boost 1 --generator-steps 2 --checkpoint-every 1"
).split()


class Reader(NamedTuple):
    """One kind of file.

    Attributes
    ----------
    make : callable
        `make(folder)` writes sound files, and returns those to spoil, relative to the folder.
    read : callable
        `read(folder)` reads them, and returns what came of it.
    exact : bool
        Whether a spoilt file must be refused or give what the sound one gave: it has a fingerprint.
    """

    make: callable
    read: callable
    exact: bool = False


def _pictures(folder, count=6):
    (folder / "pictures").mkdir()
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{index}.png")
    return folder / "pictures"


def _run(folder):
    places = ["--data", str(_pictures(folder)), "--out", str(folder / "run"), "--cache-dir", str(folder / "cache")]
    call("train", [*_SMALL, *places])
    return folder / "run"


def _files(names):
    def make(folder):
        _run(folder)
        return [Path("run") / name for name in names]

    return make


def _read_config(folder):
    return Settings.from_json(RunFolder(folder / "run").read_config(), "config.json")


def _read_checkpoint(folder):
    state = verify_checkpoint(folder / "run/checkpoints/step_0000002")
    generator, settings, _ = load_generator(folder / "run/checkpoints/step_0000002")
    return state, settings, [parameter.data().asnumpy().tobytes() for parameter in generator.collect_params().values()]


def _read_optimizer(folder):
    from gluon_wgan.training.build import build_trainer

    _, settings, checkpoint = load_generator(folder / "run")
    import mxnet as mx

    trainer = build_trainer(settings, None, mx.cpu(), hybridize=False)
    return load_checkpoint(checkpoint, trainer.generator, trainer.critic, trainer._updaters)


def _resume(folder):
    return [record["generator_step"] for record in RunFolder(folder / "run").whole_metrics()]


def _make_prepared(folder):
    prepared = prepare(open_source(_pictures(folder)), 16, "pil", folder / "cache")
    place = prepared.folder.relative_to(folder)
    return [place / name for name in ("pictures.npy", "held_out.npy", "identity.json", "keys.txt")]


def _read_prepared(folder):
    prepared = Prepared(next((folder / "cache/prepared").glob("*[0-9a-f]")))
    return np.asarray(prepared).tobytes(), prepared.keys(), prepared.held_out.tobytes(), sorted(prepared.content)


def _make_lmdb(folder):
    values = [path.read_bytes() for path in sorted(_pictures(folder).iterdir())]
    write_lsun_lmdb(folder / "bedroom_train_lmdb", [(f"{index:040x}", value) for index, value in enumerate(values)])
    return [Path("bedroom_train_lmdb/data.mdb")]


def _read_source(place=".", channels=3):
    def read(folder):
        source = open_source(folder / place, None, channels)
        found = []
        for index in range(min(len(source), 8)):
            try:
                found.append(source[index].shape)
            except UndecodableError:
                found.append(None)
        return found, source.identity(), [source.key(index) for index in range(min(len(source), 8))]

    return read


def _make_picture(file_format, mode="RGB"):
    def make(folder):
        pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / "picture", format=file_format)
        return [Path("picture")]

    return make


def _read_picture(folder):
    try:
        return decode(folder / "picture").size
    except UndecodableError:
        return None


def _make_idx(folder):
    content = struct.pack(">4I", 0x803, 5, 28, 28) + bytes(5 * 28 * 28)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content, mtime=0))
    return [Path("train-images-idx3-ubyte.gz")]


def _make_plain_idx(folder):
    (folder / "train-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, 5, 28, 28) + bytes(5 * 28 * 28))
    return [Path("train-images-idx3-ubyte")]


def _make_cifar(folder):
    (folder / "data_batch_1.bin").write_bytes(bytes(4 * 3073))
    return [Path("data_batch_1.bin")]


def _make_text(folder):
    (folder / "text.txt").write_text(
        "To be, or not to be\nthat is the question:\nWhether 'tis nobler\n春眠不觉晓\n" * 4
    )
    return [Path("text.txt")]


def _read_text(folder):
    text = Text(folder / "text.txt", 16)
    return len(text), text.alphabet


def _make_torch(legacy):
    def make(folder):
        import torch

        call("convert_checkpoint", ["export", str(_run(folder)), "--to", "torch", "--out", str(folder / "torch")])
        files = sorted((folder / "torch").glob("net*.pth"))
        if legacy:
            for file in files:
                state = torch.load(file, weights_only=True)
                torch.save(state, file, _use_new_zipfile_serialization=False)
        return [file.relative_to(folder) for file in (*files, folder / "torch/generator_config.json")]

    return make


def _import(folder):
    generator, critic = (next((folder / "torch").glob(f"{net}*.pth")) for net in ("netG", "netD"))
    shutil.rmtree(folder / "imported", ignore_errors=True)
    call(
        "convert_checkpoint",
        ["import", "--generator", str(generator), "--critic", str(critic), "--out", str(folder / "imported")],
    )


def _make_params(folder):
    run = _run(folder)
    for name in ("generator", "critic"):
        shutil.copy(run / f"checkpoints/step_0000002/{name}.params", folder / f"{name}.params")
    return [Path("generator.params"), Path("critic.params")]


def _import_params(folder):
    shutil.rmtree(folder / "imported", ignore_errors=True)
    files = ["--generator", str(folder / "generator.params"), "--critic", str(folder / "critic.params")]
    call("convert_checkpoint", ["import", *files, "--out", str(folder / "imported")])


def _make_claims(folder):
    (folder / "data").mkdir()
    shutil.copy(REPORTS / "claims.yaml", folder)
    shutil.copy(REPORTS / "data/toy.json", folder / "data")
    return [Path("claims.yaml"), Path("data/toy.json")]


def _read_claims(folder):
    rows = verdicts.load(folder / "claims.yaml")
    return [verdicts.judge(row, folder / "data").verdict for row in rows if row.get("data") == "toy.json"]


def _make_results(folder):
    (folder / "data").mkdir()
    shutil.copy(REPORTS / "data/seen_by_network.json", folder / "data")
    return [Path("data/seen_by_network.json")]


def _read_results(folder):
    (study,) = (study for study in find_studies() if study.name == "seen_by_network")
    Results(folder, "seen_by_network").read()
    return study.page(folder).answer


READERS = {
    "config.json": Reader(_files(["config.json"]), _read_config, exact=True),
    "state.json": Reader(_files(["checkpoints/step_0000002/state.json"]), _read_checkpoint, exact=True),
    "generator.params": Reader(_files(["checkpoints/step_0000002/generator.params"]), _read_checkpoint, exact=True),
    "optimizer.params": Reader(_files(["checkpoints/step_0000002/optimizer.params"]), _read_optimizer, exact=True),
    "metrics.jsonl": Reader(_files(["metrics.jsonl"]), _resume),
    "prepared": Reader(_make_prepared, _read_prepared, exact=True),
    "lmdb": Reader(_make_lmdb, _read_source("bedroom_train_lmdb")),
    **{
        f"picture.{file_format.lower()}": Reader(_make_picture(file_format, mode), _read_picture)
        for file_format, mode in (
            ("JPEG", "RGB"),
            ("PNG", "RGB"),
            ("WEBP", "RGB"),
            ("GIF", "P"),
            ("BMP", "RGB"),
            ("TIFF", "RGB"),
        )
    },
    "idx.gz": Reader(_make_idx, _read_source(channels=1)),
    "idx": Reader(_make_plain_idx, _read_source(channels=1)),
    "cifar": Reader(_make_cifar, _read_source()),
    "text": Reader(_make_text, _read_text),
    "pth": Reader(_make_torch(legacy=False), _import),
    "pth, legacy": Reader(_make_torch(legacy=True), _import),
    "gluoncv.params": Reader(_make_params, _import_params),
    "claims.yaml": Reader(_make_claims, _read_claims),
    "data.json": Reader(_make_results, _read_results),
}
REFUSALS = (UserError,)
_WORDS = ["", "0", "-1", "1e999", "nan", "x" * 5000, "\ufeff", "ä\u0301", "../../etc", "--", "-", "True", "1,2", "\x7f"]


def random_flags(rng):
    """Return a command line of `train`, of flags that exist with values that may not be, and of rubbish."""
    from dataclasses import fields

    from gluon_wgan.settings import flag_of
    from gluon_wgan.tools.train import TrainFlags

    names = [flag_of(field.name) for field in fields(TrainFlags)]
    line = []
    for _ in range(int(rng.integers(1, 5))):
        line.append(names[rng.integers(len(names))] if rng.random() < 0.9 else _WORDS[rng.integers(len(_WORDS))])
        for _ in range(int(rng.integers(0, 3))):
            line.append(_WORDS[rng.integers(len(_WORDS))] if rng.random() < 0.7 else str(rng.integers(-5, 2**40)))
    return line


def read_flags(line):
    """Parse a command line; what tyro refuses ends in status 2."""
    try:
        parse_train_flags(line)
    except SystemExit as ended:
        if ended.code not in (0, 2):
            raise
