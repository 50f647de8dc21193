"""A language model from its flags to its lines: the run folder, any kill, another text, and what refuses it."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT

from gluon_wgan.command import call
from gluon_wgan.data.sentences import draw_sentence
from gluon_wgan.data.text import END, Text
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.ngrams import ngram_divergence
from gluon_wgan.models.sampling import load_generator, read_alphabet, sample_lines

STEPS = 12
SMALL = "--preset wgan-gp-text --generator-channels 4 --critic-channels 4 --latent-dim 5 --batch-size 8 --n-critic 2"
OFTEN = f"--sequence-length 9 --sample-every 4 --checkpoint-every 3 --generator-steps {STEPS}"


def flags(folder, run, *more):
    return [*SMALL.split(), *OFTEN.split(), "--data", str(folder / "text.txt"), "--out", str(folder / run), *more]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a text and a whole run."""
    folder = tmp_path_factory.mktemp("language")
    (folder / "text.txt").write_text("".join(f"{draw_sentence(index)}\n" for index in range(300)))
    call("train", flags(folder, "run"))
    return folder


def records(run):
    found = [json.loads(line) for line in open(run / "metrics.jsonl")]
    return [{name: value for name, value in record.items() if name != "seconds"} for record in found]


def test_the_run_folder(folder):
    run = folder / "run"
    text = Text(folder / "text.txt", 9)
    config = json.loads((run / "config.json").read_text())
    assert config["symbols"] == len(text.alphabet) and config["pictures"]["alphabet"] == text.alphabet
    shown = sorted(path.name for path in (run / "samples").iterdir())
    assert shown == ["floors.json", "real.txt", "step_0000004.txt", "step_0000008.txt", "step_0000012.txt"]
    lines = (run / "samples" / "step_0000012.txt").read_text().split("\n")[:-1]
    assert len(lines) == 64 and max(map(len, lines)) <= 9
    assert set("".join(lines)) <= set(text.alphabet) | {"\N{PILCROW SIGN}"}
    known = {draw_sentence(index)[:9] for index in range(300)}
    assert set((run / "samples" / "real.txt").read_text().split("\n")[:-1]) <= known
    names = [f"ngram_divergence_{length}" for length in (1, 2, 3, 4)]
    assert [all(name in record for name in names) for record in records(run)] == [*[False, False, False, True] * 3]
    floors = json.loads((run / "samples" / "floors.json").read_text())
    assert all(floors["real"][name] < floors["shuffled"][name] for name in names[1:])
    assert all(floors["real"][name] < floors["empty"][name] for name in names)
    assert all(0 <= records(run)[-1][name] <= 1 for name in names)


def test_the_divergence_is_from_held_out_lines(folder):
    text = Text(folder / "text.txt", 9)
    chosen = set((folder / "run/samples/real.txt").read_text().split("\n")[:-1])
    held_out = text.pictures[text.held_out]
    assert 0 < len(held_out) < 60 and len(chosen) > 20
    floors = json.loads((folder / "run/samples/floors.json").read_text())
    trained_on = text.pictures[~text.held_out]  # fewer than 640: all of them
    assert floors["real"]["ngram_divergence_4"] == pytest.approx(ngram_divergence(trained_on, held_out, 4), abs=1e-12)
    empty = np.full((1, 9), END)
    assert floors["empty"]["ngram_divergence_2"] == pytest.approx(ngram_divergence(empty, held_out, 2), abs=1e-12)


@pytest.mark.parametrize("after", [1, 7])
def test_killed_and_resumed_it_is_the_same_run(folder, after):
    run = folder / f"killed-{after}"
    script = [sys.executable, ROOT / "experiments/train_lsun.py"]
    process = subprocess.Popen([*script, *flags(folder, run.name)], stderr=subprocess.DEVNULL, env=os.environ)
    until = time.monotonic() + 120
    while not (run / "metrics.jsonl").exists() or len((run / "metrics.jsonl").read_bytes().splitlines()) < after:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    call("train", ["--out", str(run), "--resume"])
    assert records(run) == records(folder / "run")
    for file in ("generator.params", "critic.params", "optimizer.params"):
        ends = [each / "checkpoints" / f"step_{STEPS:07d}" / file for each in (run, folder / "run")]
        assert ends[0].read_bytes() == ends[1].read_bytes(), file
    for path in (folder / "run" / "samples").iterdir():
        assert path.read_bytes() == (run / "samples" / path.name).read_bytes(), path.name


def test_a_resume_with_another_text_is_refused(folder, tmp_path):
    original = (folder / "text.txt").read_text()
    for changed, problem in (
        (original.replace("bed", "dbe"), "whose content is not the same"),
        (original + "one more\n", "not the same by number and name"),
    ):
        (tmp_path / "text.txt").write_text(changed)
        more = ["--resume", "--generator-steps", "13", "--data", str(tmp_path / "text.txt")]
        with pytest.raises(UserError, match=f"--data: .*{problem}"):
            call("train", ["--out", str(folder / "run"), *more])


def test_generated_lines_do_not_depend_on_how_many_are_asked_for(folder, tmp_path):
    for count in (3, 20):
        call("generate", [str(folder / "run"), "--count", str(count), "--seed", "4", "--out", str(tmp_path)])
    few, many = ((tmp_path / f"step_0000012-{count}-seed4.txt").read_text().split("\n")[:-1] for count in (3, 20))
    assert len(few) == 3 and len(many) == 20 and few == many[:3] and len(set(many)) > 1
    generator, settings, _ = load_generator(folder / "run")
    alphabet = read_alphabet(folder / "run", settings)
    assert sample_lines(generator, settings, alphabet, 20, 4) == many
    assert sample_lines(generator, settings, alphabet, 20, 5) != many


def test_an_alphabet_that_does_not_fit_is_refused(folder, tmp_path):
    _, settings, _ = load_generator(folder / "run")
    for pictures in ("bedrooms", {}, {"alphabet": "abc"}, {"alphabet": 7}):
        (tmp_path / "config.json").write_text(json.dumps({"pictures": pictures}))
        with pytest.raises(UserError, match=r"config.json: given an alphabet of other than"):
            read_alphabet(tmp_path, settings)


def test_what_is_for_pictures_refuses_it(folder, tmp_path):
    run = str(folder / "run")
    for command in (["similar", run], ["measure", run, "--data", run]):
        with pytest.raises(UserError, match="run: given one of a language model; allowed: one that makes pictures"):
            call(command[0], command[1:])
    for to, problem in (("onnx", "one of a language model"), ("torch", "one whose generator is text")):
        with pytest.raises(UserError, match=f"{problem}|not installed"):
            call("convert_checkpoint", ["export", run, "--to", to, "--out", str(tmp_path)])


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (["--batch-size", "1000"], r"--batch-size: given 1000; allowed: 1 to 300, the number of lines in"),
        (["--symbols", "500"], r"--symbols: given 500; allowed: 3 to \d+, or 0, for"),
        (["--critic", "mlp"], r"--critic: given mlp, with --generator text; allowed: text for both or neither"),
    ],
)
def test_bad_flags_are_refused(folder, more, problem):
    with pytest.raises(UserError, match=problem):
        call("train", flags(folder, "refused", *more))
    assert not (folder / "refused").exists()


def test_clipping_takes_the_same_networks(folder):
    more = ["--lipschitz", "clip", "--optimizer", "rmsprop", "--clip-bound", "0.003", "--clip-order", "after_update"]
    call("train", flags(folder, "clipped", *more))
    _, settings, checkpoint = load_generator(folder / "clipped")
    assert settings.lipschitz == "clip"
    from mxnet import nd

    weights = nd.load(str(checkpoint / "critic.params"))
    assert max(np.abs(array.asnumpy()).max() for array in weights.values()) <= np.float32(0.003)


@pytest.mark.parametrize("length", [2, 16, 32])
def test_without_a_text_there_are_drawn_sentences(tmp_path, length):
    place = ["--out", str(tmp_path / "run"), "--cache-dir", str(tmp_path / "cache"), "--sequence-length", str(length)]
    call("train", [*SMALL.split(), "--generator-steps", "1", *place])
    lines = (tmp_path / "run/samples/real.txt").read_text().split("\n")[:-1]
    beginnings = [f"{article} "[:length] for article in ("a", "the", "one", "my")]
    assert all(line.startswith(tuple(beginnings)) and len(line) <= length for line in lines)
    measured = [name for name in records(tmp_path / "run")[-1] if name.startswith("ngram")]
    assert len(measured) == min(length, 4)  # of two characters there are no longer sequences
