"""Training with the gradient penalty: by hand, to the same bits after a stop, and what it does to the critic."""

import json

import numpy as np
import pytest
from conftest import encode, make_picture
from mxnet import nd
from training_fixtures import make_trainer, mlp_in_numpy, numbers_of, run, same_bits, tiny_settings

from gluon_wgan import layers, streams
from gluon_wgan.errors import UserError
from gluon_wgan.interop.blocks import shapes_of
from gluon_wgan.lipschitz import penalty_and_its_gradient
from gluon_wgan.models import build_critic
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.tools.train import run as train
from gluon_wgan.training.trainer import Trainer

MLP = {"generator": "mlp", "critic": "mlp", "generator_channels": 5, "critic_channels": 6}
PENALISED = {"lipschitz": "gradient_penalty", "critic": "dcgan-layer-norm"}
UNCLIPPED = {"clip_bound": None, "gp_lambda": 10.0}


def total_loss(weights, real, fake, between, gp_lambda, one_sided):
    excess = np.sqrt(np.square(mlp_in_numpy(weights, between)[1]).sum(axis=1)) - 1
    penalty = np.square(np.maximum(excess, 0) if one_sided else excess).mean()
    return mlp_in_numpy(weights, fake)[0].mean() - mlp_in_numpy(weights, real)[0].mean() + gp_lambda * penalty


@pytest.mark.parametrize("one_sided", [False, True])
def test_a_critic_update_follows_the_whole_loss(one_sided):
    # weights large enough that some norms are above 1
    trainer = make_trainer("float64", changes=MLP, gp_one_sided=one_sided, **UNCLIPPED)
    for parameter in trainer.critic.collect_params().values():
        parameter.set_data(3 * parameter.data())
    weights = numbers_of(trainer.critic)
    real = trainer.batches[0]
    fake = trainer.generator(trainer.latents("critic_latents", 0)).asnumpy()
    share = streams.uniform(trainer.seed, "interpolation_weights", 0, (4,)).astype(float).reshape(4, 1, 1, 1)
    between = share * real + (1 - share) * fake
    update = trainer.critic_step()
    norms = np.sqrt(np.square(mlp_in_numpy(weights, between)[1]).sum(axis=1))
    assert norms.max() > 1
    assert update.gradient_norm.asscalar() == pytest.approx(norms.mean(), rel=1e-10)  # float64
    plain = total_loss(weights, real, fake, between, 0, one_sided)
    assert update.loss.asscalar() == pytest.approx(plain, rel=1e-10, abs=1e-12)
    whole = total_loss(weights, real, fake, between, 10.0, one_sided)
    assert update.gradient_penalty.asscalar() == pytest.approx((whole - plain) / 10, rel=1e-9)
    gradients = {
        name: parameter.grad().asnumpy() for name, parameter in trainer.critic._collect_params_with_prefix().items()
    }
    largest = max(np.abs(gradient).max() for gradient in gradients.values())
    rng = np.random.default_rng(0)
    for name, gradient in gradients.items():
        for place in rng.integers(gradient.size, size=4):
            differences = []
            for step in (1e-6, -1e-6):
                moved = {key: value.copy() for key, value in weights.items()}
                moved[name].flat[place] += step
                differences.append(total_loss(moved, real, fake, between, 10.0, one_sided))
            # central differences of step 1e-6 are good to some 1e-9 of the loss's size over the step
            assert gradient.flat[place] == pytest.approx((differences[0] - differences[1]) / 2e-6, abs=1e-6 * largest)


def test_a_penalty_of_weight_0_is_none():
    without, with_none = (
        make_trainer("float64", changes={"critic": "dcgan-layer-norm"}, clip_bound=None, gp_lambda=weight)
        for weight in (None, 0.0)
    )
    run(without), run(with_none)
    for name, values in numbers_of(without.critic).items():
        # the gradient of 0 times the penalty is 0, added to the others
        assert np.allclose(values, numbers_of(with_none.critic)[name], rtol=1e-10, atol=1e-13), name


@pytest.mark.parametrize(
    ("critic", "changes", "arguments"),
    [
        ("dcgan-layer-norm", {}, {}),
        ("dcgan-layer-norm", {"extra_layers": 1}, {"tail": True, "shared_latents": True}),
        ("dcgan-no-bn", {}, {"gp_one_sided": True}),
        ("conv5-instance-norm", {}, {"loss": "non_saturating"}),
        ("mlp", {}, {"loss": "minimax"}),
        ("mlp-mnist", {"image_channels": 1}, {}),
    ],
)
def test_layer_by_layer_is_the_same_training_as_by_autograd(critic, changes, arguments):
    found = []
    for by_layer in (True, False):
        given = {**UNCLIPPED, **arguments, "hybridize": by_layer}
        trainer = make_trainer("float64", changes={"critic": critic, **changes}, **given)
        for parameter in trainer.critic.collect_params().values():
            parameter.set_data(2 * parameter.data())  # norms on both sides of 1
        updates = [trainer.critic_step() for _ in range(3)]
        losses = [trainer.generator_step().asscalar(), trainer.critic_step().loss.asscalar()]
        gradients = [p.grad().asnumpy() for p in trainer.critic.collect_params().values() if p.grad_req != "null"]
        found.append((updates, losses, gradients, numbers_of(trainer.critic), numbers_of(trainer.generator)))
    for ours, theirs in zip(found[0][0], found[1][0]):
        assert ours.names() == theirs.names()
        for name in ours.names():
            mine, other = (getattr(update, name).asnumpy() for update in (ours, theirs))
            assert mine.shape == other.shape and np.allclose(mine, other, rtol=1e-9, atol=1e-12), name
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-9)
    for ours, theirs in zip(found[0][2], found[1][2]):
        # of a gradient that is 0 in theory, only the rounding is left
        assert np.allclose(ours, theirs, rtol=1e-8, atol=1e-11)
    for ours, theirs in zip(found[0][3:], found[1][3:]):
        for name, values in ours.items():
            assert np.allclose(values, theirs[name], rtol=1e-8, atol=1e-9), name


def test_it_pulls_the_norm_to_1_and_clips_nothing():
    trainer = make_trainer(changes=PENALISED, **UNCLIPPED)
    first = trainer.critic_step()
    for _ in range(150):
        last = trainer.critic_step()
    assert abs(last.gradient_norm.asscalar() - 1) < 0.3 < abs(first.gradient_norm.asscalar() - 1)
    assert last.gradient_penalty.asscalar() < 0.2 * first.gradient_penalty.asscalar()
    assert max(np.abs(values).max() for values in numbers_of(trainer.critic).values()) > 0.06


@pytest.mark.parametrize("hybridize", [False, True])
def test_stopped_and_gone_on_it_is_the_same_bits(tmp_path, hybridize):
    whole, stopped, resumed = (make_trainer(changes=PENALISED, hybridize=hybridize, **UNCLIPPED) for _ in range(3))
    run(whole, 4)
    run(stopped, 2)
    stopped.critic_step()  # saved between two critic updates
    resumed.load(stopped.save(tmp_path))
    run(resumed, 2)
    assert same_bits(numbers_of(whole.critic), numbers_of(resumed.critic))
    assert same_bits(numbers_of(whole.generator), numbers_of(resumed.generator))


def test_a_short_batch_at_an_epochs_end():
    trainer = make_trainer(changes=PENALISED, tail=True, **UNCLIPPED)
    run(trainer, 3)  # batches of 4, 4, 2
    assert np.isfinite(trainer.critic_step().gradient_penalty.asscalar())


def test_each_sample_has_its_own_interpolation_weight():
    weights = streams.uniform(0, "interpolation_weights", 0, (64,))
    assert len(np.unique(weights)) == 64


@pytest.mark.parametrize("critic", ["dcgan-layer-norm", "dcgan-no-bn", "mlp"])
def test_settings_critics_give_their_input_gradient(critic):
    network = build_critic(tiny_settings(critic=critic, critic_channels=8))
    images = nd.array(np.random.default_rng(0).uniform(-1, 1, (3, 3, 16, 16)))
    scores, gradient = network.scores_and_input_gradient(images)
    # the same kernels in float32, in another graph
    assert np.allclose(scores.asnumpy(), network(images).asnumpy(), rtol=1e-5, atol=1e-6)
    assert gradient.shape == images.shape
    assert np.abs(gradient.asnumpy()).max() > 0


def test_a_critic_with_batch_norm_has_none():
    network = build_critic(tiny_settings())
    with pytest.raises(UserError, match=r"--critic: given one with BatchNorm.*-layer-norm"):
        network.scores_and_input_gradient(nd.zeros((2, 3, 16, 16)))


def test_layer_norm_starts_at_scale_1_and_shift_0():
    parameters = numbers_of(build_critic(tiny_settings(critic="dcgan-layer-norm", image_size=32)))
    assert set(parameters["main.3.gamma"]) == {1.0} and set(parameters["main.3.beta"]) == {0.0}
    assert not [name for name in parameters if "running" in name]


def test_the_originals_have_no_such_critic():
    generator, critic = shapes_of(tiny_settings(critic="dcgan-layer-norm"))
    assert (generator.network, critic) == ("dcgan", None)
    with pytest.raises(UserError, match=r"run: given one whose generator is conv5"):
        shapes_of(tiny_settings(generator="conv5"))


def test_from_the_command_line(picture_folder, tmp_path):
    for index in range(20, 40):
        (picture_folder / f"{index}.png").write_bytes(encode(make_picture(index)))
    flags = ["--preset", "wgan-gp", "--data", picture_folder, "--out", tmp_path / "run", "--image-size", 16]
    flags += ["--generator-channels", 2, "--critic-channels", 2, "--batch-size", 8, "--generator-steps", 3]
    flags += ["--cache-dir", tmp_path / "cache"]
    train([str(flag) for flag in flags])
    records = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert len(records) == 3
    for record in records:
        assert record["gradient_penalty"] > 0 and record["gradient_norm"] > 0
        assert record["critic_loss"] == pytest.approx(-record["em_distance_estimate"], rel=1e-5, abs=1e-7)
    assert records[-1]["critic_steps"] == 15
    train([str(flag) for flag in [*flags[:-1], tmp_path / "cache", "--resume"]])  # nothing left to do


def test_an_rmsprop_that_clips_is_not_asked_for():
    # --lipschitz gradient_penalty --optimizer rmsprop --clip-order after_update: no bound hides in the kernel
    from gluon_wgan.training.build import _optimizer, build_trainer

    settings = tiny_settings(**PENALISED, clip_order="after_update")
    trainer = build_trainer(settings, make_trainer().batches, nd.zeros(1).context)
    optimizer = trainer._updaters["critic"].optimizer
    assert isinstance(optimizer, RMSProp) and optimizer.clip_weights is None
    assert _optimizer(settings, 1e-8, 0.01).clip_weights == 0.01


class _WithSpare(layers.Flatten):
    """A layer with a parameter that it never uses."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.spare = self.params.get("spare", shape=(2,), init="ones")

    def hybrid_forward(self, F, x, spare):
        return super().hybrid_forward(F, x)


@pytest.mark.parametrize("hybridize", [True, False])
def test_a_parameter_that_no_layer_uses_stays_as_it_is(hybridize):
    trainer = make_trainer(changes={"critic": "mlp"}, **UNCLIPPED)
    critic = layers.Critic()
    critic.add(_WithSpare(), layers.Dense(1, in_units=3 * 16 * 16))
    critic.initialize()
    own = Trainer(
        trainer.generator,
        critic,
        trainer.batches,
        generator_optimizer=RMSProp(learning_rate=1e-3),
        critic_optimizer=RMSProp(learning_rate=1e-3),
        schedule=trainer.schedule,
        latent_dim=3,
        hybridize=hybridize,
        **UNCLIPPED,
    )
    before = numbers_of(critic)
    own.critic_step()
    after = numbers_of(critic)
    assert (after["0.spare"] == 1).all() and (after["1.weight"] != before["1.weight"]).any()


def test_a_callers_pictures_stay_its_own():
    trainer = make_trainer(changes=PENALISED, **UNCLIPPED)
    before = trainer.batches[0].copy()
    trainer.critic_step()
    assert trainer.batches[0].flags.writeable and (trainer.batches[0] == before).all()


def test_an_input_gradient_without_samples_and_numbers_is_refused():
    for dtype in ("float32", "float64"):
        with pytest.raises(UserError, match=r"input_gradient: given \(3,\).*two axes"):
            penalty_and_its_gradient(nd.zeros((3,), dtype=dtype))
