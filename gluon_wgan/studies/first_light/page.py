"""The page of the first real run."""

from gluon_wgan.report.page import Page, commands_of, table
from gluon_wgan.studies.first_light.question import CORRELATED_ABOVE, FALLS_BELOW, WINDOW


def page(data, reports):
    """Return the page of reports/data/first_light.json."""
    falls = data["estimate_ratio"] < FALLS_BELOW
    pictures = data["correlation_samples"] > CORRELATED_ABOVE
    rows = [(f"{mark:,}", f"{mean:.4f}", f"{spread:.4f}") for mark, mean, spread in data["estimates"]]
    measured = {name: data[name] for name in ("command", "environment")}  # its "starts" are the run's
    holds = "Yes" if falls and pictures else "Not by the criteria"
    answer = f"""{holds}: after {data["generator_steps"]:,} generator
steps the estimate is {data["estimate_ratio"]:.2f} times what it was after the boost, and neighbouring pixels of the
samples correlate by {data["correlation_samples"]:.2f} (noise: 0; n = 1 run)."""
    body = f"""## Result

{data["generator_steps"]:,} generator steps, {data["critic_steps"]:,} critic updates, {data["images_seen"]:,} real
pictures seen, {data["seconds"] / 60:.1f} minutes, {1000 * data["seconds"] / data["generator_steps"]:.0f} ms a
generator step with the boost included.

| criterion, fixed before the run | measured | holds |
|---|---|---|
| median estimate of the last {WINDOW} steps / of the first {WINDOW} after the boost, below {FALLS_BELOW} \
| {data["estimate_at_end"]:.4f} / {data["estimate_after_boost"]:.4f} = {data["estimate_ratio"]:.2f} \
| {"yes" if falls else "no"} |
| correlation of neighbouring pixels of the samples above {CORRELATED_ABOVE} (noise: 0; real pictures: \
{data["correlation_real"]:.2f}) | {data["correlation_samples"]:.2f} | {"yes" if pictures else "no"} |

EM distance estimate, up to the Lipschitz constant (mean and standard deviation over the {WINDOW} generator steps
before):

{table(["generator step", "mean", "standard deviation"], rows)}

![EM estimate over generator steps](figures/first_light_curve.png)

Samples of 64 fixed latents at the last step, batch statistics:

![64 generated pictures](figures/first_light_samples.png)

{commands_of({"first light": measured})}
Seed {data["settings"]["seed"]}; n = 1 run, in {data["starts"]} start(s).

5,000 bedroom photographs of 256x256 pixels (Places365 bedrooms; research use, not redistributed) in one LMDB.

{table(["setting", "value"], data["settings"].items())}

## Limits

A run with seed 0, from before the criteria were written down, was stopped at step 2,618 and is not part of this.

One seed, one resize, 32x32 pixels and 16 channels: this shows that the machinery learns, not how well. The estimate is
the critic's own, on its last training batch, and is comparable only between runs with the same critic and clip bound.
Neighbour correlation tells pictures from noise, not good pictures from bad ones.
"""
    return Page(answer, body, {})
