"""The study of networks: its arms, its sums by hand, and its sentences."""

from dataclasses import replace

import numpy as np
import pytest

from gluon_wgan.settings import Settings, preset_settings
from gluon_wgan.studies.networks import depth, figures, measure, page, question, random_search, summary


def run(arm, seed, distance, correlation=(1.0, 0.0), untrained=0.6):
    losses = dict(zip(("value", "generator_loss"), correlation))
    return {"arm": arm, "seed": seed, "kernel_distance": distance, "untrained": untrained, "correlation": losses}


def test_summaries_by_hand():
    runs = [run("clip, DCGAN", seed, distance) for seed, distance in ((0, 0.2), (1, 0.3), (2, 0.4))]
    runs += [run("clip, critic without norm", seed, distance) for seed, distance in ((0, 0.5), (1, 0.6))]
    runs += [run("penalty, DCGAN", seed, 0.1, (0.5, None)) for seed in (0, 1, 2)]
    found = summary.summarise(runs, question.SUBJECTS["bedrooms"].networks)["networks"]
    dcgan, bare, penalised = found["clip"]["DCGAN"], found["clip"]["critic without norm"], found["penalty"]["DCGAN"]
    assert dcgan["n"] == 3 and dcgan["kernel_distance"]["mean"] == pytest.approx(0.3)
    assert dcgan["from_first"] is dcgan["from_clip"] is penalised["from_first"] is None
    assert dcgan["of_untrained"] == pytest.approx(0.5) and dcgan["of_first"] == 1
    # paired by seed: .5 - .2 and .6 - .3; both above, by more than twice the spread of .2 and .3
    assert bare["from_first"]["mean"] == pytest.approx(0.3) and bare["from_first"]["differs"]
    assert bare["of_first"] == pytest.approx(0.55 / 0.25)
    assert penalised["from_clip"]["mean"] == pytest.approx(-0.2)
    assert penalised["correlation"] == {"value": 0.5, "generator_loss": None}
    assert "gan" not in found
    # .5 of the untrained and .17; .83, 1
    assert (dcgan["worst_of_untrained"], bare["worst_of_untrained"]) == pytest.approx((2 / 3, 1))
    assert summary.summarise(runs, question.SUBJECTS["bedrooms"].networks)["learned"] == {"clip": 3, "penalty": 3}


def test_correlations_by_hand():
    assert measure._correlation([3.0, 2.0, 1.0], [0.3, 0.2, 0.1]) == pytest.approx(1)
    assert measure._correlation([1.0, 2.0, 3.0], [0.3, 0.2, 0.1]) == pytest.approx(-1)
    # ranks 1 2 3 against 2 1 3: 1 - 6 (1 + 1) / (3 (9 - 1))
    assert measure._correlation([1.0, 2.0, 3.0], [0.2, 0.1, 0.3]) == pytest.approx(0.5)
    assert measure._correlation([1.0, 1.0, 1.0], [0.2, 0.1, 0.3]) is None
    assert measure._correlation([1.0, 2.0], [0.2, 0.1]) is None


def arms_of(subject):
    arms = question.arms_of(subject)
    return {arm: replace(preset_settings(changes["preset"]), **changes) for arm, changes in arms.items()}


def test_arms_are_their_authors_settings_at_one_size():
    arms = arms_of("bedrooms")
    assert len(arms) == 14 and {settings.image_size for settings in arms.values()} == {32}
    clip, penalty, plain = (arms[f"{base}, DCGAN"] for base in question.BASES)
    assert (clip.optimizer, clip.learning_rate, clip.n_critic, clip.clip_bound) == ("rmsprop", 5e-5, 5, 0.01)
    assert (penalty.optimizer, penalty.learning_rate, penalty.n_critic, penalty.critic) == (
        "adam", 1e-4, 5, "dcgan-layer-norm",
    )  # fmt: skip
    assert (plain.loss, plain.lipschitz, plain.learning_rate, plain.adam_beta1, plain.n_critic) == (
        "non_saturating", "none", 2e-4, 0.5, 1,
    )  # fmt: skip
    assert [len(arms_of(subject)) for subject in ("cifar10", "digits")] == [6, 6]
    assert {(one.image_size, one.image_channels) for one in arms_of("digits").values()} == {(28, 1)}
    slugs = [question.sheet_of(subject, arm) for subject in question.SUBJECTS for arm in arms_of(subject)]
    assert len(set(slugs)) == len(slugs) == 26 + 3 + 8 + 90


def data(subject):
    """Return made-up runs: the plain GAN's in the middle, and each network a hundredth behind the one before."""
    ends, networks = {"clip": 0.4, "penalty": 0.1, "gan": 0.2}, question.SUBJECTS[subject].networks
    runs = [
        run(question.arm_of(base, network), seed, ends[base] + 0.01 * number, (0.9 if base == "clip" else 0.1, 0))
        for seed in question.SEEDS
        for base, of_base in networks.items()
        for number, network in enumerate(of_base)
    ]
    return {"runs": runs, **summary.summarise(runs, networks)}


def test_the_answer_says_who_stands_what():
    bedrooms = data("bedrooms")
    # .44 / .4, .15 / .1 and .22 / .2
    assert page.answer({"bedrooms": bedrooms, "cifar10": {"runs": data("cifar10")["runs"][:5]}}) == (
        "On bedrooms the worst network ends 1.1 times as far from real pictures as the best with the clipped WGAN "
        "(of 5), 1.5 times with the penalised WGAN (of 6) and 1.1 times with the plain GAN (of 3). What "
        "the clipped WGAN maximises goes with the distance by a rank correlation of 0.90, what the plain GAN maximises "
        "by 0.10 (1: the smaller, the nearer); not answered yet: CIFAR-10's pictures (5 of 18 trainings)."
    )
    for one in bedrooms["networks"]["clip"].values():
        one["correlation"]["value"] = -0.5
    answer = page.answer({"bedrooms": bedrooms, "cifar10": data("cifar10")})
    assert "rank correlation of -0.50 to 0.90, what the plain GAN" in answer


@pytest.mark.parametrize("subject", [name for name in question.SUBJECTS if name != "random"])
def test_every_subject_has_its_section(subject):
    """The heading keeps the name as it is written; the size stands in it, whatever preset it comes from."""
    part = {**data(subject), "pictures": "folder", "generator_steps": 1000, "held_out": 500}
    told = page._table(subject, {**part, "sizes": question.SUBJECTS[subject].sizes})
    what, side = question.SUBJECTS[subject].what, next(iter(arms_of(subject).values())).image_size
    assert told.startswith("## ") and what[1:] + "\n" in told
    assert f"1,000 generator steps at {side}x{side} pixels" in told.replace("\n", " ")
    assert "untrained networks are at 600" in told


def test_a_measure_that_no_network_has_makes_no_column():
    """The sliced Wasserstein distance asks for sides that halve, and digits have 28 pixels."""
    part = data("digits")
    for number, one in enumerate(one for of_base in part["networks"].values() for one in of_base.values()):
        one |= {"sliced_wasserstein": None, "recall": None if number else 0.25}
    header, _, first, second, *_ = [line for line in page._beside(part).splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in header.strip("|").split("|")] == ["trained as", "network", "recall"]
    assert first.endswith("| 0.25 |") and second.endswith("| none |")


def test_the_faces_are_the_courses_baselines():
    arms = arms_of("faces")
    for base, preset in (("clip", "hw6-medium"), ("penalty", "hw6"), ("gan", "hw6-simple")):
        ours, theirs = arms[f"{base}, the course's"], preset_settings(preset)
        assert replace(ours, generator_channels=64, critic_channels=64) == replace(
            theirs, generator_channels=64, critic_channels=64
        )


def face_run(base, seed, distance, share, frechet):
    found = {"face_share": share, "frechet_distance": frechet, "finished": True}
    return {**run(f"{base}, the course's", seed, distance), **found}


def test_faces_by_hand():
    """Clipping is better in both in one seed of three, and the penalty in two: of the other its Frechet is larger."""
    runs = [face_run("gan", seed, 0.3, 0.5, 10.0) for seed in (60, 61, 62)]
    runs += [face_run("clip", seed, 0.2, share, 9.0) for seed, share in ((60, 0.6), (61, 0.5), (62, 0.1))]
    runs += [face_run("penalty", seed, 0.1, 0.7, frechet) for seed, frechet in ((60, 9.0), (61, 8.0), (62, 11.0))]
    found = summary.summarise(runs, question.SUBJECTS["faces"].networks)
    clip, penalty, plain = (found["networks"][base]["the course's"] for base in ("clip", "penalty", "gan"))
    assert [one["beats_gan"] for one in (clip, penalty, plain)] == [1, 2, 0]
    assert clip["face_share"] == pytest.approx(0.4) and penalty["frechet_distance"] == pytest.approx(28 / 3)
    assert penalty["from_gan"]["mean"] == pytest.approx(-0.2) and plain["from_gan"] is None
    part = {"runs": runs, **found, "face_share": 0.98}
    told = page._beside(part)
    assert "A face is found in 98 % of the held-out pictures." in told
    assert "| penalised WGAN | the course's | 9.33 | 0.70 |" in told
    # each way has one network, so that nothing is held against the first
    sizes = question.SUBJECTS["faces"].sizes
    told = page._table("faces", {**part, "pictures": "f", "generator_steps": 9, "held_out": 9, "sizes": sizes})
    assert "| of untrained | minus clipped | minus plain | n |" in told
    assert "| clipped WGAN | the course's | 200 (200) | 0.33 |  | -100 * | 3 |" in told
    # a run that broke off counts in neither
    runs[3]["finished"] = False
    again = summary.summarise(runs, question.SUBJECTS["faces"].networks)
    assert again["networks"]["clip"]["the course's"]["beats_gan"] == 0


def test_classes_by_hand():
    """Ten classes: each is nearest to itself, but the first, which is nearest to the second."""
    near = np.full((10, 10), 0.5)
    np.fill_diagonal(near, 0.1)
    near[0, 1] = 0.05
    seen = [{"arm": "seen", "by_class": (near + more).tolist()} for more in (0, 0.02)]
    part = {"runs": [*seen, {"arm": "none"}, {"arm": "named", "by_class": near.tolist()}]}
    told, other = page._classes(part)
    assert "asked for: seen" in told and "over\n2 seeds. For 9 of 10 classes the nearest is their own." in told
    assert "asked for: named" in other and "over\n1 seeds" in other and "| airplane | 100 | 450 |" in other
    # .11 to its own; to the others (.06 + 8 x .51) / 9
    assert "| airplane | 110 | 460 | automobile |" in told and "| truck | 110 | 510 | truck |" in told
    assert page._classes({"runs": [{}]}) == []


def test_labels_are_all_that_differs():
    arms = {name: settings.to_json() for name, settings in arms_of("cifar10").items()}
    without = arms["penalty, residual, 20 layers"]
    for how in ("seen", "named"):
        labelled = arms[f"penalty, residual, 20 layers, labels {how}"]
        assert labelled == {**without, "classes": 10, "critic_labels": how}


def test_the_samples_of_a_class_are_held_against_each(monkeypatch):
    """With features that are one number, the class itself: all of a class are alike, and 0 from its own."""
    monkeypatch.setattr(measure, "OF_A_CLASS", 20)
    monkeypatch.setattr(measure, "samples", lambda generator, settings, count: np.arange(count) % settings.classes)
    monkeypatch.setattr(measure, "features", lambda made: made[:, np.newaxis].astype(float))
    labels = np.tile([2, 0, 1], 20)
    found = np.array(measure._by_class(None, Settings(classes=3), labels[:, np.newaxis].astype(float), labels))
    assert np.abs(np.diag(found)).max() < 1e-9 and (found + np.eye(3)).min() > 0.1


def test_the_depths_differ_in_depth_alone():
    arms = arms_of("depth")
    for base, critic, n_critic in (("clip", "resnet", 5), ("penalty", "resnet-layer-norm", 1)):
        of_base = [arms[f"{base}, {deep} layers"] for deep in (11, 20, 50, 101)]
        assert [one.depth for one in of_base] == [11, 20, 50, 101]
        assert {replace(one, depth=11) for one in of_base} == {of_base[0]}
        assert (of_base[0].generator, of_base[0].critic, of_base[0].n_critic) == ("resnet", critic, n_critic)


def depths(of_untrained):
    """Return made-up runs of the depths: {base: where each depth ended, of the untrained}."""
    cost = {"n_critic": 2, "critic_seconds": 0.25, "generator_seconds": 0.1, "peak_memory_mib": 1234.5}
    first = {"norms": {"start": [1.0, 2.0, 4.0], "end": [0.0, 0.5, 2.0]}, "cost": cost}
    runs = [
        {**run(f"{base}, {deep} layers", seed, 0.6 * end), **(first if seed == 50 else {})}
        for base, ends in of_untrained.items()
        for deep, end in zip(question.DEPTHS, ends)
        for seed in question.SUBJECTS["depth"].seeds
    ]
    return {"runs": runs, **summary.summarise(runs, question.SUBJECTS["depth"].networks)}


def test_the_depths_answer_and_what_they_cost():
    part = depths({"clip": (0.7, 0.9, 1, 1), "penalty": (0.5, 0.5, 0.6, 0.65)})
    assert page.answer({"depth": part}) == (
        "Of 12 trainings of residual networks of 11 to 101 layers 3 with the clipped WGAN and 12 with the penalised "
        "WGAN come below 0.8 of the untrained distance."
    )
    assert "| clipped WGAN | 3 of 3 | 0 of 3 | 0 of 3 | 0 of 3 |" in depth.section(part)
    penalised = {"runs": [one for one in part["runs"] if one["arm"].startswith("penalty")]}
    assert "| clipped WGAN |  |  |  |  |" in depth.section(penalised)  # nothing trained yet is no failure
    penalised |= summary.summarise(penalised["runs"], question.SUBJECTS["depth"].networks)
    assert [axes.get_title() for axes in depth.figure(penalised).axes] == ["penalised WGAN"]
    # two critic updates of 250 ms and a generator update of 100; norms 1 / 4, and 0 / 2
    assert "| penalised WGAN | 101 | 250 | 100 | 2 | 0.60 | 1,234 | 0.25 | 0 |" in depth.section(part)
    part["runs"][0]["norms"].pop("end")
    assert "| clipped WGAN | 11 | 250 | 100 | 2 | 0.60 | 1,234 | 0.25 | broke off |" in depth.section(part)
    assert len(depth.figure(part).axes) == 2


def test_the_depths_say_how_far_as_many_steps_bring_dcgan():
    """By hand: the last point of each course within the depths' steps, of the untrained .6, then over the seeds."""
    part = depths({"clip": (1, 1, 1, 1), "penalty": (0.5, 0.5, 0.5, 0.5)}) | {"generator_steps": 1000}
    runs = []
    for base, ends in (("clip", (0.3, 0.42)), ("penalty", (0.48, 0.54))):
        for seed, end in enumerate(ends):
            course = {"generator_step": [300, 600, 900, 1200], "kernel_distance": [0.6, 0.5, end, 0.1]}
            runs.append({**run(f"{base}, DCGAN", seed, 0.1), "course": course})
    told = " ".join(depth.section(part, {"runs": runs}).split())
    assert "Are 1,000 steps too few? With DCGAN, on the same pictures, 900 of them bring" in told
    assert "the clipped WGAN to 0.60 and the penalised WGAN to 0.85 of the untrained" in told
    assert "(n = 2 seeds)" in told
    assert "too few?" not in depth.section(part)


@pytest.mark.parametrize(("value", "shown"), [(1e-6, (-0.01, 0.01)), (0.5, None)])
def test_a_critic_that_says_nothing_is_drawn_as_nothing(value, shown):
    """A value of 1e-6 is flat on the page; one of .5 fills its panel, which ends at 5 % beyond the line."""
    one = run("clip, 11 layers", 50, 0.5) | {
        "course": {"generator_step": [1, 2, 3], "kernel_distance": [0.5] * 3, "value": [value, value / 2, value]}
    }
    part = {"runs": [one], **summary.summarise([one], question.SUBJECTS["depth"].networks)}
    limits = figures.courses(part).axes[1].get_ylim()
    assert limits == shown if shown else 0.25 > limits[0] > 0.2 and 0.5 < limits[1] < 0.6


def test_random_architectures_are_drawn_from_the_papers_ranges():
    drawn = [question.drawn(number) for number in range(1, 31)]
    for name, values in question.RANDOM.items():
        assert {one[name] for one in drawn} == set(values)
    assert len({tuple(one.values()) for one in drawn}) == 30
    arms = arms_of("random")
    for number, one in enumerate(drawn, 1):
        clip, penalty, plain = (arms[f"{base}, architecture {number}"] for base in question.BASES)
        for settings in (clip, penalty, plain):
            assert settings.extra_layers == one["generator_depth"] - 4
            assert settings.critic_extra_layers == one["critic_depth"] - 4
            assert settings.generator == ("dcgan" if one["generator_norm"] else "dcgan-no-bn")
            assert settings.critic_channels == one["critic_channels"]
            assert settings.boost_every == settings.boost_generator_steps == 0
        assert clip.critic == plain.critic == ("dcgan" if one["critic_norm"] else "dcgan-no-bn")
        assert penalty.critic == ("dcgan-layer-norm" if one["critic_norm"] else "dcgan-no-bn")


def test_the_random_search_counts_who_learned():
    ends = {"clip": 0.9, "penalty": 0.5, "gan": 0.79}  # of the untrained
    runs = [
        run(f"{base}, architecture {number}", 40, end * 0.6 if number > 10 else 0.6)
        for base, end in ends.items()
        for number in range(1, 31)
    ]
    part = {"runs": runs, "generator_steps": 600}
    assert page.answer({"random": part}) == (
        "Of 30 random architectures 0 with the clipped WGAN, 20 with the penalised WGAN and 20 with the plain GAN come "
        "below 0.8 of the untrained distance."
    )
    # 11 and more: 3, 6, 8 and 9 of the 15 with a deep network without norm are below
    told = random_search._by_depth(random_search.parts_of(part))
    assert "15 of the 30 architectures have" in told.replace("\n", " ")
    assert "| penalised WGAN | 20 of 30 | 11 of 15 | 9 of 15 |" in told
    assert "| clipped WGAN | 0 of 30 | 0 of 15 | 0 of 15 |" in told
    half = {**part, "runs": runs[:45]}
    assert page.answer({"random": half}).endswith("Not answered yet: random architectures (45 of 90 trainings).")
