"""The PyTorch reference, made to depart as others do: an independent prediction of what each departure amounts to."""

import torch
from departures_of_training import distance, make_reference, pictures, reference, run, their_numbers
from reference import normalise


def predicted(departing, original=None):
    """Train a departing reference; return its distance from the original, as `departures_of_training` defines it."""
    run(departing)
    original = original or reference()
    pairs = ((departing.generator, original.generator), (departing.critic, original.critic))
    return max(distance(their_numbers(left), their_numbers(right)) for left, right in pairs)


class InsideRoot:
    """RMSprop with epsilon inside the root (mxnet 1.9.1, RMSPropUpdateKernel), in PyTorch."""

    def __init__(self, network, epsilon):
        self._weights = list(network.parameters())
        self._squares = [torch.zeros_like(weight) for weight in self._weights]
        self._epsilon = epsilon

    @torch.no_grad()
    def step(self):
        for weight, square in zip(self._weights, self._squares):
            square.mul_(0.99).addcmul_(weight.grad, weight.grad, value=0.01)
            weight.sub_(5e-5 * weight.grad / torch.sqrt(square + self._epsilon))


def with_epsilon_inside(**epsilons):
    """Return a reference with these epsilons of critic and generator."""
    departing = make_reference()
    departing.optimizers = {name: InsideRoot(getattr(departing, name), value) for name, value in epsilons.items()}
    return departing


def clipping_after(bound):
    """Return a reference that clips after each critic update."""
    departing = make_reference(clip_bound=float("inf"))

    @torch.no_grad()
    def clip(*_):
        for weight in departing.critic.parameters():
            weight.clamp_(-bound, bound)

    departing.optimizers["critic"].register_step_post_hook(clip)
    return departing


def dividing_gradients(by):
    """Return a reference that divides each gradient before the optimizer sees it."""
    departing = make_reference()
    for name, optimizer in departing.optimizers.items():

        @torch.no_grad()
        def divide(*_, name=name):
            for weight in getattr(departing, name).parameters():
                weight.grad /= by

        optimizer.register_step_pre_hook(divide)
    return departing


class Negated(torch.nn.Module):
    """A critic whose output has the other sign."""

    def __init__(self, critic):
        super().__init__()
        self.critic = critic

    def forward(self, images):
        return -self.critic(images)


class Gathered:
    """The running statistics that MXNet gathers of what a PyTorch BatchNorm layer sees: biased, and in backward."""

    def __init__(self, layer, clip):
        self.mean = torch.zeros_like(layer.running_mean)
        self.variance = torch.ones_like(layer.running_var)
        self._clip, self._waiting = clip, []
        layer.register_forward_hook(self._see)

    def _see(self, layer, inputs, _):
        if torch.is_grad_enabled():  # not so for the generator in a critic update: no backward follows
            values = inputs[0].detach()
            self._waiting.append((values.mean((0, 2, 3)), values.var((0, 2, 3), unbiased=False)))

    def gather(self, clips):
        """Move by the batches that wait, real pictures before generated ones: their backward pass has come."""
        for index, running in enumerate((self.mean, self.variance)):
            if clips:
                running.clamp_(-self._clip, self._clip)
            for batch in self._waiting:
                running.mul_(0.9).add_(batch[index], alpha=0.1)
        self._waiting.clear()


def gather_statistics(clip=float("inf")):
    """Train a reference; return it and {"generator" or "critic": [Gathered of each BatchNorm layer]}."""
    trained = make_reference()
    gathered = {
        name: [Gathered(layer, clip) for layer in getattr(trained, name).main if _is_batch_norm(layer)]
        for name in ("generator", "critic")
    }

    def after_critic(*_):
        for statistics in gathered["critic"]:
            statistics.gather(clips=True)

    def after_generator(*_):
        for statistics in gathered["critic"] + gathered["generator"]:
            statistics.gather(clips=False)

    trained.optimizers["critic"].register_step_post_hook(after_critic)
    trained.optimizers["generator"].register_step_post_hook(after_generator)
    return run(trained), gathered


def running_scores(**options):
    """Return the scores of eight pictures by what was gathered."""
    trained, gathered = gather_statistics(**options)
    layers = [layer for layer in trained.critic.main if _is_batch_norm(layer)]
    for layer, statistics in zip(layers, gathered["critic"], strict=True):
        layer.running_mean.copy_(statistics.mean)
        layer.running_var.copy_(statistics.variance)
    trained.critic.eval()
    with torch.no_grad():
        return trained.critic.scores(normalise(pictures()[:8]).to(torch.float64)).numpy()


def _is_batch_norm(layer):
    return isinstance(layer, torch.nn.BatchNorm2d)
