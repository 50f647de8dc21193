"""The zoo's models: whole, small, the pictures of their cards, and taken wherever a run is."""

import json
import shutil

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from gluon_wgan import load_generator, zoo
from gluon_wgan.checkpoint import open_checkpoint
from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.models import build_generator
from gluon_wgan.models.sampling import samples
from gluon_wgan.pictures import keep_sheet

LARGEST = 1_500_000  # bytes of a network
NAMES = ["digits-28", "rooms-32", "rooms-64"]
CARDS = json.loads((ROOT / "reports/data/zoo.json").read_text())


def test_the_models_are_those_of_the_page():
    assert zoo.names() == sorted(CARDS.keys() - {"schema"}) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_whole_small_and_makes_the_pictures_of_its_card(name, tmp_path):
    checkpoint, settings, state = open_checkpoint(f"zoo:{name}")
    for network in ("generator", "critic"):
        assert 1000 < (checkpoint / f"{network}.params").stat().st_size < LARGEST
    generator, given = zoo.get_model(name)
    assert given == settings and state["generator_steps"] == settings.generator_steps
    made = samples(generator, settings, 64)
    side, channels = settings.image_size, settings.image_channels
    assert made.shape == (64, side, side, channels) and made.std() > 20
    # the sheet of the report is of the same latents: another processor rounds some pixels otherwise
    keep_sheet(tmp_path / "sheet.png", made[:48])
    kept = ROOT / f"reports/figures/zoo/{name}-{CARDS[name]['kept']}.png"
    shown = [np.asarray(Image.open(file).convert("RGB"), int) for file in (tmp_path / "sheet.png", kept)]
    assert np.abs(shown[0] - shown[1]).mean() < 2
    # and is not that of an untrained one
    fresh, _ = zoo.get_model(name, pretrained=False)
    keep_sheet(tmp_path / "fresh.png", samples(fresh, settings, 64)[:48])
    assert np.abs(np.asarray(Image.open(tmp_path / "fresh.png").convert("RGB"), int) - shown[1]).mean() > 10
    weights = [block._collect_params_with_prefix() for block in (fresh, build_generator(settings))]
    for parameter, expected in zip(weights[0].values(), weights[1].values()):
        assert (parameter.data() == expected.data()).asnumpy().all()


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_what_was_measured(name):
    checkpoint, settings, _ = open_checkpoint(f"zoo:{name}")
    measured = json.loads((checkpoint.parent.parent / f"measured/{checkpoint.name}.json").read_text())["measures"]
    run = next(run for run in CARDS[name]["runs"] if run["recipe"] == CARDS[name]["kept"])
    assert measured["kernel_distance"] == run["kernel_distance"]
    assert run["kernel_distance"] == min(one["kernel_distance"] for one in CARDS[name]["runs"])
    assert not run["commit"].endswith("-dirty") and settings.seed == 0
    assert "/" not in str(settings.data)  # nothing of the machine that trained it


def test_it_stands_wherever_a_run_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("generate", ["zoo:rooms-32", "--count", "4", "--kind", "pictures"])
    (folder,) = (tmp_path / "rooms-32/generated").iterdir()  # not in the package
    generator, settings, _ = load_generator("zoo:rooms-32")
    for file, picture in zip(sorted(folder.iterdir()), samples(generator, settings, 4)):
        assert (np.asarray(Image.open(file)) == picture).all()
    before = {path: path.stat().st_mtime_ns for path in zoo.located("zoo:rooms-32").rglob("*")}
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number, picture in enumerate(samples(generator, settings, 50, seed=1)):
        Image.fromarray(picture).save(pictures / f"{number}.png")
    places = ["--data", str(pictures), "--cache-dir", str(tmp_path / "cache")]
    call("similar", ["zoo:rooms-32", "--count", "2", *places])
    assert len(list((tmp_path / "rooms-32/similar").iterdir())) == 2
    call("measure", ["zoo:rooms-32", "--count", "40", *places])
    assert len(list((tmp_path / "rooms-32/measured").iterdir())) == 1
    assert {path: path.stat().st_mtime_ns for path in zoo.located("zoo:rooms-32").rglob("*")} == before


@pytest.mark.parametrize(
    "name", ["", "rooms", "../zoo", "rooms-64/..", "/etc", "rooms-64/checkpoints", ".", "ROOMS-64"]
)
def test_no_name_but_a_models_is_taken(name):
    with pytest.raises(UserError, match=r"run: given zoo:.*; allowed: zoo:digits-28, zoo:rooms-32, zoo:rooms-64"):
        load_generator(f"zoo:{name}")
    with pytest.raises(UserError, match="allowed: zoo:digits-28"):
        zoo.get_model(name)


def test_a_path_is_a_path(tmp_path):
    assert zoo.located("runs/zoo:rooms-64").parts == ("runs", "zoo:rooms-64")
    assert zoo.located(tmp_path) == tmp_path
    assert zoo.shown(tmp_path / "run/checkpoints/a") == str(tmp_path / "run/checkpoints/a")
    assert zoo.folder_of_results(tmp_path / "run/checkpoints/a") == tmp_path / "run"
    checkpoint = open_checkpoint("zoo:rooms-64")[0]
    assert zoo.shown(checkpoint) == "zoo:rooms-64" and str(zoo.folder_of_results(checkpoint)) == "rooms-64"


def test_a_damaged_model_is_refused(tmp_path, monkeypatch):
    shutil.copytree(zoo.located("zoo:rooms-32"), tmp_path / "rooms-32")
    monkeypatch.setattr(zoo, "_FOLDER", tmp_path)
    zoo.get_model("rooms-32")
    (file,) = tmp_path.glob("rooms-32/checkpoints/*/generator.params")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"generator.params is not as it was written"):
        zoo.get_model("rooms-32")
