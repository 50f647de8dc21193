"""Does a language model train that samples no symbols? Arms, seeds, measure and criterion, fixed before any run."""

from dataclasses import dataclass

from gluon_wgan.flags import optional
from gluon_wgan.studies.plan import TrainingFlags

PLACE = 57
TITLE = "A language model whose generator samples nothing"
QUESTION = (
    "Does a generator that gives a probability for every character, and samples none, learn to write lines of a text: "
    "with the gradient penalty, with clipping, and as a plain GAN?"
)
PART = "characters"  # of the data file
# All of the same networks, batches and generator steps. Clipping has WGAN's own optimizer, rate and bound; the plain
# GAN DCGAN's optimizer, and one update of each network in turn. It was added when the first seed of the two others was
# known, before any run of its own; the criterion does not ask for it.
ARMS = {
    "penalty": {},
    "clip": {"lipschitz": "clip", "optimizer": "rmsprop", "learning_rate": 5e-5, "clip_order": "after_update"},
    "gan": {
        "lipschitz": "none",
        "loss": "non_saturating",
        "learning_rate": 2e-4,
        "adam_beta1": 0.5,
        "adam_beta2": 0.999,
        "n_critic": 1,
    },
}
SEEDS = (0, 1, 2)
# The paper has 512 feature maps and 200,000 steps. Chosen by a timing alone: 1.8 s a penalised step of one core.
CHANNELS = 64
GENERATOR_STEPS = 2500
# A run has learned if the 4-grams of its last samples, as many lines as are held out, are nearer to those of held-out
# lines than this part of what shuffled characters are.
DECIDING = 4
LEARNED_BELOW = 0.5
SHOWN_LINES = 12


@dataclass(frozen=True)
class Flags(TrainingFlags):
    """Write reports/language.md and .html: what a language model that samples nothing learns of a text.

    Measuring takes some seven hours of one core; finished runs are kept, so that the same command goes on.
    """

    measure: bool = False
    """train and measure what is not yet measured, before rendering"""
    data: optional(str, "sentences that the project draws") = None
    """a text in UTF-8, a line an example"""
    seeds: tuple[int, ...] = SEEDS
    """each arm is trained with each"""
    channels: int = CHANNELS
    """feature maps of every block, of both networks"""
    generator_steps: int = GENERATOR_STEPS
    """updates of the generator"""
    runs: str = "runs/language"
    """folder of the run folders"""

    def measures(self):
        return self.measure
