"""Whether a library agrees with its older self: the answer and the table."""

from gluon_wgan.report.page import Page, commands_of, table
from gluon_wgan.report.style import style


def page(data, reports):
    """Return the page of reports/data/library_versions.json."""
    (name, found), *_ = data.items()
    runs = found["runs"]
    return Page(answer(found), _body(name, found, runs), {})


def compared(runs):
    """Return {resize: (versions in the order noted, whether all gave the same pixels)}; "decoder" is the decoding."""
    rows = {"decoder": ([run["decoder"] for run in runs], len({run["decoded"] for run in runs}) == 1)}
    for name in runs[0]["resizes"]:
        each = [run["resizes"][name] for run in runs if name in run["resizes"]]
        made = list(dict.fromkeys(one["made_by"] for one in each))
        rows[name] = made, len({one["pixels"] for one in each}) == 1
    return rows


def answer(found):
    """Return the sentence that answers the question."""
    rows = compared(found["runs"])
    told = f"(n = {found['pictures']} photographs, at {found['size']}x{found['size']})"
    if len(found["runs"]) < 2:
        return f"Not answered yet: one set of versions was looked at {told}."
    several = {name: made for name, (made, _) in rows.items() if len(set(made)) > 1}
    other = [name for name, (_, same) in rows.items() if not same]
    if not other:
        return f"Yes: of {len(several)} ways whose library changed its version, all give the same pixels {told}."
    names = ", ".join("decoding" if name == "decoder" else style(name).label for name in other)
    return f"Not always: {names} gave other pixels {told}."


def _body(name, found, runs):
    lines = [
        ["decoding" if way == "decoder" else style(way).label, "; ".join(dict.fromkeys(made)), "yes" if same else "no"]
        for way, (made, same) in compared(runs).items()
    ]
    return f"""## Pixels

{found["pictures"]} photographs ({name}), decoded by Pillow, short side to {found["size"]} pixels, centre crop;
compared by a digest of all pixels.

{table(["way", "versions", "the same pixels"], lines)}

{commands_of({name: found})}
## Limits

These versions, these photographs, this size, one kind of processor. Prepared pictures name their library's version, and
a run that goes on under another one says so.
"""
