"""Settings: the presets' table, every range, JSON there and back, overrides, and the name of a run."""

import dataclasses
import json

import pytest

from gluon_wgan.errors import UserError
from gluon_wgan.settings import Settings, default_run_name, flag_of, preset_settings

NAN, INF = float("nan"), float("inf")

# every numeric field, by what it may be
ABOVE_ZERO = {
    int: """image_size sequence_length generator_channels critic_channels latent_dim batch_size generator_steps
        n_critic n_critic_boost sample_every checkpoint_every depth""".split(),
    float: "clip_bound learning_rate critic_rmsprop_epsilon generator_rmsprop_epsilon".split(),
}
ZERO_OR_MORE = {
    int: "extra_layers boost_generator_steps boost_every seed".split(),
    float: ["gp_lambda", "rmsprop_initial_square"],
}
BELOW_ONE = {int: [], float: "rmsprop_decay adam_beta1 adam_beta2".split()}
CHOICES = """preset generator critic loss lipschitz clip_order optimizer epsilon_placement epoch_end bn_mode
    device""".split()

ALL_BUT_DEMO = {
    "image_size": 64,
    "generator_channels": 64,
    "critic_channels": 64,
    "latent_dim": 100,
    "batch_size": 64,
    "learning_rate": 5e-5,
    "clip_bound": 0.01,
    "generator_steps": 400_000,
    "checkpoint_every": 1000,
}
ORIGINAL = {
    "resize": "pil",
    "optimizer": "rmsprop",
    "rmsprop_decay": 0.99,
    "rmsprop_initial_square": 0.0,
    "epsilon_placement": "outside_sqrt",
    "critic_rmsprop_epsilon": 1e-8,
    "generator_rmsprop_epsilon": 1e-8,
    "clip_order": "before_update",
    "bn_mode": "batch",
    "n_critic": 5,
    "n_critic_boost": 100,
    "boost_generator_steps": 25,
    "boost_every": 500,
    "sample_every": 500,
    "seed": 0,
    "hold_out": False,
    "epoch_end": "run_on",  # ours; the original cuts
}
GLUONCV = {
    "resize": "gluoncv",
    "epsilon_placement": "inside_sqrt",
    "critic_rmsprop_epsilon": 1e-12,
    "generator_rmsprop_epsilon": 1e-14,
    "bn_mode": "running",
}
PAPER = {"clip_order": "after_update", "boost_generator_steps": 0, "boost_every": 0}
DEMO = {
    "image_size": 32,
    "generator_channels": 16,
    "critic_channels": 16,
    "generator_steps": 2000,
    "checkpoint_every": 250,
}
# Gulrajani et al. 2017, Algorithm 1's defaults: lambda 10, n_critic 5, alpha .0001, beta1 0, beta2 .9; batch 64
WGAN_GP = {
    "critic": "dcgan-layer-norm",
    "lipschitz": "gradient_penalty",
    "gp_lambda": 10,
    "gp_one_sided": False,
    "optimizer": "adam",
    "learning_rate": 1e-4,
    "adam_beta1": 0,
    "adam_beta2": 0.9,
    "n_critic": 5,
    "batch_size": 64,
    "boost_generator_steps": 0,
    "boost_every": 0,
    "generator_steps": 200_000,
}
PRESETS = {"wassersteingan": {}, "gluoncv": GLUONCV, "paper": PAPER, "wgan-gp": WGAN_GP, "demo": DEMO}


@pytest.mark.parametrize("name", PRESETS)
def test_presets(name):
    settings = preset_settings(name)
    for field, value in {**ALL_BUT_DEMO, **ORIGINAL, **PRESETS[name], "preset": name}.items():
        assert getattr(settings, field) == value, field
    assert settings.overrides() == []


def test_the_default_is_the_original_and_other_presets_are_refused():
    assert Settings() == preset_settings("wassersteingan")
    with pytest.raises(UserError, match=r"--preset: given 'wgan'; allowed: .*demo"):
        preset_settings("wgan")


def test_the_ranges_below_cover_every_number():
    listed = [name for group in (ABOVE_ZERO, ZERO_OR_MORE, BELOW_ONE) for names in group.values() for name in names]
    numbers = [field.name for field in dataclasses.fields(Settings) if field.type in (int, float)]
    assert sorted([*listed, "classes", "image_channels", "symbols"]) == sorted(numbers)


def cases():
    for kind in (int, float):
        for group, bad, good in (
            (ABOVE_ZERO, [0, -1, -1e-9, NAN, INF, -INF], [128]),
            (ZERO_OR_MORE, [-1, -1e-9, NAN, INF, -INF], [0, 3]),
            (BELOW_ONE, [-1, -1e-9, 1, 1.5, NAN, INF, -INF], [0, 0.999]),
        ):
            for name in group[kind]:
                yield name, [*bad, "64", None, *([128.5, 64.0, True] if kind is int else [])], good


@pytest.mark.parametrize(("name", "bad", "good"), list(cases()))
def test_ranges(name, bad, good):
    for value in bad:
        with pytest.raises(UserError) as raised:
            Settings(**{name: value})
        assert raised.value.what == flag_of(name) == "--" + name.replace("_", "-")
        assert str(value) in str(raised.value) and "allowed" in str(raised.value)
    for value in good:
        assert getattr(Settings(**{name: value}), name) == value


@pytest.mark.parametrize("name", CHOICES)
def test_an_unknown_choice_names_the_flag_and_the_choices(name):
    with pytest.raises(UserError, match=f"^{flag_of(name)}: given 'sideways'; allowed: ") as raised:
        Settings(**{name: "sideways"})
    assert str(getattr(Settings(), name)) in raised.value.allowed


def test_a_penalty_on_a_critic_with_batch_norm_is_refused():
    with pytest.raises(UserError, match=r"--critic: given dcgan, whose BatchNorm ties samples.*-layer-norm"):
        Settings(lipschitz="gradient_penalty")
    for critic in ("dcgan-layer-norm", "dcgan-no-bn", "mlp"):
        assert Settings(lipschitz="gradient_penalty", critic=critic).critic == critic


@pytest.mark.parametrize("size", [1, 8, 15, 24, 60, 63, 65, 96])
def test_image_sizes_for_dcgan(size):
    for network in ("dcgan", "dcgan-no-bn"):
        with pytest.raises(UserError, match=f"--image-size: given {size}; allowed: 16, 32, 64, 128"):
            Settings(image_size=size, generator=network, critic="mlp")
        with pytest.raises(UserError, match="--image-size"):
            Settings(image_size=size, generator="mlp", critic=network)
    assert Settings(image_size=size, generator="mlp", critic="mlp").image_size == size


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_image_channels(channels):
    with pytest.raises(UserError, match=f"--image-channels: given {channels}; allowed: "):
        Settings(image_channels=channels)


@pytest.mark.parametrize("symbols", [-1, 1, 2, 2049, 3.0])
def test_symbols(symbols):
    with pytest.raises(UserError, match=f"--symbols: given {symbols}; allowed: "):
        Settings(symbols=symbols)
    assert [Settings(symbols=good).symbols for good in (0, 3, 2048)] == [0, 3, 2048]


@pytest.mark.parametrize("half", [{"generator": "text"}, {"critic": "text"}])
def test_text_is_for_both_networks(half):
    with pytest.raises(UserError, match=r"--critic: given .*; allowed: text for both or neither"):
        Settings(**half)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generator": "mlp", "generator_nonlinearity": "tanh"}, "--generator-nonlinearity: given tanh, with mlp"),
        ({"critic": "conv5", "critic_nonlinearity": "relu"}, "--critic-nonlinearity: given relu, with conv5"),
        ({"critic": "mlp", "critic_extra_layers": 1}, "--critic-extra-layers: given 1, with mlp"),
        ({"critic_extra_layers": -1}, "--critic-extra-layers: given -1; allowed: 0 or more"),
        ({"critic_extra_layers": 1.5}, "--critic-extra-layers: given 1.5; allowed: a whole number"),
    ],
)
def test_what_is_dcgans_alone_is_refused_elsewhere(changes, message):
    with pytest.raises(UserError, match=message):
        Settings(**changes)


def test_an_unknown_resize():
    with pytest.raises(UserError, match=r"--resize: given '?bilinear'?.*pil"):
        Settings(resize="bilinear")


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().seed = 1


# --- JSON


@pytest.mark.parametrize("name", PRESETS)
def test_json_there_and_back(name):
    changes = {"category": ("bedroom_train", "church_outdoor_train"), "data": "pictures", "learning_rate": 1 / 3}
    settings = dataclasses.replace(preset_settings(name), **changes)
    config = json.loads(json.dumps({**settings.to_json(), "overrides": ["category"], "pictures": "xyz"}))
    assert Settings.from_json(config, "config.json") == settings
    assert set(settings.to_json()) == {field.name for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("name", ["seed", "category", "data"])
def test_a_missing_key_is_named_with_the_file(name):
    config = Settings().to_json()
    del config[name]
    with pytest.raises(UserError, match=f"^run/config.json: given no value for {name};"):
        Settings.from_json(config, "run/config.json")


@pytest.mark.parametrize("schema", [{}, {"schema": 2}])
def test_an_unknown_key_of_a_version_without_fingerprint_may_be_a_damaged_one(schema):
    config = {**Settings().to_json(), **schema}
    assert Settings.from_json({**config, "overrides": []}, "config.json") == Settings()
    with pytest.raises(UserError, match=r"^config\.json: given the unknown geneest, she; allowed: the"):
        Settings.from_json({**config, "she": 3, "geneest": "2f"}, "config.json")
    assert Settings.from_json({**config, "schema": 3, "later": 1}, "config.json") == Settings()


def test_a_config_that_was_edited_badly_is_refused():
    with pytest.raises(UserError, match="--seed"):
        Settings.from_json({**Settings().to_json(), "seed": "zero"}, "run/config.json")


# --- overrides and names


def test_overrides_are_those_of_the_settings_own_preset():
    assert dataclasses.replace(preset_settings("gluoncv"), resize="pil", n_critic=5).overrides() == ["resize"]
    assert Settings(preset="paper").overrides() == ["boost_generator_steps", "boost_every", "clip_order"]


def test_default_run_names():
    def name(preset="demo", **changes):
        return default_run_name(dataclasses.replace(preset_settings(preset), **changes))

    assert name() == "demo-pil-seed0"
    assert name("gluoncv") == "gluoncv-gluoncv-seed0"
    assert name(resize="cv2", seed=1, clip_bound=0.02) == "demo-cv2-seed1-clip_bound0.02"
    assert name("wgan-gp-text") == "wgan-gp-text-seed0"  # nothing is resized
    assert name(epoch_end="cut") == "demo-pil-seed0-epoch_endcut"
    assert name(data="/somewhere/lsun", category=("a", "b")) == "demo-pil-seed0-lsun-categorya+b"
    # what changes no weight is left out
    assert name(generator_steps=5, sample_every=1, checkpoint_every=1) == "demo-pil-seed0"


def test_run_names_stay_short_enough_for_a_folder():
    changes = dict.fromkeys(("batch_size", "latent_dim", "n_critic", "n_critic_boost", "boost_every"), 77)
    settings = Settings(data="d" * 240, **changes)
    assert len(default_run_name(settings)) <= 200
