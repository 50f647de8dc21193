"""RMSprop's denominators: by hand, beside the optimizer's own averages, and in a small training."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import encode, make_picture
from training_fixtures import TINY, make_trainer, run

from gluon_wgan.errors import NotFiniteError, UserError
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies.ablation_epsilon import denominators
from gluon_wgan.studies.ablation_epsilon import denominators_page as report
from gluon_wgan.studies.ablation_epsilon.question import ARMS
from gluon_wgan.studies.results import Results

PLAIN = {"outside-1e-8": {}, "inside-1e-16": ARMS["inside-1e-16"], "inside-1e-8": ARMS["inside-1e-8"]}


@pytest.mark.parametrize(
    ("placement", "floor", "of_nine"), [("outside_sqrt", 1e-8, 3 + 1e-8), ("inside_sqrt", 1e-4, 3.0000000016666667)]
)
def test_denominators_by_hand(placement, floor, of_nine):
    assert denominators.denominator_floor(1e-8, placement) == pytest.approx(floor, rel=1e-15)
    # the root of 9 + 1e-8 is 3 + 1e-8 / 6; both are written in float64
    found = denominators.denominator(np.array([0.0, 9.0]), 1e-8, placement)
    assert found == pytest.approx([floor, of_nine], rel=1e-15)


def test_averages_are_the_optimizers_own():
    trainer = make_trainer()
    kept = denominators.Averages(trainer.critic, 0.99, 0.0)
    from_one = denominators.Averages(trainer.critic, 0.9, 1.0)
    for _ in range(3):
        trainer.critic_step()
        kept.update()
        from_one.update()
    theirs = [trainer._updaters["critic"].states[index].asnumpy().ravel() for index in range(len(kept.numbers()))]
    ours = list(kept.numbers().values())
    for left, right in zip(ours, theirs, strict=True):
        # one kernel rounds float32 otherwise than three operators
        assert left == pytest.approx(right, rel=1e-5, abs=1e-12)
    assert all(square.min() >= 0.9**3 - 1e-6 for square in from_one.numbers().values())  # from 1 it falls by .9 at most


@pytest.fixture
def base(picture_folder):
    for index in range(20, 40):
        (picture_folder / f"{index}.png").write_bytes(encode(make_picture(index)))
    small = {name: value for name, value in TINY.items() if name != "learning_rate"}
    return replace(preset_settings("wassersteingan"), data=str(picture_folder), **small, generator_steps=12)


def test_a_small_training(base, tmp_path):
    found = denominators.measure(base, PLAIN, tmp_path, at=(1, 10, 100))
    assert found["at"] == [1, 10]  # the training ends at 12
    assert found["floors"]["inside-1e-16"] == {"critic": 1e-8, "generator": 1e-8}
    assert {row["network"] for row in found["layers"]} == {"critic", "generator"}
    assert all(np.diff(row["root"]).min() >= 0 and row["root"][0] >= 0 for row in found["layers"])
    # the reference's learning rate is no part of it, and its own steps are its own
    own = [row["ratio"] for row in found["ratios"] if row["arm"] == "outside-1e-8"]
    assert own == [[1.0] * 5] * 4
    for row in found["ratios"]:
        if row["arm"] == "inside-1e-16":  # (a + b) / sqrt(a^2 + b^2) is between 1 and the root of 2
            assert 1 - 1e-12 <= min(row["ratio"]) and max(row["ratio"]) <= np.sqrt(2) + 1e-12
    again = denominators.measure(base, PLAIN, tmp_path, at=(1, 10, 100))
    assert again == found


def test_what_is_measured_is_not_measured_again(base, tmp_path):
    results = Results(tmp_path, "denominators")
    denominators.keep(base, PLAIN, tmp_path / "cache", results)
    written = results.file.stat().st_mtime_ns
    denominators.keep(base, PLAIN, tmp_path / "cache", results)
    assert results.file.stat().st_mtime_ns == written
    denominators.keep(replace(base, generator_steps=1), PLAIN, tmp_path / "cache", results)
    assert results.read()["at"] == [1]


def test_a_training_that_breaks_is_an_error(base, tmp_path):
    with pytest.raises(NotFiniteError, match="critic_loss is nan at generator step 1"):
        denominators.measure(replace(base, learning_rate=1e30, clip_bound=1e30), PLAIN, tmp_path)


def test_no_data_is_an_error(base, tmp_path):
    with pytest.raises(UserError, match="nothing"):
        denominators.measure(replace(base, data=str(tmp_path / "nothing")), PLAIN, tmp_path)


def made_up(ratio):
    """Return data of one arm beside the reference's, whose steps are `ratio` of it where they differ most."""
    rows = [
        {"arm": arm, "network": network, "step": 1, "ratio": [low, 1.0, 1.0, 1.0, 1.0]}
        for arm, low in (("outside-1e-8", 1.0), ("inside-1e-8", ratio))
        for network in ("critic", "generator")
    ]
    return {"ratios": rows, "floors": dict.fromkeys(("outside-1e-8", "inside-1e-8"))}


def test_the_answer_names_what_equals():
    torch, mxnet = "epsilon 1e-8 outside the root (PyTorch)", "epsilon 1e-8 inside the root (MXNet)"
    assert report.answer(made_up(0.995), "outside-1e-8") == f"of the same gradients {mxnet} makes the steps of {torch}"
    found = report.answer(made_up(0.01), "outside-1e-8")
    assert found.endswith(
        f"none makes the steps of {torch}; those of the others are off by factors of up to 100 ({mxnet})"
    )
    assert report.equals(made_up(0.98), "outside-1e-8") and not report.equals(made_up(0.98), "inside-1e-8")


def test_section_and_figures(base, tmp_path):
    results = Results(tmp_path, "denominators")
    denominators.keep(base, PLAIN, tmp_path / "cache", results)
    data = results.read()
    text = report.section(data, "outside-1e-8")
    assert "| inside-1e-8 | 1e-04 | 1e-04 |" in text
    assert text.count("| after generator step 1 |") == 2
    layers, ratios = report.figures(data).values()
    assert len(layers.axes) == 2 * len(data["at"])
    assert len(ratios.axes) == 2


def test_the_trainings_own_steps_are_not_disturbed():
    watched, alone = make_trainer(), make_trainer()
    kept = denominators.Averages(watched.critic, 0.99, 0.0)
    watched.critic_step()
    kept.update()
    watched.critic_step()
    watched.generator_step()
    run(alone, 1)
    for left, right in zip(watched.critic.collect_params().values(), alone.critic.collect_params().values()):
        assert left.data().asnumpy().tobytes() == right.data().asnumpy().tobytes()
