"""What a figure says of where it was measured."""

import json
import os
import subprocess

import pytest

from gluon_wgan import environment as environments
from gluon_wgan.environment import describe_environment, shown_command


def test_the_environment_names_versions_and_threads():
    import numpy

    environment = describe_environment()
    assert environment["packages"]["numpy"] == numpy.__version__
    assert environment["packages"]["mxnet"] == "1.9.1"
    assert environment["omp_num_threads"] == os.environ["OMP_NUM_THREADS"]
    assert 1 <= environment["physical_cores"] <= environment["processors"] <= os.cpu_count()
    json.dumps(environment)


def test_a_commit_is_dirty_by_its_code_and_not_by_the_reports_a_study_writes(tmp_path, monkeypatch):
    package = tmp_path / "gluon_wgan"
    for file in ("gluon_wgan/code.py", "reports/data.json"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("1")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True)
    monkeypatch.setattr(environments, "__file__", str(package / "environment.py"))
    commit = describe_environment()["commit"]
    assert len(commit) == 40
    (tmp_path / "reports/data.json").write_text("2")
    assert describe_environment()["commit"] == commit
    (tmp_path / "gluon_wgan/code.py").write_text("2")
    assert describe_environment()["commit"] == f"{commit}-dirty"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["toy.py", "--measure", "--width", "8"], "python experiments/toy.py --measure --width 8"),
        (["gluon-wgan", "toy"], "gluon-wgan toy"),
        (["__main__.py", "train", "--data", "../lsun"], "python -m gluon_wgan train --data path/to/lsun"),
        (["train_lsun.py", "--data", "/a b/my cat"], "python experiments/train_lsun.py --data 'path/to/my cat'"),
    ],
)
def test_a_command_is_shown_as_it_was_typed_without_folders_of_this_machine(words, shown):
    assert shown_command(words) == shown
