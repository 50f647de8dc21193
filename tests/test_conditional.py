"""Conditional GANs: labels beside latents and pictures, their updates by formula, a training, and what is drawn."""

import json
from typing import get_args, get_type_hints

import numpy as np
import pytest
from conftest import make_picture
from mxnet import nd
from PIL import Image
from training_fixtures import gradients_of, make_trainer, mlp_in_numpy, numbers_of

from gluon_wgan import streams
from gluon_wgan.command import call
from gluon_wgan.data import Batches, open_source
from gluon_wgan.data.labels import beside_latents, in_turn, planes
from gluon_wgan.errors import UserError
from gluon_wgan.interop.blocks import shapes_of
from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.models.sampling import load_generator, samples
from gluon_wgan.settings import Settings, preset_settings
from gluon_wgan.tools.generate import generate
from gluon_wgan.training.conditional import SeenLabels

CLASSES = 3
CRITICS = get_args(get_type_hints(Settings)["critic"])


def test_labels_by_hand():
    assert [in_turn(3, batch, 4).tolist() for batch in (0, 1, 2)] == [[0, 1, 2, 0], [1, 2, 0, 1], [2, 0, 1, 2]]
    latents = np.zeros((2, 12, 1, 1), np.float32)
    beside = beside_latents(latents, np.array([2, 0], np.uint8), 3)
    assert beside.dtype == np.float32 and beside.shape == (2, 15, 1, 1)
    assert beside[:, 12:, 0, 0].tolist() == [[0, 0, 2], [2, 0, 0]] and (beside[:, :12] == 0).all()
    seen = planes(np.array([1], np.uint8), 2, 3, np.float64)
    assert seen.dtype == np.float64 and seen.tolist() == [[np.zeros((3, 3)).tolist(), np.ones((3, 3)).tolist()]]
    with pytest.raises(IndexError):
        planes(np.array([2], np.uint8), 2, 3, np.float32)


def test_a_batch_has_its_pictures_labels():
    """Each picture's level is its label, so that they can be told apart."""
    labels = (np.arange(50) % 7).astype(np.uint8)
    pictures = np.tile(labels[:, None, None, None], (1, 4, 4, 1))
    rows = np.arange(3, 50)
    for share in (slice(None), slice(2, 5)):
        batches = Batches(pictures, 6, 1, rows=rows, labels=labels, share=share)
        for number in (0, 6, 7, 40):
            levels = np.rint((batches[number][:, 0, 0, 0] + 1) / 2 * 255)
            assert batches.labels_of(number).tolist() == levels.tolist()


def conditional(changes=None, dtype="float64", **arguments):
    """Return a trainer of pictures with labels."""
    return make_trainer(dtype, changes={"classes": CLASSES, **(changes or {})}, **arguments)


PENALISED = {"critic": "dcgan-layer-norm"}
UNCLIPPED = {"clip_bound": None, "gp_lambda": 10.0}


@pytest.mark.parametrize("labels", ["seen", "named"])
def test_the_penalised_update_is_that_of_the_whole_loss(labels):
    """Layer by layer, and by `autograd` from the whole loss: two ways to the same gradients, in float64."""
    changes = {**PENALISED, "critic_labels": labels}
    fast, plain = (conditional(changes, hybridize=how, **UNCLIPPED) for how in (True, False))
    ours, theirs = fast.differentiate_critic(), plain.differentiate_critic()
    assert ours.gradient_penalty.asscalar() == pytest.approx(theirs.gradient_penalty.asscalar(), rel=1e-10)
    for expected, given in zip(gradients_of(plain.critic).values(), gradients_of(fast.critic).values(), strict=True):
        assert np.abs(expected).max() > 0
        assert np.allclose(given, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    fast.differentiate_generator(), plain.differentiate_generator()
    for expected, given in zip(gradients_of(plain.generator).values(), gradients_of(fast.generator).values()):
        assert np.allclose(given, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


MLP = {"generator": "mlp", "critic": "mlp", "generator_channels": 5, "critic_channels": 6}


def mlp_trainer(labels):
    """Return a penalised trainer of MLPs, with weights that are not too small."""
    trainer = conditional({**MLP, "critic_labels": labels}, **UNCLIPPED)
    for parameter in trainer.critic.collect_params().values():
        parameter.set_data(3 * parameter.data())
    return trainer


def generated(trainer, purpose, labels):
    """Return the pictures of the first latents of a stream, with labels, as marks of 1 that 3 latents make."""
    latent = streams.normal(0, purpose, 0, (4, 3)).astype(float)
    marked = np.hstack([latent, np.eye(CLASSES)[labels]])[:, :, None, None]
    return trainer.generator(nd.array(marked, dtype="float64")).asnumpy()


def between(real, fake):
    share = streams.uniform(0, "interpolation_weights", 0, (4,)).astype(float).reshape(4, 1, 1, 1)
    return share * real + (1 - share) * fake


def test_the_critic_sees_pictures_with_their_labels_and_is_penalised_by_pictures_alone():
    """By an MLP in numpy, of what is concatenated by hand."""
    trainer = mlp_trainer("seen")
    weights = numbers_of(trainer.critic)
    labels, real = trainer.batches.labels_of(0), trainer.batches[0]
    fake = generated(trainer, "critic_latents", labels)
    beside = np.ones((1, 1, *real.shape[2:])) * np.eye(CLASSES)[labels][:, :, None, None]

    def critic(pictures):
        scores, gradient = mlp_in_numpy(weights, np.concatenate([pictures, beside], axis=1))
        return scores[:, 0], gradient[:, : pictures[0].size]

    update = trainer.critic_step()
    norms = np.linalg.norm(critic(between(real, fake))[1], axis=1)
    assert update.gradient_norm.asscalar() == pytest.approx(norms.mean(), rel=1e-10)
    assert update.gradient_penalty.asscalar() == pytest.approx(np.square(norms - 1).mean(), rel=1e-10)
    assert update.loss.asscalar() == pytest.approx(critic(fake)[0].mean() - critic(real)[0].mean(), rel=1e-9)


def cross_entropy(outputs, labels):
    logits = outputs[:, 1:]
    return (np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]).mean()


def test_the_critic_names_real_pictures_and_is_penalised_by_its_score_alone():
    """What it saw by an MLP in numpy, its gradients by differences of the loss in numpy."""
    trainer = mlp_trainer("named")
    labels, real = trainer.batches.labels_of(0), trainer.batches[0]
    fake = generated(trainer, "critic_latents", labels)

    def parts(weights):
        norms = np.linalg.norm(mlp_in_numpy(weights, between(real, fake))[1], axis=1)
        on_real, on_fake = mlp_in_numpy(weights, real)[0], mlp_in_numpy(weights, fake)[0]
        loss = on_fake[:, 0].mean() - on_real[:, 0].mean()
        return {
            "loss": loss,
            "gradient_penalty": np.square(norms - 1).mean(),
            "label_loss": cross_entropy(on_real, labels),
        }

    weights = numbers_of(trainer.critic)
    update = trainer.differentiate_critic()
    assert weights["main.6.weight"].shape == (1 + CLASSES, 6) and weights["main.0.weight"].shape == (6, 768)
    for name, expected in parts(weights).items():
        assert getattr(update, name).asscalar() == pytest.approx(expected, rel=1e-9), name

    def total(weights):
        found = parts(weights)
        return found["loss"] + 10 * found["gradient_penalty"] + found["label_loss"]

    parameters = trainer.critic._collect_params_with_prefix()
    assert_slopes(total, weights, {name: parameter.grad().asnumpy() for name, parameter in parameters.items()})


def test_the_generator_draws_what_is_named_as_it_was_asked_for():
    """By differences of -mean score + .1 cross-entropy, of labels 0, 1, 2, 0 and a critic in numpy."""
    trainer = mlp_trainer("named")
    critic, labels = numbers_of(trainer.critic), np.array([0, 1, 2, 0])
    parameters = trainer.generator._collect_params_with_prefix()

    def total(weights):
        for name, parameter in parameters.items():
            parameter.set_data(nd.array(weights[name], dtype="float64"))
        outputs, _ = mlp_in_numpy(critic, generated(trainer, "generator_latents", labels))
        return 0.1 * cross_entropy(outputs, labels) - outputs[:, 0].mean()

    loss = trainer.differentiate_generator().asscalar()
    gradients = {name: parameter.grad().asnumpy() for name, parameter in parameters.items()}
    outputs, _ = mlp_in_numpy(critic, generated(trainer, "generator_latents", labels))
    assert loss == pytest.approx(-outputs[:, 0].mean(), rel=1e-9)  # without the labels' part
    assert_slopes(total, numbers_of(trainer.generator), gradients)


def assert_slopes(total, weights, gradients):
    """Check gradients against central differences, along a random direction of each parameter."""
    rng, step = np.random.default_rng(5), 1e-6
    for name, gradient in gradients.items():
        direction = rng.standard_normal(gradient.shape)
        up, down = (total({**weights, name: weights[name] + sign * step * direction}) for sign in (1, -1))
        # rounding of totals of order 1 over the step: 1e-10; kinks of ReLU are not met at this seed
        assert (up - down) / (2 * step) == pytest.approx((direction * gradient).sum(), rel=1e-6, abs=1e-8), name
        assert np.abs(gradient).max() > 0, name


def test_a_label_moves_the_picture_and_the_score():
    trainer = conditional(dtype="float32")
    first, other = (trainer.latents("x", 0, 4, labels=np.full(4, label)) for label in (0, 1))
    made = [trainer.generator(latents).asnumpy() for latents in (first, other)]
    assert np.abs(made[0] - made[1]).max() > 1e-4
    pictures = nd.array(made[0])
    takes = SeenLabels(CLASSES).critic_takes
    scores = [trainer.critic(takes(pictures, np.full(4, label))).asnumpy() for label in (0, 1)]
    assert np.abs(scores[0] - scores[1]).max() > 1e-6
    # in turn, and on from batch to batch
    assert trainer.latents("x", 1, 4)[:, 3:, 0, 0].asnumpy().argmax(axis=1).tolist() == [1, 2, 0, 1]


SIZES = (
    "--image-size 32 --generator-channels 4 --critic-channels 4 --batch-size 8 --latent-dim 5 --n-critic 1 "
    "--n-critic-boost 1 --checkpoint-every 2"
).split()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a folder with cifar/, whose labels are 0 to 3, and run/, trained on it for 4 steps, stopped at 2."""
    place = tmp_path_factory.mktemp("conditional")
    (place / "cifar").mkdir()
    pictures = [make_picture(index, 32, 32).transpose(2, 0, 1).tobytes() for index in range(24)]
    records = [bytes([index % 4]) + picture for index, picture in enumerate(pictures)]
    (place / "cifar/data_batch_1.bin").write_bytes(b"".join(records))
    places = ["--data", str(place / "cifar"), "--cache-dir", str(place / "cache")]
    whole = ["train", *SIZES, "--classes", "4", "--generator-steps", "4", *places]
    call("train", [*whole[1:], "--out", str(place / "whole")])
    call("train", [*SIZES, "--classes", "4", "--generator-steps", "2", *places, "--out", str(place / "run")])
    call("train", ["--resume", "--generator-steps", "4", *places[2:], "--out", str(place / "run")])
    return place


def test_a_critic_that_names_labels_trains_and_resumes(trained, tmp_path):
    flags = [
        *SIZES,
        "--classes",
        "4",
        "--critic-labels",
        "named",
        "--preset",
        "wgan-gp-cifar",
        "--critic",
        "dcgan-no-bn",
    ]
    places = ["--data", str(trained / "cifar"), "--cache-dir", str(trained / "cache")]
    call("train", [*flags, "--generator-steps", "4", *places, "--out", str(tmp_path / "whole")])
    call("train", [*flags, "--generator-steps", "2", *places, "--out", str(tmp_path / "run")])
    call("train", ["--resume", "--generator-steps", "4", *places[2:], "--out", str(tmp_path / "run")])
    runs = [tmp_path / name / "checkpoints/step_0000004" for name in ("whole", "run")]
    for name in ("generator.params", "critic.params"):
        assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes()
    records = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    # a new critic guesses among 4
    assert records[0]["label_loss"] == pytest.approx(np.log(4), abs=0.2) and len(records) == 4
    assert "label_loss" not in json.loads((trained / "run/metrics.jsonl").read_text().splitlines()[0])
    assert len(list(generate(tmp_path / "run", "pictures", 3, None, 0, tmp_path, label=3).iterdir())) == 3


def test_a_training_with_labels_resumes_to_the_same_bits(trained):
    for name in ("generator.params", "critic.params"):
        last = "checkpoints/step_0000004"
        assert (trained / "run" / last / name).read_bytes() == (trained / "whole" / last / name).read_bytes()
    assert json.loads((trained / "run/config.json").read_text())["classes"] == 4


def test_one_label_is_drawn_as_it_is_among_all(trained, tmp_path):
    generator, settings, _ = load_generator(trained / "run")
    everything = samples(generator, settings, 40)
    folder = generate(trained / "run", "pictures", 7, None, 0, tmp_path, label=3)
    drawn = [np.asarray(Image.open(file)) for file in sorted(folder.iterdir())]
    assert folder.name.endswith("-label3") and len(drawn) == 7
    # a batch of 8 has every fourth
    assert np.array_equal(drawn, everything[3::4][:7])
    for kind in ("interpolation", "animation"):
        assert generate(trained / "run", kind, 8, None, 0, tmp_path, label=1).is_file()
        assert generate(trained / "run", kind, 8, None, 0, tmp_path).is_file()


@pytest.mark.parametrize("critic", [name for name in CRITICS if name != "text"])
@pytest.mark.parametrize("labels", ["seen", "named", None])
def test_every_critic_sees_or_names_labels(critic, labels):
    classes = {"classes": 10, "critic_labels": labels} if labels else {}
    sizes = {"image_size": 16, "critic_channels": 4, "depth": 11}
    settings = Settings(critic=critic, **sizes, **classes)
    channels, numbers = {"seen": (13, ()), "named": (3, (11,)), None: (3, ())}[labels]
    pictures = nd.array(np.random.default_rng(3).uniform(-1, 1, (2, channels, 16, 16)))
    assert build_critic(settings)(pictures).shape == (2, *numbers)


def test_networks_have_the_labels_inputs():
    settings = Settings(image_size=16, generator_channels=4, critic_channels=4, latent_dim=5, classes=10)
    assert settings.latent_numbers == 15
    inputs = {
        "generator": build_generator(settings)._collect_params_with_prefix()["main.0.weight"].shape[0],
        "critic": build_critic(settings)._collect_params_with_prefix()["main.0.weight"].shape[1],
    }
    assert inputs == {"generator": 15, "critic": 13}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 1}, "--classes: given 1; allowed: 0, or 2 to 256"),
        ({"classes": 257}, "--classes: given 257"),
        ({"classes": -1}, "--classes: given -1"),
        ({"classes": 10, "epoch_end": "cut"}, "--classes: given 10, with --epoch-end cut"),
        ({"critic_labels": "named"}, "--critic-labels: given named, without labels; allowed: it with --classes"),
        ({"classes": 10, "critic_labels": "heard"}, "--critic-labels: given 'heard'; allowed: seen, named"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        Settings(**changes)


def test_other_pictures_and_labels_are_refused(trained, tmp_path):
    (tmp_path / "folder").mkdir()
    for index in range(8):
        Image.fromarray(make_picture(index)).save(tmp_path / "folder" / f"{index}.png")
    assert open_source(tmp_path / "folder").labels() is None
    places = ["--out", str(tmp_path / "run"), "--cache-dir", str(tmp_path / "cache"), "--generator-steps", "1"]
    for data, classes, message in (
        (tmp_path / "folder", "4", "--classes: given 4, of folder; allowed: 0: there are no labels"),
        (trained / "cifar", "3", r"--classes: given 3, of 24 pictures with 24 labels, up to 3; allowed: 4, a label"),
    ):
        with pytest.raises(UserError, match=message):
            call("train", [*SIZES, "--classes", classes, "--data", str(data), *places])
    with pytest.raises(UserError, match="--classes: given 10, with a text generator"):
        preset = preset_settings("wgan-gp-text")
        Settings(**{**preset.to_json(), "category": (), "classes": 10})
    for label in (4, -1):
        with pytest.raises(UserError, match=f"--label: given {label}; allowed: 0 to 3"):
            generate(trained / "run", "grid", 4, None, 0, tmp_path, label=label)
    with pytest.raises(UserError, match="run: given one with 4 classes; allowed: one without"):
        shapes_of(load_generator(trained / "run")[1])


def test_without_classes_there_is_no_label(tmp_path):
    with pytest.raises(UserError, match="--label: given 1; allowed: none: it was trained without --classes"):
        generate("zoo:digits-28", "grid", 4, None, 0, tmp_path, label=1)
