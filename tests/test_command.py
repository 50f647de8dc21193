"""The table of commands: what it lists, a study added by its folder alone, and a wheel far from any checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT, encode, make_picture
from PIL import Image

from gluon_wgan.command import call, commands
from gluon_wgan.errors import UserError

STUDY = {
    "question.py": '''
from dataclasses import dataclass
from gluon_wgan.studies.plan import StudyFlags

PLACE = 5
TITLE = "How often does a die show a six?"
QUESTION = "Of many throws of a fair die, how many show a six?"

@dataclass(frozen=True)
class Flags(StudyFlags):
    """Throw a die, and report."""

    throws: int = 600
    """of the die"""

    threads = 3
''',
    "measure.py": """
import os
from gluon_wgan import streams

def measure(flags, results):
    thrown = streams.generator(0, "dice").integers(1, 7, flags.throws)
    results.keep("throws", {"n": flags.throws, "share": float((thrown == 6).mean())})
    results.keep("threads", os.environ["OMP_NUM_THREADS"])
""",
    "page.py": """
from matplotlib.figure import Figure
from gluon_wgan.report.page import Page

def page(data, reports):
    figure = Figure(figsize=(3, 2))
    figure.subplots().bar(["six"], [data["throws"]["share"]])
    answer = f"In {data['throws']['share']:.2f} of {data['throws']['n']} throws."
    return Page(answer, "![Share of sixes](figures/dice_share.png)\\n", {"dice_share": figure})
""",
}
CLAIM = """
  dice.txt:
  - id: sixes
    claim: One throw of six shows a six.
    kind: claim
    experiment: throws of a die
    criterion: within 0.05
    command: python experiments/dice.py
    data: dice.json
    status: ready
    figure: throws.share
    n: throws.n
    unit: of the throws
    reproduced_if: abs(figure - 1 / 6) < 0.05
"""


def run(folder, *command, **more):
    """Run a command in a folder with the package that lies there, and none other; return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(more.pop("package", folder)), **more}
    ended = subprocess.run(
        [sys.executable, *map(str, command)], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def test_a_study_is_three_files_a_stub_and_its_claims(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "gluon_wgan", tmp_path / "gluon_wgan", ignore=ignored)
    (tmp_path / "reports").mkdir()
    claims = (ROOT / "reports/claims.yaml").read_text()
    (tmp_path / "reports/claims.yaml").write_text(claims.rstrip() + "\n" + CLAIM)
    study = tmp_path / "gluon_wgan/studies/dice"
    study.mkdir()
    for name, text in STUDY.items():
        (study / name).write_text(text)
    (tmp_path / "experiments").mkdir()
    stub = (ROOT / "experiments/toy.py").read_text().replace('run("toy")', 'run("dice")')
    (tmp_path / "experiments/dice.py").write_text(stub)

    assert "How often does a die show a six?" in run(tmp_path, "-m", "gluon_wgan")
    assert "--throws" in run(tmp_path, "-m", "gluon_wgan", "dice", "--help")
    run(tmp_path, "experiments/dice.py", "--throws", 3000)
    assert "**Answer.** In 0.1" in (tmp_path / "reports/dice.md").read_text()
    assert json.loads((tmp_path / "reports/data/dice.json").read_text())["threads"] == "3"  # as its flags ask for
    run(tmp_path, "-m", "gluon_wgan", "claims", "--measure")
    assert "[✓ reproduced](#sixes)" in (tmp_path / "reports/claims.md").read_text()
    assert "report [dice.md](dice.md)" in (tmp_path / "reports/claims.md").read_text()
    run(tmp_path, "-m", "gluon_wgan", "make-reports")
    index = (tmp_path / "reports/index.md").read_text()
    assert "## [How often does a die show a six?](dice.md)" in index
    assert "In 0.1" in index and "![Share of sixes](figures/dice_share.png)" in index


def test_a_wheel_runs_outside_any_checkout(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "gluon_wgan", source / "gluon_wgan", ignore=shutil.ignore_patterns("__pycache__"))
    run(source, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, ".")
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(tmp_path / "site")
        entry_points = next(name for name in content.namelist() if name.endswith("entry_points.txt"))
        assert "gluon-wgan = gluon_wgan.command:main" in content.read(entry_points).decode()
    shutil.rmtree(source)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "pictures").mkdir(parents=True)
    for index in range(8):
        (elsewhere / "pictures" / f"{index}.png").write_bytes(encode(make_picture(index)))

    def command(*words):
        return run(elsewhere, "-m", "gluon_wgan", *words, package=tmp_path / "site")

    tiny = "--image-size 16 --generator-channels 2 --critic-channels 2 --batch-size 4 --n-critic 1 --n-critic-boost 1"
    command("train", "--data", "pictures", *tiny.split(), "--generator-steps", 2, "--out", "run")
    command("generate", "run", "--count", 4)
    command("generate", "zoo:rooms-64", "--count", 4)
    (sheet,) = (elsewhere / "rooms-64/generated").iterdir()
    with Image.open(sheet) as opened:
        assert opened.size == (2 * (4 * 66 - 2), 2 * 64)
    command("compare-resize", "--images", "pictures", "--size", 16, "--out", "comparison")
    assert "--check" in command("make-reports", "--help")
    assert (elsewhere / "run/checkpoints/step_0000002").is_dir()
    assert "path/to" not in (elsewhere / "comparison/compare_resize.md").read_text()
    assert (elsewhere / "comparison/compare_resize.html").is_file()


def test_every_script_is_a_command_and_every_command_a_script():
    scripts = {path.stem for path in (ROOT / "experiments").glob("*.py")}
    assert {"train" if name == "train_lsun" else name for name in scripts} == set(commands())
    for path in (ROOT / "experiments").glob("*.py"):
        name = "train" if path.stem == "train_lsun" else path.stem
        text = path.read_text()
        assert text.endswith(f'if __name__ == "__main__":\n    run("{name}")\n')
        assert text.splitlines()[1].endswith(f': `python experiments/{path.name} --help`."""')  # its own, not another's


@pytest.mark.parametrize(
    ("name", "arguments", "what"),
    [
        ("train", ["--resize", "pil", "--data", ""], "--data"),
        ("train", ["--data=", "--resize", "pil"], "--data"),
        ("measure", ["", "--data", "pictures"], "an argument"),
        ("language", ["--seeds", "1", ""], "an argument"),
        ("launch", ["--workers", "2", "--", "train", "--out", ""], "--out"),
    ],
)
def test_an_empty_argument_is_refused_and_is_not_the_current_folder(name, arguments, what):
    with pytest.raises(UserError, match=f"^{what}: given an empty text; allowed: what is not empty; has a variable"):
        call(name, arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("ablate_resize", ["--seeds"], "^--seeds: given nothing; allowed: one or more values"),
        ("ablate_epsilon", ["--arms", "--seeds", "20"], "^--arms: given nothing"),
        ("benchmark", ["--sizes"], "^--sizes: given nothing"),
        ("cluster", ["--measure"], "^--measure: given nothing"),
        ("compare_resize", ["--images", "--count", "3"], "^--images: given nothing"),
        ("train", ["--category", "--dry-run"], "^--category: given nothing"),
        ("ablate_resize", ["--seeds", "1", "2", "1"], "^--seeds: given 1 2 1; allowed: different values"),
        ("compare_resize", ["--size", "64", "64"], "^--size: given 64 64; allowed: different values"),
        ("ablate_resize", ["--arms", "cv2", "--seeds", "20", "-3"], "^--seeds: given 20 -3; allowed: 0 or more"),
        ("language", ["--measure", "--seeds", "-1"], "^--seeds: given -1; allowed: 0 or more"),
    ],
)
def test_a_flag_of_several_values_wants_one_or_more_different_ones(name, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        call(name, arguments)


def test_an_unknown_command_is_refused_with_those_there_are():
    with pytest.raises(UserError, match=r"command: given conquer; allowed: train, launch, generate, .*toy"):
        call("conquer")
