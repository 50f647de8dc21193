"""The table of names: which tensor of the original PyTorch code is which parameter of ours, and its shape.

It is arithmetic alone, so that a file is held against it before anything of that size is allocated.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One parameter: its name in the original's state dict, its name in ours, what it is, its shape.

    `kind` is weight, bias, gamma, beta, running_mean or running_var. `negated` marks the critic's last layer.
    """

    torch_name: str
    name: str
    kind: str
    shape: tuple[int, ...]
    negated: bool = False


@dataclass(frozen=True)
class GeneratorShape:
    """What decides the names and shapes of a generator's tensors; the values are those of `Settings`."""

    network: str
    image_size: int
    image_channels: int
    latent_dim: int
    channels: int
    extra_layers: int

    def __str__(self):
        extra = "" if self.network == "mlp" else f", {self.extra_layers} extra layers"
        return (
            f"a {self.network} generator of {self.image_size}x{self.image_size} pictures, {self.image_channels} image "
            f"channels, {self.channels} channels, latents of {self.latent_dim}{extra}"
        )


@dataclass(frozen=True)
class CriticShape:
    """What decides the names and shapes of a critic's tensors; the values are those of `Settings`."""

    network: str
    image_size: int
    image_channels: int
    channels: int
    extra_layers: int

    def __str__(self):
        extra = "" if self.network == "mlp" else f", {self.extra_layers} extra layers"
        return (
            f"a {self.network} critic of {self.image_size}x{self.image_size} pictures, {self.image_channels} image "
            f"channels, {self.channels} channels{extra}"
        )


def generator_layout(shape):
    """Return the entries of a generator, a list of `Entry`, in the order of its layers."""
    if shape.network == "mlp":
        return _mlp(shape.latent_dim, shape.channels, shape.image_channels * shape.image_size**2)
    table = _Table(batch_norm=shape.network == "dcgan")
    width = shape.channels * shape.image_size // 8
    # a transposed convolution's weight is (inputs, outputs, kernel, kernel) in both frameworks
    table.add("initial", f"{shape.latent_dim}-{width}:convt", (shape.latent_dim, width, 4, 4), width)
    while width > shape.channels:
        table.add("pyramid", f"{width}-{width // 2}:convt", (width, width // 2, 4, 4), width // 2)
        width //= 2
    for number in range(shape.extra_layers):
        table.add(f"extra-layers-{number}", f"{width}:conv", (width, width, 3, 3), width)
    table.add("final", f"{width}-{shape.image_channels}:convt", (width, shape.image_channels, 4, 4), None)
    return table.entries


def critic_layout(shape):
    """Return the entries of a critic, a list of `Entry`, in the order of its layers; the last layer's are negated."""
    if shape.network == "mlp":
        return _last_negated(_mlp(shape.image_channels * shape.image_size**2, shape.channels, 1))
    table = _Table(batch_norm=shape.network == "dcgan")
    width, side = shape.channels, shape.image_size // 2
    # a convolution's weight is (outputs, inputs, kernel, kernel)
    table.add("initial", f"{shape.image_channels}-{width}:conv", (width, shape.image_channels, 4, 4), None)
    for number in range(shape.extra_layers):
        table.add(f"extra-layers-{number}", f"{width}:conv", (width, width, 3, 3), width)
    while side > 4:
        table.add("pyramid", f"{width}-{2 * width}:conv", (2 * width, width, 4, 4), 2 * width)
        width, side = 2 * width, side // 2
    table.add("final", f"{width}-1:conv", (1, width, 4, 4), None)
    return _last_negated(table.entries)


def count_name(entry):
    """Return the name of a BatchNorm's num_batches_tracked, for which Gluon has no slot, given its running_var."""
    return entry.torch_name.removesuffix("running_var") + "num_batches_tracked"


class _Table:
    """Collects entries layer by layer; positions count activations too, in the original's Sequential as in ours."""

    def __init__(self, batch_norm):
        self.entries, self._batch_norm, self._position = [], batch_norm, 0

    def add(self, stage, layer, shape, normalised_width):
        """Add a convolution, its BatchNorm (if there is a width to normalise) and its activation."""
        self._append(f"{stage}:{layer}", {"weight": "weight"}, shape)
        if self._batch_norm and normalised_width is not None:
            kinds = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean", "running_var": "running_var"}
            self._append(f"{stage}:{normalised_width}:batchnorm", kinds, (normalised_width,))
        self._position += 1

    def _append(self, layer, kinds, shape):
        for torch_kind, kind in kinds.items():
            entry = Entry(f"main.{layer}.{torch_kind}", f"main.{self._position}.{kind}", kind, shape)
            self.entries.append(entry)
        self._position += 1


def _mlp(inputs, units, outputs):
    entries = []
    # a ReLU sits at each odd position
    for position, (given, returned) in zip(
        (0, 2, 4, 6), ((inputs, units), (units, units), (units, units), (units, outputs))
    ):
        for kind, shape in (("weight", (returned, given)), ("bias", (returned,))):
            name = f"main.{position}.{kind}"
            entries.append(Entry(name, name, kind, shape))
    return entries


def _last_negated(entries):
    last = entries[-1].name.rpartition(".")[0]
    return [
        Entry(entry.torch_name, entry.name, entry.kind, entry.shape, entry.name.rpartition(".")[0] == last)
        for entry in entries
    ]
