"""What the distances behind GANs say of two distributions, and what a generator can follow of it: the report."""

from gluon_wgan.errors import UserError
from gluon_wgan.report.criteria import asked_of
from gluon_wgan.report.numbers import between, number
from gluon_wgan.report.page import Page, commands_of, wrapped
from gluon_wgan.studies.distances import tables
from gluon_wgan.studies.distances.figures import DRAWN
from gluon_wgan.studies.distances.question import PARTS

_NAME = "distances"


def _answer(data):
    lines, gaussians, pairs, courses, _ = (data[part] for part in PARTS)
    # those whose histograms have no cell in common
    apart = [row for row in lines["rows"] if abs(row["theta"]) > lines["bin_width"] / 2]
    js = [float(row["estimate"]["js"][end]) for row in apart for end in ("low", "high")]
    miss = max(abs(float(row["estimate"]["em"]["mean"]) - row["exact"]["em"]) for row in apart)
    left = {name: number(courses[name]["last_over_first"]) for name in tables.LOSSES}
    critics = len(gaussians["critic"]["seeds"])
    return wrapped(f"""Two distributions that do not touch have the same Jensen-Shannon divergence at any distance, log
2 = 0.693 nats (from samples {between(js)}), so that it shows no way, while their earth mover's distance is the way
itself (from samples within {miss:.3f}, n = {len(lines["seeds"])}). Between two Gaussians the gradient of a trained
discriminator falls to {number(gaussians["discriminator"]["smallest_over_largest"])} of its largest, that of a clipped
critic only to {number(gaussians["critic"]["smallest_over_largest"])} (n = {critics}), though the critic's value is the
distance times a factor that differs by up to {pairs["largest"] / pairs["smallest"]:.2f} times from case to case. While
a fresh opponent is trained for {courses["probes"][-1]:,} updates, the gradient that a generator gets becomes
{left["minimax"]} of the first with the plain GAN's loss, {left["non_saturating"]} with the non-saturating one, and
{left["wasserstein"]} with WGAN's (n = {len(courses["seeds"])}).""")


def _relative(courses):
    """Return how noisy the gradients are, compared with their size."""
    first, last = (
        {loss: tables.relative_variance(courses, loss, probe) for loss in tables.LOSSES} for probe in (0, -1)
    )
    return wrapped(f"""A gradient that grows has a variance that grows. Divided by the squared norm, the variance goes
from {first["non_saturating"]} to {last["non_saturating"]} with the non-saturating loss, from {first["minimax"]} to
{last["minimax"]} with the minimax loss, and from {first["wasserstein"]} to {last["wasserstein"]} with the Wasserstein
loss (medians of the seeds).""")


def _commands(data):
    seconds = ", ".join(f"{_words(part)} {data[part]['seconds']:.0f}" for part in PARTS)
    commands = commands_of({part: data[part] for part in PARTS}, data.get("command"))
    return f"{commands}\nSeconds, with whatever else ran on the machine: {seconds}."


def _words(part):
    return part.replace("_", " ")


def _seeds(seeds):
    return f"n = {len(seeds)} seeds ({', '.join(map(str, seeds))})"


def _network(gaussians):
    """Return in words what is trained on the Gaussians."""
    training = gaussians["training"]
    place = training["epsilon_placement"].replace("_sqrt", " the root")
    return wrapped(f"""A discriminator with the minimax loss, and a critic clipped to {training["clip_bound"]:g} after
each update: an MLP of 3 hidden layers of {training["units"]} ReLU units, batches of {training["batch"]} of each
distribution, RMSprop (learning rate {training["learning_rate"]:g}, decay {training["decay"]:g}, epsilon
{training["epsilon"]:g} {place}). Training ends when the estimate of the distance, an integral over both densities (of
JS for the discriminator, of EM for the critic), has changed by less than {100 * training["settled"]:g} % over
{training["window"]:,} updates, or after {training["most_updates"]:,}.
{_seeds([one["seed"] for one in gaussians["critic"]["seeds"]])}.""")


def page(data, reports):
    """Return the page of reports/data/distances.json; raises UserError if a part of it is missing."""
    if missing := [part for part in PARTS if part not in data]:
        allowed = f"all parts; --measure --parts {' '.join(missing)} adds them"
        raise UserError("--reports", f"data/distances.json without {', '.join(missing)}", allowed)
    drawn = {f"{_NAME}_{name}": draw(data[part]) for name, (part, draw) in DRAWN.items()}
    return Page(_answer(data), _body(data, asked_of("distances.json", reports)), drawn)


def _body(data, criteria):
    lines, gaussians, pairs, courses, apart = (data[part] for part in PARTS)
    settings, side = courses["settings"], courses["settings"]["image_size"]
    discriminator = gaussians["discriminator"]["seeds"]
    size = apart["settings"]
    apart_settings = f"{size['image_size']}x{size['image_size']} pixels, {size['generator_channels']} channels"
    return f"""## What came out

{criteria}

The claims' page judges by the same rules. Figures are medians of the seeds.

## Two parallel lines

Z is uniform on [0, 1]; P0 is the law of (0, Z), and the generator z -> (theta, z) gives P_theta (Arjovsky et al. 2017,
Example 1). Each cell has the closed form, then the estimate from {lines["points"]:,} points of each: the mean over
{_seeds(lines["seeds"])}, and from the smallest to the largest. EM is by exact optimal transport of the points, the
others are by histograms with square cells of {lines["bin_width"]:g}, one of them centred on the origin; KL is that of
P0 from P_theta. The same for negative theta is in the data.

{tables.lines(lines)}

![KL, JS, total variation and EM of two parallel lines](figures/{_NAME}_lines.png)

The estimates jump as the closed forms do, but at a cell's edge, theta = {lines["bin_width"] / 2:g}, and not at 0: what
is nearer than the grid is not told apart. At 0 they are not 0, since two samples of one distribution differ.

The slope, which is what a generator's theta would get, in closed form, and as the central difference of the estimates
over ±{lines["step"]:g} with the same z:

{tables.slopes(lines)}

![Slopes of EM and JS by the place of the line](figures/{_NAME}_line_slopes.png)

The slope of the estimated JS is 0 but where the difference reaches over a cell's edge.

## Two Gaussians

Real N({gaussians["real_mean"]:g}, 1), generated N({gaussians["fake_mean"]:g}, 1) (as Arjovsky et al. 2017, Figure 2).

{_network(gaussians)}

The critic's gradient is f'. The discriminator's, D = sigmoid(f), is d log(1 - D) / dx = -D f': what the generator's
minimax loss passes on. The smallest and the largest size are of {gaussians["places"]:,} places between the means.

{tables.gaussians(gaussians)}

![Trained and optimal discriminator and critic](figures/{_NAME}_gaussians.png)

![Size of the gradients of discriminator and critic](figures/{_NAME}_gaussian_gradients.png)

The trained discriminators' JS divergence: {between([one["estimate"] for one in discriminator], "{:.5f}".format)}
nats (log 2 is 0.69315).

## The critic's value, and the distance

The same clipped critic, with two inputs, on each of {len(pairs["pairs"])} pairs of distributions whose EM distance is
known, trained in the same way; {_seeds(pairs["seeds"])}. The estimate is mean f(real) - mean f(generated) over
{pairs["held_out"]:,} held-out points of each. If it were EM up to a constant, all factors would be the same.

{tables.pairs(pairs)}

Largest over smallest median: {pairs["largest"] / pairs["smallest"]:.2f}.

![Estimate over exact distance of every pair](figures/{_NAME}_factors.png)

## The gradient of a generator that stands still

As in Figures 2 and 3 of Arjovsky and Bottou (2017), a generator is trained ({courses["generator_steps"]:,} updates with
the Wasserstein loss, {settings["n_critic"]} of the critic each) and then held, and a fresh discriminator or critic is
trained against it for {courses["probes"][-1]:,} updates. The networks are the DCGAN pair at {side}x{side} pixels with
{settings["generator_channels"]} channels, batches of {settings["batch_size"]}, learning rate
{settings["learning_rate"]:g}, the critic clipped to {settings["clip_bound"]:g} from the start; the pictures
{courses["pictures"]:,} bedrooms that the project draws. {_seeds(courses["seeds"])}.

The norm is of the gradient with respect to all weights of the generator, its mean over {courses["latent_batches"]}
batches of latents that are the same each time; the variance is over these batches, summed over the weights. "First" is
before the first update of the fresh network. The minimax and the non-saturating loss look at the same discriminator.
Medians of the seeds, and from the smallest to the largest:

{tables.courses(courses)}

![Norm of the generator's gradient](figures/{_NAME}_generator_gradients.png)

Thin lines are seeds, thick ones their median, here and below.

![Variance of the generator's gradient](figures/{_NAME}_variance.png)

{_relative(courses)}

## Told apart

A generator is trained for {apart["generator_steps"]:,} generator steps with the Wasserstein loss ({apart_settings}) and
held, and a fresh discriminator is trained against it for {apart["updates"]:,} updates on the same bedrooms. It then
sees {apart["held_out"]} held-out bedrooms and as many new generated pictures. It normalises each picture for itself, so
that no batch tells it anything. Right are, by seed:

{tables.told_apart(apart)}

{_commands(data)}

## Limits

- The lines and the Gaussians are the textbook's, and hardly overlap.
- One kind of network, one clip bound. A clipped critic's biases are small too, so that its kinks lie near 0: another
  place of the same distributions is another task for it.
- The factor of the critic's value belongs to this network and bound; others have others.
- Norms are compared with their own first, not between losses. A ratio to the first depends on how the fresh network
  starts, and the clipped critic starts inside its box.
- Pictures of {side}x{side} pixels and small networks; the papers' were larger.
"""
