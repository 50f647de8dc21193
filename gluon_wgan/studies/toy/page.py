"""The toy experiments of WGAN-GP, on Gaussians and the Swiss roll: the report."""

from gluon_wgan.errors import UserError
from gluon_wgan.report.criteria import asked_of
from gluon_wgan.report.numbers import between, number
from gluon_wgan.report.page import Page, commands_of, wrapped
from gluon_wgan.studies.toy import tables
from gluon_wgan.studies.toy.figures import ARMS, DISTRIBUTIONS, DRAWN, MIXTURES, NORMS, title_of
from gluon_wgan.studies.toy.question import CONSTRAINTS, GENERATOR_STEPS, PARTS, WIDTH

_NAME = "toy"


def _answer(data):
    modes, surfaces, norms, _ = (data[part] for part in PARTS)
    others = data["other_constraints"]
    clip, penalty = (
        between([surfaces[name][f"correlation_{arm}"] for name in DISTRIBUTIONS], "{:.2f}".format)
        for arm in ("clip", "penalty")
    )
    missed = {arm: f"{modes[arm]['collapsed']} of {modes[arm]['n']}" for arm in ARMS}
    ratios = between([one["ratio"] for one in norms["clip"].values()])
    n = min(surfaces[name]["n"] for name in DISTRIBUTIONS)
    deep = f"n = {min(one['n'] for one in norms['clip'].values())}"
    return wrapped(f"""A critic trained with the gradient penalty came nearer to the optimal critic than one with
clipped weights: over three distributions in the plane its values correlate with the optimal ones at {penalty}, those
of the clipped critic at {clip} (n = {n} for each), and those of critics that are held otherwise, each at its best
strength, at {tables.told(others)}. In a critic of {norms["settings"]["hidden_layers"]} hidden layers
clipping lets the gradient vanish or explode on its way from the last layer to the first, to {ratios} times, depending
on the bound, where the penalty leaves {number(norms["penalty"]["ratio"])} ({deep}). After
{modes["settings"]["generator_steps"]:,} generator steps on 8 or 25 Gaussians a mode is missed in {missed["minimax"]}
runs of a plain GAN, {missed["non_saturating"]} with the non-saturating loss, {missed["clip"]} with clipping and
{missed["penalty"]} with the penalty.""")


def _commands(data):
    settings, usual = data["modes"]["settings"], {"width": WIDTH, "generator_steps": GENERATOR_STEPS}
    flags = [f"--{name.replace('_', '-')} {settings[name]}" for name in usual if settings[name] != usual[name]]
    commands = commands_of({part: data[part] for part in PARTS}, " ".join([data.get("command", ""), *flags]))
    hours = ", ".join(f"{_words(part)} {data[part]['seconds'] / 3600:.2f}" for part in PARTS)
    return f"{commands}\nHours of training, with whatever else ran on the machine: {hours}."


def _words(part):
    return part.replace("_", " ")


def _networks(data):
    settings = data["modes"]["settings"]
    adam, rmsprop = settings["adam"], settings["rmsprop"]
    return wrapped(f"""Critic and generator are MLPs of 3 hidden ReLU layers of {settings["width"]} units; latents are
{settings["latent_dim"]} normal numbers, batches {settings["batch_size"]} of each side, all drawn afresh, with
{settings["n_critic"]} critic updates a generator step. Weights start as in the paper's code, gan_toy.py (uniform; He's
variance before a ReLU, Glorot's in the last layer; biases 0). Penalty: lambda {settings["gp_lambda"]:g}, Adam (learning
rate {adam["learning_rate"]:g}, betas {adam["beta1"]:g} and {adam["beta2"]:g}). Clipping: to
{settings["clip_bound"]:g} after each critic update, RMSprop (learning rate {rmsprop["learning_rate"]:g}, decay
{rmsprop["decay"]:g}, epsilon {rmsprop["epsilon"]:g} {rmsprop["epsilon_placement"].replace("_sqrt", "")} the root).
Plain GANs: the same networks without a constraint, the penalty's Adam.""")


def _seeds(part):
    """Return n and the seeds, apart for each distribution where they are not the same."""
    seeds = {}
    for run in part["runs"]:
        seeds.setdefault(run["data"], set()).add(run["seed"])
    texts = [f"n = {len(some)} seeds ({', '.join(map(str, sorted(some)))})" for some in seeds.values()]
    if len(set(texts)) == 1:
        return texts[0]
    return ", ".join(f"{title_of(name)} {text}" for name, text in zip(seeds, texts))


def page(data, reports):
    """Return the page of reports/data/toy.json; raises UserError if a part of it has an arm without a run."""
    if unfinished := _unfinished(data):
        allowed = f"a run of every arm of all parts; --measure --parts {' '.join(unfinished)} adds them"
        raise UserError("--reports", f"data/toy.json without all of {', '.join(unfinished)}", allowed)
    drawn = {f"toy_{name}": draw(data[part]) for name, (part, draw) in DRAWN.items()}
    return Page(_answer(data), _body(data, asked_of("toy.json", reports)), drawn)


def _body(data, criteria):
    modes, surfaces, norms, constraints = (data[part] for part in PARTS)
    counted, points = modes["settings"], surfaces["settings"]
    updates = points["updates_a_step"] * points["generator_steps"]
    first = min(run["seed"] for run in modes["runs"])
    return f"""## What came out

{criteria}

The claims' page judges by the same rules. Medians of the seeds, but for shares of runs, and the norm, a mean.

## The networks

As Gulrajani et al. 2017, Figures 1 and 2.

{_networks(data)}

## Surfaces

The generator is held: real data plus a unit Gaussian. A critic is trained for {updates:,} updates and compared with the
optimal one at {points["points"]:,} held-out points of each side, where the dual of exact optimal transport gives the
optimal critic's values. The correlation is Pearson's. {_seeds(surfaces)}; median, and from the smallest to the largest.

{tables.surfaces(surfaces)}

![Level sets of optimal, clipped and penalised critics](figures/{_NAME}_surfaces.png)

Seed {first}; dots are real data. Each panel has its own levels.

The share of the clipped critic's weights, biases left out, that are within 1 % of the bound. He's start is mostly
outside it, so that the first clip alone puts weights there:

{tables.bounds(surfaces)}

## Other constraints

The same with three other ways to hold the weights, each in place of the clip, with its RMSprop. Norm clipping: after
each update the weights into a unit are scaled down to a norm where they exceed it; weight normalisation: they are
scaled to that norm; weight decay: so much times the weights is added to their gradients. Each at three strengths: of a
kind the best counts, which favours it against the penalty. {_seeds(constraints)}; median, and from the smallest to the
largest.

{tables.constraints(constraints)}

{tables.lost(data["other_constraints"])}

## Gradients from layer to layer

Generator and critic have {norms["settings"]["hidden_layers"]} hidden layers and are trained on the Swiss roll for
{norms["settings"]["generator_steps"] // norms["settings"]["steps_divisor"]:,} generator steps. The norm is of the
gradient of mean f(generated) - mean f(real), without the penalty, with respect to a hidden layer's activations, over
{norms["settings"]["points"]:,} held-out points of each side and all units. {_seeds(norms)}; median, and from the
smallest to the largest.

{tables.gradient_norms(norms)}

![Norm of the loss's gradient layer by layer](figures/{_NAME}_gradient_norms.png)

Thin lines are seeds, thick ones their median, here and below.

![Weights of a clipped and of a penalised critic](figures/{_NAME}_weights.png)

The same critics, first seed: all weights, on a logarithmic scale.

## Modes

A sample is near a mode within {counted["near"]:g} of the distance between two neighbouring centres, and a mode is
*covered* if at least {counted["least_share"]:g} of its fair share of {counted["counted"]:,} samples is near it: what is
blurred counts, but samples strewn evenly over the square of the data cover nothing. A mode is *reached* if one sample
or more is within {counted["sigmas"]} sigma of its centre. A run misses a mode if not all are covered. {_seeds(modes)}.

{tables.modes(modes)}

![Modes covered, by generator step](figures/{_NAME}_modes.png)

![Samples on 8 Gaussians](figures/{_NAME}_samples_8.png)

![Samples on 25 Gaussians](figures/{_NAME}_samples_25.png)

Seed {first}; crosses are the centres.

## The critic's value and the exact distance

EM is by exact optimal transport between {counted["em_points"]:,} held-out points and as many samples, the same latents
at each of {counted["evaluations"]} evaluations. The critic's value is mean f(real) - mean f(generated) at the same
points; of a plain GAN, the JS divergence that its discriminator amounts to. The rank correlation is Spearman's over the
evaluations of a run.

{tables.distances(modes)}

![Exact EM and the critic's value by generator step](figures/{_NAME}_em.png)

One factor brings all values of a panel nearest to the exact distances.

{_commands(data)}

## Limits

- {modes["settings"]["generator_steps"]:,} generator steps; the paper's code trains for 100,000. A mode that is missed
  here may be found later, and what is covered may be lost.
- Hidden layers of {modes["settings"]["width"]} units; the paper's have 512. Where the mixtures have not as many seeds,
  shares of runs over both lean to the one that has more.
- The arms have the optimizers of their papers: clipping and penalty differ in these too.
- The optimal critic is that of a sample; between samples of the same data EM is not 0, as the tables show.
- Where a gradient is smaller than RMSprop's epsilon, its weights hardly leave the place where the first clip put them.
- RMSprop is the original WGAN's; the paper's code for these toys uses TensorFlow's (decay 0.9, epsilon 1e-10 under the
  root, average from 1).
- In the paper's code the held generator adds noise to the batch's own real points; here to others of the same data.
- Of the other constraints three strengths were tried. Where all of a kind end alike, none may have held the weights in
  so few updates.
- Two dimensions. What a network of pictures does is measured elsewhere.
"""


def _unfinished(data):
    """Return what the report needs and the data does not have: parts, or arms in which no run is done."""
    wanted = {
        "modes": [(name, arm) for name in MIXTURES for arm in ARMS],
        "surfaces": [(name, arm) for name in DISTRIBUTIONS for arm in ("optimal", "clip", "penalty")],
        "gradient_norms": [("swiss roll", arm) for arm in NORMS],
        "constraints": [(name, arm) for name in DISTRIBUTIONS for arm in CONSTRAINTS],
    }
    done = {part: {(run["data"], run["arm"]) for run in data.get(part, {"runs": []})["runs"]} for part in PARTS}
    return [part for part in PARTS if not set(wanted[part]) <= done[part]]
