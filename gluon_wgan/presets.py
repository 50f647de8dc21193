"""The presets: the settings in which each differs from the defaults, with its source. Without mxnet."""

_PENALTY = {
    "lipschitz": "gradient_penalty",
    "optimizer": "adam",
    "learning_rate": 1e-4,
    "boost_generator_steps": 0,
    "boost_every": 0,
    "generator_steps": 200_000,
}
# A course's homework as the third seed document lists it: the pair of 5x5 convolutions, one critic update a generator
# update. The document does not say the optimizers; ours are the course's usual ones.
_HOMEWORK = {
    "generator": "conv5",
    "critic": "conv5",
    "n_critic": 1,
    "boost_generator_steps": 0,
    "boost_every": 0,
    "learning_rate": 1e-4,
    "generator_steps": 50_000,
}

# A flag that differs from its preset is an override, and shows in the run's name.
PRESETS = {
    # github.com/martinarjovsky/WassersteinGAN, main.py with its default flags on LSUN
    "wassersteingan": {},
    # github.com/dmlc/gluon-cv, scripts/gan/wgan/train_wgan.py (0.3)
    "gluoncv": {
        "resize": "gluoncv",
        "epsilon_placement": "inside_sqrt",
        "critic_rmsprop_epsilon": 1e-12,
        "generator_rmsprop_epsilon": 1e-14,
        "bn_mode": "running",
    },
    # Arjovsky, Chintala, Bottou: Wasserstein GAN (2017), Algorithm 1
    "paper": {"clip_order": "after_update", "boost_generator_steps": 0, "boost_every": 0},
    # ours: the original at a size that a laptop trains in minutes
    "demo": {
        "image_size": 32,
        "generator_channels": 16,
        "critic_channels": 16,
        "generator_steps": 2000,
        "checkpoint_every": 250,
    },
    # Gulrajani et al.: Improved Training of Wasserstein GANs (2017), Algorithm 1; github.com/igul222/
    # improved_wgan_training at 10dc103, gan_64x64.py, its DCGAN pair (whose kernels are 5x5 and whose latents have 128
    # numbers; here they are the original's)
    "wgan-gp": {**_PENALTY, "critic": "dcgan-layer-norm", "adam_beta1": 0.0, "adam_beta2": 0.9},
    # the same, gan_cifar.py
    "wgan-gp-cifar": {
        **_PENALTY,
        "generator": "conv5",
        "critic": "conv5-no-bn",
        "generator_channels": 128,
        "critic_channels": 128,
        "latent_dim": 128,
        "image_size": 32,
        "adam_beta2": 0.9,
    },
    # the same, gan_mnist.py
    "wgan-gp-mnist": {
        **_PENALTY,
        "generator": "conv5-no-bn",
        "critic": "conv5-no-bn",
        "latent_dim": 128,
        "image_size": 28,
        "image_channels": 1,
        "batch_size": 50,
        "adam_beta2": 0.9,
    },
    # the same, gan_language.py, with the paper's ten critic updates
    "wgan-gp-text": {
        **_PENALTY,
        "generator": "text",
        "critic": "text",
        "generator_channels": 512,
        "critic_channels": 512,
        "latent_dim": 128,
        "n_critic": 10,
        "adam_beta2": 0.9,
        "hold_out": True,
    },
    # "strong": the gradient penalty, InstanceNorm in BatchNorm's place
    "hw6": {
        **_HOMEWORK,
        "critic": "conv5-instance-norm",
        "lipschitz": "gradient_penalty",
        "optimizer": "adam",
        "adam_beta1": 0.0,
        "adam_beta2": 0.9,
    },
    # weight clipping
    "hw6-medium": {**_HOMEWORK, "clip_order": "after_update"},
    # DCGAN: sigmoid and cross-entropy
    "hw6-simple": {**_HOMEWORK, "lipschitz": "none", "loss": "non_saturating", "optimizer": "adam"},
    # github.com/eriklindernoren/PyTorch-GAN, implementations/wgan/wgan.py, as the fifth seed document lists it: 200
    # epochs of 188 generator updates
    "mlp-mnist": {
        "generator": "mlp-mnist",
        "critic": "mlp-mnist",
        "generator_channels": 128,
        "critic_channels": 512,
        "image_size": 28,
        "image_channels": 1,
        "clip_order": "after_update",
        "boost_generator_steps": 0,
        "boost_every": 0,
        "generator_turn": "with_critic",
        "generator_steps": 37_600,
    },
}
