"""The two updates against plain numpy, tails of epochs, what each leaves alone, the schedule, the sign, and samples."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from training_fixtures import (
    FixedBatches,
    NumpyMLP,
    gradients_of,
    make_trainer,
    numbers_of,
    run,
    same_bits,
    tiny_settings,
)

from gluon_wgan import streams
from gluon_wgan.errors import UserError
from gluon_wgan.losses import generator_loss
from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.models.sampling import sample
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.schedule import EpochSchedule, Schedule
from gluon_wgan.training.build import build_trainer
from gluon_wgan.training.trainer import Trainer

MLP = {"generator": "mlp", "critic": "mlp", "generator_channels": 6, "critic_channels": 5, "image_size": 4}
BOUND = 0.06


# --- the schedule in the trainer


def test_updates_left():
    trainer = make_trainer(changes=MLP, schedule=Schedule(2, 3, 1, 0))
    left = []
    for _ in range(2):
        while trainer.critic_updates_left():
            left.append(trainer.critic_updates_left())
            trainer.critic_step()
        trainer.generator_step()
    assert left == [3, 2, 1, 2, 1]
    assert (trainer.critic_steps, trainer.generator_steps) == (5, 2)


def test_updates_left_where_epochs_cut():
    trainer = make_trainer(changes=MLP, tail=True, schedule=Schedule(2, 5, 1, 0, batches_an_epoch=3))
    left, real_pictures = [], []
    for _ in range(4):
        while trainer.critic_updates_left():
            left.append(trainer.critic_updates_left())
            update = trainer.critic_step()
            real_pictures.append(len(update.score_real))
            assert len(update.score_fake) == 4  # latents are a full batch, as in the original
        trainer.generator_step()
    assert left == [3, 2, 1, 2, 1, 1, 2, 1]
    assert real_pictures == [4, 4, 2, 4, 4, 2, 4, 4]


# --- the arithmetic of a whole update


@pytest.mark.parametrize("tail", [False, True])
@pytest.mark.parametrize("hybridize", [False, True])
@pytest.mark.parametrize("clip_order", ["before_update", "after_update"])
def test_updates_equal_numpy(clip_order, hybridize, tail):
    arguments = {"clip_order": clip_order, "hybridize": hybridize, "clip_bound": BOUND, "tail": tail}
    trainer = make_trainer("float64", changes=MLP, **arguments)
    nets = {}
    for name, network in (("generator", trainer.generator), ("critic", trainer.critic)):
        values = list(numbers_of(network).values())
        nets[name] = NumpyMLP(list(zip(values[::2], values[1::2])))
    # a power of two, and so is a tail: the last bias's gradient, sum 1/N - sum 1/N, is 0 exactly
    count = trainer.batches.batch_size
    rmsprop = {"learning_rate": 1e-3, "decay": 0.99, "epsilon": 1e-8}
    start = numbers_of(trainer.generator), numbers_of(trainer.critic)
    for update in range(6):
        if update % 3 < 2:
            step = trainer.critic_steps
            loss, score_real, score_fake = trainer.critic_step()[:3]
            if clip_order == "before_update":
                nets["critic"].clip(BOUND)
            latent = streams.normal(0, "critic_latents", step, (count, 3)).astype(np.float64)
            real = trainer.batches[step]
            assert len(real) == (count // 2 if tail and step == 2 else count)
            sets = {"real": real.reshape(len(real), -1), "fake": nets["generator"].forward(latent)}
            scores, gradients = {}, []
            for which, sign in (("real", -1), ("fake", 1)):
                scores[which] = nets["critic"].forward(sets[which])
                gradients.append(nets["critic"].backward(np.full((len(sets[which]), 1), sign / len(sets[which])))[0])
            total = [tuple(map(np.add, *layers)) for layers in zip(*gradients)]
            nets["critic"].rmsprop(total, **rmsprop)
            if clip_order == "after_update":
                nets["critic"].clip(BOUND)
            close(score_real, scores["real"].ravel())
            close(score_fake, scores["fake"].ravel())
            close(loss, [scores["fake"].mean() - scores["real"].mean()])
        else:
            latent = streams.normal(0, "generator_latents", trainer.generator_steps, (count, 3)).astype(np.float64)
            loss = trainer.generator_step()
            score = nets["critic"].forward(nets["generator"].forward(latent))
            _, by_pictures = nets["critic"].backward(np.full((count, 1), -1 / count))
            gradients, _ = nets["generator"].backward(by_pictures)
            nets["generator"].rmsprop(gradients, **rmsprop)
            close(loss, [-score.mean()])
        for name, network in (("generator", trainer.generator), ("critic", trainer.critic)):
            ours = list(network.collect_params().values())
            theirs = [values for pair in nets[name].layers for values in pair]
            for parameter, expected in zip(ours, theirs, strict=True):
                close(parameter.data(), expected)
    for network, before in zip((trainer.generator, trainer.critic), start):
        after = numbers_of(network)
        assert all(np.abs(after[name] - before[name]).max() > 1e-3 for name in before if "weight" in name)
    largest = max(np.abs(values).max() for pair in nets["critic"].layers for values in pair)
    assert largest == BOUND if clip_order == "after_update" else BOUND < largest < BOUND + 0.02


def close(ours, expected):
    # float64 sums of some dozen terms, times RMSprop's division by roots of order 1e-3
    assert np.allclose(ours.asnumpy(), expected, rtol=1e-10, atol=1e-12)


def test_the_chain_rule_in_two_halves_is_the_plain_gradient():
    trainer, twin = make_trainer(), make_trainer()
    latent = twin.latents("generator_latents", 0)
    with autograd.record():
        loss = generator_loss("wasserstein", twin.critic(twin.generator(latent)))
    loss.backward()
    assert trainer.generator_step().asscalar() == pytest.approx(loss.asscalar(), rel=1e-5)
    plain, halves = gradients_of(twin.generator), gradients_of(trainer.generator)
    for expected, ours in zip(plain.values(), halves.values(), strict=True):
        # float32 and the same kernels; relative to the largest of each weight's gradients
        assert np.abs(expected).max() > 0
        assert np.allclose(ours, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("place", ["inside_sqrt", "outside_sqrt"])
def test_the_optimizers_own_clip_equals_clip_weights_bit_for_bit(place):
    config = tiny_settings(clip_order="after_update", epsilon_placement=place)
    fused = build_trainer(config, FixedBatches(config), mx.cpu())
    apart = Trainer(
        build_generator(config),
        build_critic(config),
        FixedBatches(config),
        generator_optimizer=RMSProp(1e-3, epsilon_placement=place),
        critic_optimizer=RMSProp(1e-3, epsilon_placement=place),
        schedule=fused.schedule,
        clip_bound=0.01,
        clip_order="after_update",
        latent_dim=3,
    )
    assert fused.clip_bound is None
    run(fused), run(apart)
    assert same_bits(numbers_of(fused.critic), numbers_of(apart.critic))
    assert same_bits(numbers_of(fused.generator), numbers_of(apart.generator))
    weights = [p.data().asnumpy() for p in fused.critic.collect_params().values() if p.grad_req != "null"]
    assert max(np.abs(values).max() for values in weights) == np.float32(0.01)


@pytest.mark.parametrize("tail", [False, True])
def test_hybridized_equals_not(tail):
    plain, hybrid = (make_trainer("float64", hybridize=hybridize, tail=tail) for hybridize in (False, True))
    run(plain), run(hybrid)
    for network in ("generator", "critic"):
        expected = numbers_of(getattr(plain, network))
        for name, ours in numbers_of(getattr(hybrid, network)).items():
            # float64; RMSprop divides small gradients by their own size and makes their rounding visible
            assert np.allclose(ours, expected[name], rtol=1e-8, atol=1e-10), name


def test_hybridized_networks_take_a_tails_size_and_the_full_one_again():
    trainers = [make_trainer(hybridize=hybridize, tail=True) for hybridize in (False, True)]
    for _ in range(8):  # 12 critic updates, 4 epochs; static memory is laid out anew at each change of size
        for _ in range(trainers[0].critic_updates_left()):
            same_results(*(trainer.critic_step()[:3] for trainer in trainers))
        same_results(*([trainer.generator_step()] for trainer in trainers))
    assert trainers[0].critic_steps == 12


def same_results(plain, hybrid):
    for expected, ours in zip(plain, hybrid, strict=True):
        expected, ours = expected.asnumpy(), ours.asnumpy()
        assert expected.shape == ours.shape
        # float32 and the same kernels: bit-equal where measured; memory of another picture would differ by its size
        assert np.allclose(ours, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_the_critics_running_statistics_take_real_and_fake_in_one_order():
    # a slow generator: the real pictures are through the critic before there are fakes, and the engine, if it believed
    # the two backward passes independent, would take the real ones first
    plain, hybrid = (make_trainer(changes={"generator_channels": 48}, hybridize=hybridize) for hybridize in (0, 1))
    run(plain, 2), run(hybrid, 2)
    expected, ours = numbers_of(plain.critic), numbers_of(hybrid.critic)
    for name in ("main.3.running_mean", "main.3.running_var"):
        # another order moves them by .01 of the difference between real and fake, 1e-4 or more; float32 by 1e-6
        assert np.allclose(ours[name], expected[name], rtol=1e-5, atol=1e-6)


def test_the_critics_fakes_are_made_with_batch_statistics():
    trainer, twin = (make_trainer(hybridize=hybridize, clip_bound=None) for hybridize in (True, False))
    latent = twin.latents("critic_latents", 0)
    scores = {}
    for mode in (autograd.train_mode, autograd.predict_mode):
        with mode():
            fake = twin.generator(latent)
        with autograd.train_mode():
            scores[mode] = twin.critic(fake).asnumpy()
    score_fake = trainer.critic_step().score_fake
    assert not np.allclose(scores[autograd.train_mode], scores[autograd.predict_mode], rtol=1e-2, atol=0)
    assert np.allclose(score_fake.asnumpy(), scores[autograd.train_mode], rtol=1e-5, atol=1e-7)  # float32


# --- what an update leaves alone


def test_a_critic_step_changes_nothing_of_the_generator():
    trainer = make_trainer()
    run(trainer, 1)
    generator, critic = numbers_of(trainer.generator), numbers_of(trainer.critic)
    gradients = gradients_of(trainer.generator)
    trainer.critic_step()
    assert same_bits(numbers_of(trainer.generator), generator)  # running statistics among them
    assert same_bits(gradients_of(trainer.generator), gradients)
    assert not same_bits(numbers_of(trainer.critic), critic)


def test_a_generator_step_leaves_the_critics_weights_and_gradients_alone():
    trainer = make_trainer()
    trainer.critic_step()
    before = {name: values for name, values in numbers_of(trainer.critic).items() if "running" not in name}
    gradients, generator = gradients_of(trainer.critic), numbers_of(trainer.generator)
    trainer.generator_step()
    after = {name: values for name, values in numbers_of(trainer.critic).items() if "running" not in name}
    assert same_bits(after, before)
    assert same_bits(gradients_of(trainer.critic), gradients)
    assert not same_bits(numbers_of(trainer.generator), generator)


# --- sign


class OneBatch(list):
    batch_size = 4


def critic_trained_on(real, fake):
    trainer = Trainer(
        gluon.nn.Lambda(lambda latent: nd.array(fake)),
        build_critic(tiny_settings()),
        OneBatch([real] * 40),
        generator_optimizer=RMSProp(),
        critic_optimizer=RMSProp(learning_rate=1e-3),
        schedule=Schedule(),
        latent_dim=3,
        hybridize=False,
    )
    for _ in range(40):
        _, score_real, score_fake = trainer.critic_step()[:3]
    return (score_real.mean() - score_fake.mean()).asscalar()


def test_a_trained_critic_scores_real_higher_and_swapping_the_sets_flips_it():
    rng = np.random.default_rng(0)
    one, other = (sign * rng.uniform(0.2, 1, (4, 3, 16, 16)).astype(np.float32) for sign in (1, -1))
    one[:, :, ::2], other[:, :, 1::2] = -1, 1  # BatchNorm sees a pattern, not only a level
    estimate, swapped = critic_trained_on(one, other), critic_trained_on(other, one)
    assert estimate > 1e-4 and swapped > 1e-4  # each critic rates its own real pictures higher


# --- samples


def test_samples_by_batch_and_by_running_statistics_differ_and_change_nothing():
    trainer = make_trainer()
    run(trainer, 2)
    before, latent = numbers_of(trainer.generator), trainer.latents("fixed_latents", 0, 6)
    batch, running = (sample(trainer.generator, latent, mode) for mode in ("batch", "running"))
    assert batch.shape == running.shape == (6, 3, 16, 16)
    assert np.abs(batch - running).max() > 1e-3
    assert same_bits(numbers_of(trainer.generator), before)
    # one picture alone: by running statistics the same, by its own another
    assert np.allclose(sample(trainer.generator, latent[:1], "running"), running[:1], rtol=1e-5, atol=1e-6)  # float32
    assert np.abs(sample(trainer.generator, latent[:1], "batch") - batch[:1]).max() > 1e-3


def test_unknown_choices_are_refused():
    with pytest.raises(UserError, match="bn_mode"):
        sample(make_trainer().generator, nd.ones((1, 3, 1, 1)), "eval")
    with pytest.raises(UserError, match="clip_order"):
        make_trainer(clip_order="sometimes")
    with pytest.raises(UserError, match="critic_labels: given 'heard'; allowed: seen or named"):
        make_trainer(critic_labels="heard")
    with pytest.raises(UserError, match="--loss"):
        make_trainer(loss="hinge").critic_step()


def test_turns_with_the_critic_share_its_latents():
    # 3 batches an epoch, the last with 2 of 4 pictures; a turn after batches 0 and 2 of each
    trainer = make_trainer(changes=MLP, tail=True, schedule=EpochSchedule(2, 3), shared_latents=True)
    drawn = []
    whole = trainer.latents

    def noted(purpose, index, count=None, **share):
        drawn.append((purpose, index, count))
        return whole(purpose, index, count, **share)

    trainer.latents = noted
    run(trainer, 3)
    counts = {0: 4, 1: 4, 2: 2, 3: 4}
    expected = [0, 0, 1, 2, 2, 3, 3]  # critic, generator, critic, critic, generator, ...
    assert drawn == [("critic_latents", index, counts[index]) for index in expected]
