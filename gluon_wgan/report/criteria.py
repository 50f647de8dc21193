"""How a criterion and its verdict are shown, the same on every page."""

from pathlib import Path

from gluon_wgan.report.page import one_line, table
from gluon_wgan.report.verdicts import NOT_REPRODUCED, NOT_TESTABLE, NOT_YET_TESTED, PARTLY, REPRODUCED, judge, load

# A sign and words: nothing rests on a colour.
_SIGNS = {REPRODUCED: "✓", NOT_REPRODUCED: "✗", PARTLY: "±", NOT_YET_TESTED: "?", NOT_TESTABLE: "○"}


def in_words(verdict):
    """Return a verdict with its sign."""
    return f"{_SIGNS[verdict]} {verdict}"


def figure_of(judged):
    """Return the figure in words: "0.94 of the pictures (0.9 to 1, n = 200)"; where there is none yet, why."""
    if judged.figure is None:
        return judged.missing or ""
    spread = f"{_number(judged.low)} to {_number(judged.high)}" if None not in (judged.low, judged.high) else ""
    count = f"n = {_number(judged.n)}" if judged.n is not None else ""
    more = ", ".join(part for part in (spread, count) if part)
    return f"{_number(judged.figure)} {judged.row['unit']}" + (f" ({more})" if more else "")


def _number(number):
    if number == int(number) and abs(number) < 1e12:
        return f"{int(number):,}"
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e12 else f"{number:.3g}"


def asked_of(data, reports):
    """Return a table of what the claims ask of a study's data, each criterion with its verdict, Markdown.

    Parameters
    ----------
    data : str
        The study's data file, such as "toy.json".
    reports : str or pathlib.Path
        With claims.yaml; elsewhere than in a checkout there is none, and this says so.
    """
    file = Path(reports) / "claims.yaml"
    if not file.is_file():
        return "The criteria are rows of the project's `reports/claims.yaml`, which is not in this folder."
    judged = [judge(row, file.parent / "data") for row in load(file) if row.get("data") == data]
    rows = [
        [row["claim"], row["criterion"], f"[{in_words(one.verdict)}](claims.md#{row['id']})", figure_of(one)]
        for one in judged
        if (row := one.row)["status"] == "ready"
    ]
    return table(["claim", "criterion, fixed beforehand", "verdict", "figure"], [map(one_line, row) for row in rows])
