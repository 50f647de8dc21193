"""The critic's and the generator's updates. It gets objects, not flags."""

from typing import NamedTuple

import mxnet as mx
from mxnet import autograd, nd

from gluon_wgan import streams
from gluon_wgan.checkpoint import arrays_of, load_checkpoint, save_checkpoint
from gluon_wgan.data.labels import beside_latents, in_turn
from gluon_wgan.errors import UserError
from gluon_wgan.layers.linearised import leaf, parts_of
from gluon_wgan.lipschitz import (
    clip_weights,
    gradient_norm,
    gradient_penalty,
    interpolates,
    penalty_and_its_gradient,
)
from gluon_wgan.losses import critic_loss, generator_loss
from gluon_wgan.training.conditional import CRITIC_SHARE, GENERATOR_SHARE, NamedLabels, SeenLabels

_ALL = slice(None)


class CriticUpdate(NamedTuple):
    """What one critic update saw.

    Attributes
    ----------
    loss : mxnet.nd.NDArray
        (1,), without the penalty and the labels' loss.
    score_real, score_fake : mxnet.nd.NDArray
        (N,) of the real batch, and (batch_size,).
    gradient_penalty, gradient_norm : mxnet.nd.NDArray or None
        (1,): the penalty, not yet times lambda, and the mean norm of the input gradients; None without a penalty.
    label_loss : mxnet.nd.NDArray or None
        (1,): the cross-entropy of the real pictures' labels, where the critic names them.
    """

    loss: mx.nd.NDArray
    score_real: mx.nd.NDArray
    score_fake: mx.nd.NDArray
    gradient_penalty: mx.nd.NDArray | None = None
    gradient_norm: mx.nd.NDArray | None = None
    label_loss: mx.nd.NDArray | None = None

    def names(self):
        """Return the names of what there is."""
        return [name for name, value in self._asdict().items() if value is not None]

    def means(self):
        """Return the mean of each of `names`, as one array."""
        known = self._replace(score_real=self.score_real.mean(), score_fake=self.score_fake.mean())
        return nd.concat(*(value for value in known if value is not None), dim=0)


class Trainer:
    """The state of one training: two networks, their optimizers, and how far it is.

    Both networks are hybridized with static memory, unless `hybridize` is false. Latents and data order are drawn from
    `streams` by the number of the step, so that the state is only weights, averages and two counters.

    Parameters
    ----------
    generator, critic : mxnet.gluon.HybridBlock
        Initialised; all on one device.
    batches : sequence
        `batches[number]` is float32 (N, C, H, W) in [-1, 1], see `gluon_wgan.data.Batches`; `batches.batch_size`. N may
        fall short of it at an epoch's end; latents are a full batch all the same, as in the original code.
    generator_optimizer, critic_optimizer : mxnet.optimizer.Optimizer
        One each. If the critic's clips the weights itself (`RMSProp(clip_weights=...)`), give `clip_bound=None`.
    schedule : Schedule or EpochSchedule
    shared_latents : bool
        The generator's update takes the latents of the critic's last update, and both take as many as there are real
        pictures.
    loss : str
        See `gluon_wgan.losses`.
    clip_bound : float or None
        Clip the critic's trainable weights to +-clip_bound, by `set_data`.
    clip_order : str
        "before_update": before each critic update, as the original code does, so that the generator sees a critic that
        is one update outside the box. "after_update": as Algorithm 1.
    gp_lambda : float or None
        Weight of a gradient penalty on the critic, which is made of `gluon_wgan.layers`; None for no penalty.
    gp_one_sided : bool
        See `gluon_wgan.lipschitz.gradient_penalty`.
    latent_dim : int
    classes : int
        Labels that pictures have; 0 for none. Else `batches.labels_of(number)` gives a batch's, and the generator takes
        latents with labels, see `gluon_wgan.data.labels`. In the critic's update what is generated has the real
        pictures' labels, in the generator's 0, 1, ... in turn. The penalty is on the gradient by the pictures alone.
    critic_labels : str
        With classes: "seen" beside the pictures, or "named" by the critic, see `gluon_wgan.training.conditional`.
    seed : int
        Of the latents, and of the interpolation weights.
    share : slice
        Which of a batch's latents and interpolation weights are this trainer's, whose `batches` give these pictures
        alone; the others are those of other devices, see `gluon_wgan.training.team`. Not for batches with a tail.
    hybridize : bool
        False for the plain way of everything: nothing is hybridized, and `autograd` differentiates the whole loss of a
        penalised critic at once, which else is done layer by layer, in fewer operations.

    Raises
    ------
    UserError
        If there is no such clip_order or critic_labels; at the first step, if there is no such loss or the bound is out
        of its range.
    """

    def __init__(
        self,
        generator,
        critic,
        batches,
        *,
        generator_optimizer,
        critic_optimizer,
        schedule,
        shared_latents=False,
        loss="wasserstein",
        clip_bound=0.01,
        clip_order="before_update",
        gp_lambda=None,
        gp_one_sided=False,
        latent_dim=100,
        classes=0,
        critic_labels="seen",
        seed=0,
        share=_ALL,
        hybridize=True,
    ):
        if clip_order not in ("before_update", "after_update"):
            raise UserError("clip_order", repr(clip_order), "before_update or after_update")
        if critic_labels not in ("seen", "named"):
            raise UserError("critic_labels", repr(critic_labels), "seen or named")
        self.generator, self.critic, self.batches = generator, critic, batches
        self.schedule, self.shared_latents, self.loss = schedule, shared_latents, loss
        self.clip_bound, self.clip_order = clip_bound, clip_order
        self.gp_lambda, self.gp_one_sided = gp_lambda, gp_one_sided
        self.latent_dim, self.classes, self.seed, self.share = latent_dim, classes, seed, share
        self._labels = NamedLabels() if classes and critic_labels == "named" else SeenLabels(classes)
        if hybridize:
            # Without static_shape, no faster here: its operations hide from the engine that BatchNorm's backward writes
            # the running statistics, so that real and fake pictures would update the critic's in any order.
            generator.hybridize(static_alloc=True)
            critic.hybridize(static_alloc=True)
        self._trainable = {"generator": _trainable(generator), "critic": _trainable(critic)}
        weight = self._trainable["critic"][0].data()
        self._context, self._dtype = weight.context, weight.dtype
        optimizers = {"generator": generator_optimizer, "critic": critic_optimizer}
        self._updaters = {network: mx.optimizer.get_updater(optimizer) for network, optimizer in optimizers.items()}
        for network, updater in self._updaters.items():
            for index, parameter in enumerate(self._trainable[network]):
                updater.states[index] = updater.optimizer.create_state(index, parameter.data())
                updater.states_synced[index] = True
        self.generator_steps = self.critic_steps = 0
        self._by_layer = hybridize and gp_lambda is not None
        self._previous_loss = None

    def latents(self, purpose, index, count=None, share=_ALL, labels=None):
        """Return latents (count, latent_dim, 1, 1) ~ N(0, 1) of a stream, or a share; a batch of them by default.

        Where there are classes they come with labels, those given or all in turn: (count, latent_dim + classes, 1, 1).
        """
        count = count or self.batches.batch_size
        numbers = streams.normal(self.seed, purpose, index, (count, self.latent_dim, 1, 1))[share]
        if self.classes:
            labels = in_turn(self.classes, index, count)[share] if labels is None else labels
            numbers = beside_latents(numbers, labels, self.classes)
        if self._context == mx.cpu() and numbers.dtype == self._dtype:
            return nd.from_numpy(numbers)  # the same memory, which nobody else has
        return self._array(numbers)

    def _array(self, values):
        return nd.array(values, ctx=self._context, dtype=self._dtype)

    def critic_step(self):
        """Update the critic once, on the next batch; return a `CriticUpdate`."""
        update = self.differentiate_critic()
        self.update_critic(update)
        return update

    def differentiate_critic(self):
        """Do the first half of `critic_step`: leave the gradients in the parameters; return a `CriticUpdate`."""
        if self.clip_bound and self.clip_order == "before_update":
            clip_weights(self._trainable["critic"], self.clip_bound)
        real = self._array(self.batches[self.critic_steps])
        count = len(real) if self.shared_latents else None
        labels = self.batches.labels_of(self.critic_steps) if self.classes else None
        latent = self.latents("critic_latents", self.critic_steps, count, share=self.share, labels=labels)
        # train_mode, not record: batch statistics as in training, and no graph to keep
        with autograd.train_mode():
            fake = self.generator(latent)
        both = self._labels.critic_takes(real, labels), self._labels.critic_takes(fake, labels)
        return self._differentiate_by_layer(*both, labels) if self._by_layer else self._differentiate(*both, labels)

    def update_critic(self, update):
        """Do the second half of `critic_step`, with the gradients that are in the parameters now."""
        self._update("critic")
        if self.clip_bound and self.clip_order == "after_update":
            clip_weights(self._trainable["critic"], self.clip_bound)
        self.critic_steps += 1
        # MXNet runs ahead of Python: by one update, so that memory stays bounded and a progress bar true
        if self._previous_loss is not None:
            self._previous_loss.wait_to_read()
        self._previous_loss = update.loss

    def _losses(self, real, fake, labels):
        """Return a `CriticUpdate` without penalty, and the loss, of the critic's outputs on both kinds of pictures."""
        scores = self._labels.scores(real), self._labels.scores(fake)
        loss = critic_loss(self.loss, *scores)
        label_loss = self._labels.label_loss(real, labels)
        total = loss if label_loss is None else loss + CRITIC_SHARE * label_loss
        return CriticUpdate(loss, *scores, label_loss=label_loss), total

    def _differentiate(self, real, fake, labels):
        """Leave the gradients of the whole loss in the critic's parameters."""
        with autograd.record():
            update, total = self._losses(self.critic(real), self.critic(fake), labels)
            if self.gp_lambda is not None:
                _, gradient = self.critic.scores_and_input_gradient(self._between(real, fake))
                gradient = self._labels.of_pictures(gradient)
                penalty = gradient_penalty(gradient, self.gp_one_sided)
                update = update._replace(gradient_penalty=penalty, gradient_norm=gradient_norm(gradient).mean())
                total = total + self.gp_lambda * penalty
        total.backward()
        return update

    def _differentiate_by_layer(self, real, fake, labels):
        """Do as `_differentiate`, with the penalty, by `gluon_wgan.layers.linearised`."""
        gradients = {}
        between = self.critic.linearise(self._between(real, fake))
        input_gradient = self._labels.of_pictures(between.input_gradient())
        penalty, direction, norm = penalty_and_its_gradient(input_gradient, self.gp_one_sided, self.gp_lambda)
        between.push(self._labels.direction(direction))
        between.reverse(nd.zeros_like(between.output), gradients, to_input=False)
        both = self.critic.linearise(nd.concat(real, fake, dim=0))
        outputs = [leaf(both.output[: len(real)]), leaf(both.output[len(real) :])]
        with autograd.record():
            update, total = self._losses(*outputs, labels)
        both.reverse(nd.concat(*autograd.grad(total, outputs), dim=0), gradients, to_input=False)
        for parameter in self._trainable["critic"]:
            nd.add_n(*parts_of(gradients, parameter), out=parameter.grad())
        update = CriticUpdate(*(None if value is None else value.detach() for value in update))
        return update._replace(gradient_penalty=penalty, gradient_norm=norm.mean())

    def _between(self, real, fake):
        """Return interpolates; at an epoch's end real pictures may be fewer than the others."""
        count = len(real) if self.share == _ALL else self.batches.batch_size
        weights = streams.uniform(self.seed, "interpolation_weights", self.critic_steps, (count,))
        return interpolates(real, fake[: len(real)], weights[self.share])

    def generator_step(self):
        """Update the generator once; return generator_loss, a scalar array."""
        loss = self.differentiate_generator()
        self.update_generator()
        return loss

    def differentiate_generator(self):
        """Do the first half of `generator_step`: leave the gradients in the parameters; return generator_loss.

        The chain rule is applied in two halves, at the pictures: the critic's weight gradients are then never computed.
        """
        labels = None
        if self.shared_latents:
            last = self.critic_steps - 1
            latent = self.latents("critic_latents", last, len(self.batches[last]))
        else:
            if self.classes:
                labels = in_turn(self.classes, self.generator_steps, self.batches.batch_size)[self.share]
            latent = self.latents("generator_latents", self.generator_steps, share=self.share, labels=labels)
        with autograd.record():
            fake = self.generator(latent)
        pictures = leaf(self._labels.critic_takes(fake, labels))
        critic = self.critic.linearise(pictures) if self._by_layer else None
        with autograd.record():
            outputs = leaf(critic.output) if critic else self.critic(pictures)
            loss = total = generator_loss(self.loss, self._labels.scores(outputs))
            label_loss = self._labels.label_loss(outputs, labels)
            if label_loss is not None:
                total = loss + GENERATOR_SHARE * label_loss
        (gradient,) = autograd.grad(total, [outputs if critic else pictures])
        fake.backward(self._labels.of_pictures(critic.pull(gradient) if critic else gradient))
        return loss

    def update_generator(self):
        """Do the second half of `generator_step`, with the gradients that are in the parameters now."""
        self._update("generator")
        self.generator_steps += 1

    def gradients(self, network):
        """Return the gradients in the trainable parameters of "critic" or "generator"."""
        return [parameter.grad() for parameter in self._trainable[network]]

    def _update(self, network):
        updater = self._updaters[network]
        for index, (parameter, gradient) in enumerate(zip(self._trainable[network], self.gradients(network))):
            updater(index, gradient, parameter.data())

    def agree(self, stop, due):
        """Return both: nobody else has a say, see `gluon_wgan.training.team`."""
        return stop, due

    def critic_updates_left(self):
        """Return the critic updates before the next generator update."""
        until = self.schedule.critic_updates_until(self.generator_steps + 1)
        return until - self.critic_steps

    def save(self, folder, **state):
        """Write a checkpoint below `folder`, see `gluon_wgan.checkpoint`; further values go to its state.json."""
        within = self.critic_steps > self.schedule.critic_updates_until(self.generator_steps)
        progress = {"generator_steps": self.generator_steps, "critic_steps": self.critic_steps, "within_step": within}
        return save_checkpoint(folder, self.generator, self.critic, self._updaters, {**progress, **state})

    def load(self, path):
        """Go on from a checkpoint; return its state."""
        state = load_checkpoint(path, self.generator, self.critic, self._updaters)
        self.go_on_after(state["generator_steps"], state["critic_steps"])
        return state

    def arrays(self):
        """Return all arrays of the state, {name: mxnet.nd.NDArray}."""
        files = arrays_of(self.generator, self.critic, self._updaters)
        return {f"{file}:{name}": array for file, named in files.items() for name, array in named.items()}

    def go_on_after(self, generator_steps, critic_steps):
        """Set the counters of a state whose arrays are there."""
        self.generator_steps, self.critic_steps = generator_steps, critic_steps
        for network, done in (("generator", self.generator_steps), ("critic", self.critic_steps)):
            # Adam's bias correction counts updates from here
            optimizer = self._updaters[network].optimizer
            optimizer.begin_num_update = optimizer.num_update = done
            for counts in optimizer._all_index_update_counts.values():
                counts.clear()


def _trainable(block):
    return [parameter for parameter in block.collect_params().values() if parameter.grad_req != "null"]
