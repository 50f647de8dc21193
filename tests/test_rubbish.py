"""What damaged files are answered with: the faults that the campaign found, one by one, and a short draw of it."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from conftest import encode, make_picture
from training_fixtures import make_trainer

from gluon_wgan.checkpoint import verify_checkpoint
from gluon_wgan.data import Prepared, open_source, prepare
from gluon_wgan.errors import UserError, printable
from gluon_wgan.files import parse_json
from gluon_wgan.report import verdicts
from gluon_wgan.run_folder import RunFolder
from gluon_wgan.studies import find_studies
from gluon_wgan.studies.results import Results

sys.path.insert(0, str(Path(__file__).parent / "campaign"))

import disturbed
import kills
import long_run
from campaign import KINDS, NEED_TORCH, Worker
from kills import Kills
from mutations import mutate
from starvation import Starved, ended


def test_a_message_is_one_line_and_commands_no_terminal():
    assert str(UserError("a\nb", "\x1b[31mred\x07", "c \t d")) == "a b: given \\x1b[31mred\\x07; allowed: c d"
    assert printable("Räume, 春, é") == "Räume, 春, é"
    assert printable("\u202egnp.exe") == "\\u202egnp.exe"  # which would be shown backwards


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", "[" * 100_000, '{"a": ' * 100_000, b"nul"])
def test_what_is_no_json_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)
    assert parse_json(b'{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize("content", [b"\xff", b"[[[", b"- a\n b: [\n", b"[" * 3000, b"claims: 7", b""])
def test_claims_that_are_none_are_refused(tmp_path, content):
    (tmp_path / "claims.yaml").write_bytes(content)
    with pytest.raises(UserError, match=r"claims.yaml: given .*; allowed: YAML with `claims`") as raised:
        verdicts.load(tmp_path / "claims.yaml")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"\xff", b"{", b"[]", b"7", b'{"schema": "x"}', b'{"schema": null}'])
def test_a_study_s_file_that_is_no_json_is_refused(tmp_path, content):
    results = Results(tmp_path, "toy")
    results.file.parent.mkdir()
    results.file.write_bytes(content)
    with pytest.raises(UserError, match=r"toy.json: given .*; allowed: the JSON that a study wrote"):
        results.read()


@pytest.mark.parametrize("content", [{}, {"runs": 7}, {"starts": []}, {"command": None}])
def test_of_any_data_a_page_is_made_or_refused(tmp_path, content):
    refused = 0
    for study in find_studies():
        file = Results(tmp_path, study.data).file
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))
        try:
            study.page(tmp_path)
        except UserError as error:
            refused += "given data that no page can be made of" in str(error)
    assert refused >= 5


def test_an_environment_that_is_damaged_is_refused(tmp_path):
    run = RunFolder(tmp_path / "run")
    with run:
        run.add_environment({"command": []})
        for content in ("{", "[]", '{"starts": 7}'):
            (tmp_path / "run/environment.json").write_text(content)
            with pytest.raises(UserError, match=r"--resume: given .*environment.json"):
                run.add_environment({"command": []})


def test_a_changed_number_of_a_checkpoints_state_is_noticed(tmp_path):
    checkpoint = make_trainer().save(tmp_path, seconds=1.5)
    sound = json.loads((checkpoint / "state.json").read_text())
    assert verify_checkpoint(checkpoint)["seconds"] == 1.5
    for changed in ({"critic_steps": 7}, {"generator_steps": 7}, {"within_step": True}, {"seconds": 1.25}):
        (checkpoint / "state.json").write_text(json.dumps({**sound, **changed}))
        with pytest.raises(UserError, match=r"state\.json: not as it was written: changed, or damaged"):
            verify_checkpoint(checkpoint)


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "pictures").mkdir()
    for index in range(3):
        (tmp_path / "pictures" / f"{index}.png").write_bytes(encode(make_picture(index)))
    return tmp_path / "pictures"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("keys.txt", b"\xff\n"),
        ("skipped.tsv", b"\xff\n"),
        ("identity.json", b"[" * 100_000),
        ("identity.json", b'{"content": {"pictures": 4}}'),
        ("identity.json", b'{"content": 3}'),
        ("held_out.npy", np.zeros(2, bool)),
        ("held_out.npy", np.zeros(3)),
        ("pictures.npy", np.zeros((3, 16, 16), np.uint8)),
        ("pictures.npy", np.zeros((3, 16, 16, 3), np.int64)),
        ("pictures.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': (False, 'shape'" + b" " * 80),
    ],
)
def test_prepared_pictures_that_are_damaged_are_refused(tmp_path, pictures, name, content):
    folder = prepare(open_source(pictures), 16, "pil", tmp_path / "cache").folder
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        np.save(folder / name, content)
    with pytest.raises(UserError, match=r"--cache-dir: given .* \(prepared pictures, damaged: .*remove that folder"):
        prepared = Prepared(folder)
        prepared.keys()
        prepared.skipped()


@pytest.mark.parametrize("name", ["pictures.npy", "keys.txt", "held_out.npy", "skipped.tsv"])
def test_one_bit_of_the_prepared_pictures_is_enough(tmp_path, pictures, name):
    folder = prepare(open_source(pictures), 16, "pil", tmp_path / "cache").folder
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:] if content else b"\n")
    with pytest.raises(UserError, match=f"damaged: {name} is not as it was written"):
        Prepared(folder)
    (folder / name).write_bytes(content)
    assert Prepared(folder).held_out.shape == (3,)


@pytest.mark.parametrize(
    "change",
    [
        lambda identity: identity["content"].update(more=1),
        lambda identity: identity["content"]["made_by"].update(resize="Pillow 1"),
        lambda identity: identity.update(dtype="float32"),
        lambda identity: identity.pop("resize"),
        lambda identity: identity.pop("sha256_of_the_rest"),
    ],
)
def test_a_changed_identity_of_prepared_pictures_is_noticed(tmp_path, pictures, change):
    folder = prepare(open_source(pictures), 16, "pil", tmp_path / "cache").folder
    identity = json.loads((folder / "identity.json").read_text())
    change(identity)
    (folder / "identity.json").write_text(json.dumps(identity))
    with pytest.raises(UserError, match=r"damaged: identity\.json is not as it was written"):
        Prepared(folder)


@pytest.mark.parametrize("damage", ["{", '{"sizes": 7}', '{"done": 1, "rows": 1, "skipped": 0, "sizes": {}}', None])
def test_a_killed_preparation_with_damaged_notes_starts_anew(tmp_path, pictures, damage):
    whole = prepare(open_source(pictures), 16, "pil", tmp_path / "cache")
    expected, keys = np.array(whole.pictures), whole.keys()
    partial = whole.folder.with_name(whole.folder.name + ".partial")
    whole.folder.rename(partial)
    if damage is None:  # the notes are sound, and the pictures cut short
        sizes = {name: (partial / name).stat().st_size for name in ("pictures.npy", "keys.txt", "skipped.tsv")}
        damage = json.dumps({"done": 3, "rows": 3, "skipped": 0, "sizes": sizes})
        (partial / "pictures.npy").write_bytes((partial / "pictures.npy").read_bytes()[:-5])
    (partial / "progress.json").write_text(damage)
    again = prepare(open_source(pictures), 16, "pil", tmp_path / "cache")
    assert np.array_equal(again.pictures, expected) and again.keys() == keys


def test_mutations_change_and_repeat():
    content = json.dumps({"steps": 12, "rate": 0.5, "name": "x" * 50}).encode()
    drawn = [mutate(content, np.random.default_rng(seed)) for seed in range(200)]
    assert drawn == [mutate(content, np.random.default_rng(seed)) for seed in range(200)]
    assert len(set(drawn)) > 150 and sum(one == content for one in drawn) < 20
    assert {len(one) < len(content) for one in drawn} == {True, False}


def test_a_short_draw_of_the_campaign_finds_nothing():
    with Worker() as worker:
        for kind in KINDS:
            for case in range(10):
                if kind not in NEED_TORCH or find_spec("torch"):
                    found = worker.try_case(kind, case)
                    assert found in ("right", "refused"), f"--kind {kind!r} --case {case}: {found}"


_WATCHED = """
import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from worker import Watch
watch = Watch()
open("before", "w").close()
watch.over(os.path.abspath("case"))
open("case/inside", "w").close()
open("before").close()
os.symlink("../before", "case/link")
subprocess.run([sys.executable, "-c", ""])
assert not watch.seen, watch.seen
open("outside", "w").close()
os.rename("case/inside", "moved")
os.symlink("case/inside", "link")
os.mkdir("folder")
os.remove("before")
os.system("true")
subprocess.run(["true"])
print(*(" ".join(one.replace(os.getcwd(), "").split()) for one in watch.seen), sep=";")
"""


def test_what_a_file_makes_a_program_do_is_seen(tmp_path):
    """An audit hook stays, so the process is another one."""
    (tmp_path / "case").mkdir()
    command = [sys.executable, "-c", _WATCHED, str(Path(__file__).parent / "campaign")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip().split(";") == [
        "open /outside", "os.rename /moved", "os.symlink /link", "os.mkdir /folder", "os.remove /before", "os.system",
        "subprocess.Popen",
    ]  # fmt: skip


def test_a_kill_is_survived_and_a_difference_would_be_seen(tmp_path, monkeypatch):
    attempt = Kills(tmp_path)
    assert attempt.try_case("killed: generate, a sheet", 1) == "right"
    finish = disturbed._finish

    def spoil(scenario, place):
        said = finish(scenario, place)
        sheet = next((place / "run/generated").iterdir())
        sheet.write_bytes(sheet.read_bytes() + b"x")
        return said

    monkeypatch.setattr(disturbed, "_finish", spoil)
    assert re.match(
        r"FAILED: generate, a sheet, killed after .* not the same: \['run/generated'\]",
        attempt.try_case("killed: generate, a sheet", 1),
    )


@pytest.mark.thorough
def test_a_long_run_is_watched_and_ends_alike(tmp_path):
    """120 steps stand for 400,000: stopped twice, once by each signal."""
    command = [sys.executable, long_run.__file__, "--generator-steps", "120", "--stops", "2", "--seconds", "0.5"]
    done = subprocess.run([*command, "--reports", tmp_path], capture_output=True, text=True, check=True, timeout=300)
    assert re.search(r"120 generator steps, 2 stops, .* h; different: nothing", done.stdout)
    found = json.loads((tmp_path / "data/reliability.json").read_text())["long_run"]
    assert (found["stops"], found["different"], found["pace"]["generator_step"]) == (2, [], list(range(1, 121)))
    course = found["course"]
    assert course["generator_step"] == sorted(course["generator_step"])
    assert 0 < course["generator_step"][0] < course["generator_step"][-1] < 120  # none of a process that starts or ends
    # of MXNet's process: more than its libraries, and more than its three standard files
    assert 100 < min(course["memory_mib"]) < max(course["memory_mib"]) < 2000 and min(course["open_files"]) > 3


@pytest.mark.skipif(kills.STRACE is None, reason="strace, which is no part of the suite")
def test_a_kill_at_a_system_call_takes_place(tmp_path):
    assert disturbed.popen(["--help"], tmp_path, kills.at_call("openat", 5)).wait(60) == -9
    assert disturbed.popen(["--help"], tmp_path, kills.at_call("openat", 60_000)).wait(60) == 0


def test_a_starved_command_says_what_it_lacks_and_goes_on(tmp_path):
    """Case 22 is a sheet of pictures, whose folder may no longer be written after a twelfth of the time."""
    assert Starved(tmp_path).try_case("starved: permissions", 22) == "refused"


@pytest.mark.parametrize(
    ("status", "said", "enough", "found"),
    [
        (0, "written: a", True, "right"),
        (4, "a: Permission denied; ...", False, "refused"),
        (2, "--out: given b (Read-only file system)", False, "refused"),
        (4, "a: Permission denied; ...", True, "it ended with 4: a: Permission denied; ..."),
        (1, "Traceback (most recent call last)\nKeyError: 3", False, "a traceback, and status 1: KeyError: 3"),
        (0, "Traceback (most recent call last)\nKeyError: 3", False, "a traceback, and status 0: KeyError: 3"),
        (-11, "", False, "it ended with -11: "),
        (4, "", False, "it ended with 4, and said nothing"),
    ],
)
def test_how_a_starved_command_may_end(status, said, enough, found):
    assert ended(status, said, enough) == found


@pytest.mark.parametrize(
    ("status", "found"), [(-11, "refused"), (255, "refused"), (134, "refused"), (0, "right"), (1, "it ended with 1: ")]
)
def test_where_memory_is_short_a_library_may_crash_as_if_it_were_killed(status, found):
    assert ended(status, "", enough=False, crashes=True) == found
