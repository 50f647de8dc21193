"""The language model's study: its arms, its sums by hand, its sentences, and a small study end to end."""

import json
import math

import numpy as np
import pytest

from gluon_wgan.command import call
from gluon_wgan.data.sentences import draw_sentence
from gluon_wgan.data.text import END, Text
from gluon_wgan.studies.language import measure, page, question
from gluon_wgan.studies.networks.question import BASES


@pytest.fixture
def text(tmp_path):
    (tmp_path / "text.txt").write_text("".join(f"{draw_sentence(index)}\n" for index in range(200)))
    return tmp_path / "text.txt"


def run(arm, seed, js4):
    return {"arm": arm, "seed": seed, "js": [0.0, 0.1, 0.2, js4]}


def test_summaries_by_hand(text, monkeypatch):
    monkeypatch.setattr(measure, "MEASURED_LINES", 5)
    source = Text(text, 8)
    half = measure.summarise([run("penalty", 0, 0.1)], source)["shuffled"]["js4"] / 2
    runs = [run("penalty", 0, half - 0.1), run("penalty", 1, half + 0.1), run("clip", 0, half + 0.05)]
    found = measure.summarise(runs, source)
    penalty, clip = found["arms"]["penalty"], found["arms"]["clip"]
    assert penalty["js4"] == pytest.approx(half, rel=1e-12) and (penalty["n"], penalty["learned"]) == (2, 1)
    assert penalty["js4_low"] == half - 0.1 and penalty["js4_high"] == half + 0.1
    assert (clip["n"], clip["learned"]) == (1, 0)
    # the fewer lines, the farther; the shuffled ones of this text share no 4-gram with the others, and so are at 1
    assert found["course_lines"] == 5 and found["real"]["course_js4"] > 1.2 * found["real"]["js4"]
    assert found["shuffled"]["course_js4"] == pytest.approx(1, abs=1e-12)
    # real lines are nearer to held-out ones than the same lines shuffled, for all but single characters
    assert found["real"]["js"][0] == found["shuffled"]["js"][0]
    assert all(real < shuffled for real, shuffled in zip(found["real"]["js"][1:], found["shuffled"]["js"][1:]))


def test_lines_without_a_character_by_hand(tmp_path):
    """They are one line, and share with the held-out lines their filling alone: a part s of what those have."""
    (tmp_path / "text.txt").write_text("abcdefgh\nab\n" * 100)
    source = Text(tmp_path / "text.txt", 8)
    found = measure.summarise([], source)
    # of 5 sequences of 4 an "ab" has 3 of nothing but filling, from its third place on
    held_out = source.pictures[source.held_out]
    s = 3 / 5 * np.mean(held_out[:, 2] == END)
    assert 0.2 < s < 0.4
    expected = (math.log2(2 / (1 + s)) + s * math.log2(2 * s / (1 + s)) + (1 - s)) / 2
    assert found["empty"]["js4"] == pytest.approx(expected, rel=1e-12)
    assert (found["empty"]["different"], found["empty"]["written"], found["real"]["different"]) == (1, 1, 2)
    # all that is written in real lines is one sequence's like
    assert found["real"]["written"] == pytest.approx(0, abs=1e-12)


def test_the_arms_share_all_but_how_the_critic_is_kept_lipschitz(text):
    flags = question.Flags(data=str(text), channels=4, generator_steps=50)
    base = measure.settings_of(flags)
    assert (base.generator, base.n_critic, base.latent_dim, base.hold_out) == ("text", 10, 128, True)
    assert (base.adam_beta1, base.adam_beta2, base.learning_rate, base.gp_lambda) == (0.5, 0.9, 1e-4, 10)
    assert base.symbols == len(Text(text, 32).alphabet) and base.sample_every == 2
    assert set(question.ARMS["clip"]) == {"lipschitz", "optimizer", "learning_rate", "clip_order"}
    assert question.ARMS["penalty"] == {}
    plain = dict(question.ARMS["gan"])
    assert plain.pop("adam_beta2") == 0.999 and plain.items() <= BASES["gan"].items()


def data(penalty, clip, n=3):
    arms = {}
    for arm, (js4, learned) in (("penalty", penalty), ("clip", clip), ("gan", (0.8, 0))):
        arms[arm] = {"n": n, "js4": js4, "js4_low": js4, "js4_high": js4, "learned": learned}
    lines = {name: {"js4": js4} for name, js4 in (("shuffled", 0.8), ("real", 0.1), ("empty", 0.7))}
    return {"arms": arms, "settings": {"generator_steps": 2500}, **lines}


def test_the_answer_says_who_learns():
    found = page.answer(data((0.32, 3), (0.76, 0)))
    assert found.startswith(
        "Yes with the gradient penalty, after 2,500 generator steps where the paper has 200,000: a seed learns if its "
        "sequences of four characters end less than 0.5 times as far from held-out lines as shuffled characters are. "
    )
    assert found.endswith(
        "They end at 0.4 with the gradient penalty (3 of 3 seeds), 0.95 with clipping (0 of 3 seeds), 1 as a plain GAN "
        "(0 of 3 seeds); real lines are at 0.125, lines without a character at 0.875."
    )
    some = page.answer(data((0.32, 3), (0.39, 2)))
    assert some.startswith("Yes with the gradient penalty; in some seeds with clipping, after")
    assert page.answer(data((0.41, 0), (0.76, 0))).startswith("No, in none of the three ways, after")
    assert page.answer(data((0.32, 2), (0.76, 0), n=2)) == "Not answered yet: 6 of the 9 trainings are done."


def test_a_small_study_end_to_end(text, tmp_path):
    places = ["--data", text, "--reports", tmp_path / "reports", "--runs", tmp_path / "runs", "--cache-dir", tmp_path]
    small = ["--measure", "--channels", "4", "--generator-steps", "2", "--seeds", "3", "--at-once", "1"]
    call("language", [*small, *map(str, places)])
    part = json.loads((tmp_path / "reports/data/language.json").read_text())["characters"]
    arms = ["penalty", "clip", "gan"]
    assert [(one["arm"], one["seed"], one["steps"]) for one in part["runs"]] == [(arm, 3, 2) for arm in arms]
    assert {one["commit"] for one in part["runs"]} == {part["starts"][0]["commit"]}
    for one in part["runs"]:
        assert len(one["js"]) == 4 and all(0 < value <= 1 for value in one["js"])
        assert one["course"]["generator_step"] == [1, 2] and 0 <= one["verbatim"] <= 1
        assert 0 < one["written"] <= 1 <= one["different"] <= part["held_out"]
        # untrained, it is as far as can be
        assert one["js"][3] > part["shuffled"]["js"][3] * 0.9 and len(one["lines"]) == question.SHOWN_LINES
    norms = [one["course"]["gradient_norm"] for one in part["runs"]]
    assert np.isfinite(norms[0]).all() and norms[1:] == [[None, None], [None, None]]
    told = (tmp_path / "reports/language.md").read_text()
    assert "Not answered yet: 3 of the 9 trainings are done." in told and part["runs"][0]["lines"][0] in told
    assert "**As a plain GAN, seed 3**" in told and "are not kept" not in told
    for one in part["runs"]:  # as measured before there were such figures
        del one["written"], one["different"]
    told = page.page({"characters": part}, ".").body
    assert "for all latents, and the samples of 3 runs before it are not kept." in told
    before = (tmp_path / "reports/data/language.json").read_bytes()
    call("language", [*small, *map(str, places)])  # nothing is left to do
    assert (tmp_path / "reports/data/language.json").read_bytes() == before
