"""What a GAN's settings change: that each changes what it says, the sums by hand, and a small study end to end."""

import json

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn

from gluon_wgan import layers
from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.report import rules
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.studies.gan_settings import measure, page, question
from gluon_wgan.studies.plane import networks


def kinds(block):
    return [type(layer) for layer in block._children.values()]


def test_every_setting_changes_what_it_says_and_nothing_else():
    build = lambda base, **changes: measure.build(base, changes, 0, 8)  # noqa: E731
    optimizer = lambda trainer: trainer._updaters["critic"].optimizer  # noqa: E731
    base = build("clip")
    assert kinds(base.critic) == [layers.Dense, layers.ReLU] * 3 + [layers.Dense]
    assert isinstance(optimizer(base), RMSProp) and optimizer(base).lr == 5e-5
    assert optimizer(base).clip_weights == 0.01 and base.clip_bound is None and base.loss == "wasserstein"
    assert base.schedule.n_critic == 5 and base.gp_lambda is None
    assert optimizer(build("clip", rate=0.5)).lr == 2.5e-5
    assert optimizer(build("minimax", rate=2.0)).lr == 2e-4
    assert build("minimax", width=2.0).critic._children["0"].weight.shape == (16, 2)
    assert build("clip", n_critic=25).schedule.n_critic == 25
    for changes, kind in (({"sgd": 0.1}, mx.optimizer.SGD), ({"adam": 0.9}, mx.optimizer.Adam)):
        other = build("clip", **changes)
        assert type(optimizer(other)) is kind
        # which do not clip by themselves
        assert (other.clip_bound, other.clip_order) == (0.01, "after_update")
    assert optimizer(build("clip", adam=0.9)).beta1 == 0.9 and optimizer(build("clip", adam=0.9)).lr == 5e-5
    assert not build("penalty").gp_one_sided and build("penalty", one_sided=True).gp_one_sided
    assert build("penalty").gp_lambda == 0.1
    deep = build("clip", layers=16, norm=True)
    assert kinds(deep.critic) == [layers.Dense, nn.BatchNorm, layers.ReLU] * 16 + [layers.Dense]
    assert kinds(deep.generator) == kinds(base.generator)
    whole, none = build("minimax", rules=["batch_norm", "relu"]), build("minimax", rules=[])
    assert kinds(whole.critic) == [layers.Dense, nn.BatchNorm, layers.LeakyReLU] * 3 + [layers.Dense]
    assert nn.BatchNorm in kinds(whole.generator) and layers.ReLU in kinds(whole.generator)
    assert kinds(none.critic) == [layers.Dense, layers.Tanh] * 3 + [layers.Dense]
    assert whole.loss == none.loss == "minimax"


def test_the_clip_holds_with_every_optimizer():
    for changes in ({}, {"sgd": 0.1}, {"adam": 0.9}):
        trainer = measure.build("clip", changes, 0, 4)
        trainer.critic_step()
        weights = [parameter.data().asnumpy() for parameter in trainer.critic.collect_params().values()]
        assert max(abs(weight).max() for weight in weights) <= np.float32(0.01)


def run(base, changes, seed, em, covered=8):
    return {"base": base, "changes": changes, "seed": seed, "em": em, "em_at_start": 1.0, "covered": covered}


def test_summaries_by_hand():
    ems = dict(zip(question._SETTINGS, (0.3, 0.4, 0.9, 0.2, 0.5)))
    runs = [
        run(base, dict(changes), seed, scale * ems[name])
        for base, scale in (("minimax", 2.0), ("clip", 1.0))
        for name, changes in question._SETTINGS.items()
        for seed in range(5)
    ]
    found = measure.summarise(runs)
    assert found["sensitivity"]["minimax"]["range"] == pytest.approx(1.4)
    assert found["sensitivity"]["clip"]["range"] == pytest.approx(0.7)
    arm = found["sensitivity"]["arms"]["minimax, twice the rate"]
    assert (arm["n"], arm["em"], arm["failed"], arm["share_failed"]) == (5, 1.8, 5, 1.0)
    # RMSprop is the clipped base, whose runs are these; the other arms have none yet, and so no ratio
    assert set(found["optimizers"]) == {"arms"} and found["optimizers"]["arms"]["RMSprop"]["n"] == 5
    assert "sides" not in found

    runs = [
        run("clip", {} if updates == 5 else {"n_critic": updates}, 0, em) for updates, em in ((1, 1), (5, 2), (25, 3))
    ]
    runs += [
        run("minimax", {} if updates == 5 else {"n_critic": updates}, 0, em)
        for updates, em in ((1, 1), (5, 1), (25, None))
    ]
    assert measure.summarise(runs)["balance"]["clip"] == {"ratio_25_to_5": 1.5}
    assert measure.summarise(runs)["balance"]["minimax"] == {"ratio_25_to_5": question.FAR}

    rules_of = lambda *names: {"rules": list(names)}  # noqa: E731
    runs = [run("minimax", rules_of("batch_norm", "relu"), seed, 0.1, 8 - (seed < 3)) for seed in range(10)]
    runs += [
        run("minimax", rules_of(*some), seed, 0.1, 7) for some in (("relu",), ("batch_norm",), ()) for seed in range(10)
    ]
    found = measure.summarise(runs)["dcgan_rules"]
    assert (found["all"]["failed"], found["none"]["failed"], found["all"]["n"]) == (3, 10, 10)


def test_what_is_not_whole_is_not_answered():
    assert len(question.planned()) == 175
    assert len(question.planned(["sides"], [3])) == 2
    runs = [
        run(**job, em=0.4 if job["base"] == "minimax" else 0.2)
        for job in question.planned(["sensitivity", "balance"])
        if job["seed"] < 4 or job["changes"] != {"n_critic": 25}
    ]
    part = {"runs": runs, **measure.summarise(runs)}
    assert page.answer(part) == (
        "From best to worst setting the median distance to the data (n = 5 seeds or more) grows for a plain GAN 1 "
        "times with rate and width; for a clipped WGAN 1 times with rate and width. Not all is answered yet: 68 of the "
        "175 trainings are done."
    )
    # Adam ends twice as far as the others
    whole = [run(**job, em=0.8 if job["changes"] == {"adam": 0.9} else 0.4) for job in question.planned()]
    told = page.answer({"runs": whole, **measure.summarise(whole)})
    assert (
        "clipped WGAN 1 times with rate and width, 1 times with critic updates a generator step, 2 times with the"
        in told
    )
    assert told.endswith("for a penalised one 1 times with the side of the penalty.")
    body = " ".join(page._section(measure.summarise(whole), "optimizers").split())
    assert "## The optimizer The clipped WGAN ends at 0.4 with RMSprop, 0.4 with the best of three rates of SGD" in body
    # above half of where all began, 1: 16 layers, and with BatchNorm 8 too
    for one in whole:
        depth = one["changes"].get("layers", 3) + 8 * one["changes"].get("norm", False)
        one["em"] = 0.6 if depth >= 16 else 0.4
    body = " ".join(page._section(measure.summarise(whole), "deep_critics").split())
    assert (
        "With 4, 8 and 16 layers 0, 0 and 5 of 5 clipped critics fail without BatchNorm, and 0, 5 and 5 with it."
    ) in body


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(measure, "POINTS", 30)
    monkeypatch.setattr(measure, "COUNTED", 50)
    monkeypatch.setattr(networks, "BATCH_SIZE", 8)
    monkeypatch.setattr(question, "SUBJECTS", {name: question.SUBJECTS[name] for name in ("sides", "dcgan_rules")})


@pytest.mark.usefixtures("small")
def test_a_small_study_is_kept_and_not_repeated(tmp_path, monkeypatch):
    flags = ["--measure", "--width", "4", "--generator-steps", "20", "--seeds", "0", "--reports", str(tmp_path)]
    call("gan_settings", flags)
    part = json.loads((tmp_path / "data/gan_settings.json").read_text())["gaussians"]
    assert len(part["runs"]) == 6  # two sides, four sets of rules
    for found in part["runs"]:
        assert len(found["course"]) == 20
        assert found["em"] == pytest.approx(np.mean(found["course"][-5:]), abs=1e-5)  # rounded to five digits
    one, two = (next(r["em"] for r in part["runs"] if r["changes"] == c) for c in ({"one_sided": True}, {}))
    assert part["sides"]["one"] == one and part["sides"]["two"] == two
    assert rules.value("gaussians.sides.two / gaussians.sides.one", {"gaussians": part}) == pytest.approx(two / one)
    text = (tmp_path / "gan_settings.md").read_text()
    # two sides with five seeds, four sets of rules with ten
    assert "Not answered yet: 6 of the 50 trainings are done." in text
    assert "Not all of the 4 arms with 10 seeds each are measured yet." in text
    monkeypatch.setattr(measure, "train", lambda **_: pytest.fail("trained again"))
    call("gan_settings", flags)


@pytest.mark.usefixtures("small")
def test_what_another_process_has_measured_meanwhile_is_not_trained_again(tmp_path, monkeypatch):
    flags = ["--measure", "--width", "4", "--generator-steps", "20", "--seeds", "0", "--reports", str(tmp_path)]
    train, trained = measure.train, []

    def train_beside_another(**job):
        trained.append(job["base"])
        if len(trained) == 1:
            call("gan_settings", [*flags, "--subjects", "sides"])
        return train(**job)

    monkeypatch.setattr(measure, "train", train_beside_another)
    call("gan_settings", [*flags, "--subjects", "dcgan_rules", "sides"])
    assert trained == ["minimax", "penalty", "penalty", "minimax", "minimax", "minimax"]


def test_a_run_that_is_not_finite_ends_and_is_far(monkeypatch):
    monkeypatch.setattr(networks, "BATCH_SIZE", 8)
    monkeypatch.setattr(measure, "POINTS", 30)

    class Bar:
        def update(self):
            pass

    drawn = iter(
        [np.zeros((30, 2)), np.full((30, 2), np.nan)]
    )  # of the untrained generator, and of the first evaluation
    monkeypatch.setattr(measure, "generated", lambda trainer, purpose, count: next(drawn))
    found = measure.train("clip", {}, 0, 4, 40, Bar())
    assert len(found["course"]) == 1
    assert found["em"] is None and found["covered"] == 0 and found["course"][-1] is None
    assert measure._of_arm([{**found, "seed": 0}], "sensitivity")["em"] == question.FAR


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--subjects", "depth"], "--subjects: given depth; allowed: sensitivity, balance"),
        (["--generator-steps", "19"], "--generator-steps: given 19; allowed: 20 or more"),
        (["--width", "1"], "--width: given 1"),
        (["--seeds", "-1"], "--seeds: given -1"),
    ],
)
def test_bad_flags_are_refused(given, message, tmp_path):
    with pytest.raises(UserError, match=message):
        call("gan_settings", ["--measure", *given, "--reports", str(tmp_path)])


def test_every_subject_has_its_title():
    assert page._NAMES.keys() == page._IN_WORDS.keys() == question.SUBJECTS.keys()
