"""The page of the claims: every claim of the five documents, its verdict, and how that was reached."""

from collections import Counter
from textwrap import fill

from matplotlib.figure import Figure

from gluon_wgan.report.page import Page, table
from gluon_wgan.report.style import GREEN, ORANGE, SKY
from gluon_wgan.report.verdicts import (
    NOT_REPRODUCED,
    NOT_TESTABLE,
    NOT_YET_TESTED,
    PARTLY,
    REPRODUCED,
    RULE_WORDS,
    VERDICTS,
    judge,
    load,
)
from gluon_wgan.studies import find_studies

_NAME = "claims"
# Narrow, for phones.
_STYLE = "td, th { padding: .25rem .35rem; }\n"
# A sign and words: nothing rests on a colour.
_SIGNS = {REPRODUCED: "✓", NOT_REPRODUCED: "✗", PARTLY: "±", NOT_YET_TESTED: "?", NOT_TESTABLE: "○"}
_COLOURS = {REPRODUCED: SKY, NOT_REPRODUCED: ORANGE, PARTLY: GREEN, NOT_YET_TESTED: "#CCCCCC", NOT_TESTABLE: "#EEEEEE"}


def _number(number):
    if number is None:
        return ""
    if number == int(number) and abs(number) < 1e12:
        return f"{int(number):,}"
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e12 else f"{number:.3g}"


def _figure(judged):
    """Return the figure in words: "0.94 of the pictures (0.9 to 1, n = 200)"; nothing where it is not measured."""
    if judged.figure is None:
        return ""
    spread = f"{_number(judged.low)} to {_number(judged.high)}" if None not in (judged.low, judged.high) else ""
    count = f"n = {_number(judged.n)}" if judged.n is not None else ""
    more = ", ".join(part for part in (spread, count) if part)
    return f"{_number(judged.figure)} {judged.row['unit']}" + (f" ({more})" if more else "")


def _words(verdict):
    return f"{_SIGNS[verdict]} {verdict}"


def _one_line(text):
    return " ".join(text.split())


def _counts(judged):
    count = Counter(one.verdict for one in judged)
    return {verdict: count[verdict] for verdict in VERDICTS}


def _answer(judged):
    count = _counts(judged)
    tested = count[REPRODUCED] + count[NOT_REPRODUCED] + count[PARTLY]
    return fill(
        f"Of {len(judged)} claims, {tested} are tested: {count[REPRODUCED]} are reproduced, "
        f"{count[NOT_REPRODUCED]} are not, {count[PARTLY]} partly; {count[NOT_YET_TESTED]} are not yet tested, and "
        f"{count[NOT_TESTABLE]} are not testable here.",
        width=120,
    )


def _overview(judged):
    rows = [(one.row["claim"], f"[{_words(one.verdict)}](#{one.row['id']})", _figure(one)) for one in judged]
    return table(["claim", "verdict", "figure"], [[_one_line(cell) for cell in row] for row in rows])


def _source(row, reports):
    """Return the data file of a row, as a link where it is there, and its report where there is one."""
    place = reports / "data" / row["data"]
    link = f"[{row['data']}](data/{row['data']})" if place.is_file() else f"`reports/data/{row['data']}`"
    pages = [study.name for study in find_studies() if row["data"] == f"{study.data}.json" and place.is_file()]
    return link + "".join(f", report [{name}.md]({name}.md)" for name in pages if name != _NAME)


def _details(one, reports):
    row = one.row
    lines = [f'<a id="{row["id"]}"></a>**{row["id"]}**: {_words(one.verdict)}', "", f"- claim: {row['claim']}"]
    if one.verdict in (NOT_REPRODUCED, PARTLY) and "instead" in row:
        lines.append(f"- instead: {row['instead']}")
    if "why" in row:
        lines.append(f"- why: {row['why']}")
    if row["experiment"] != "none":
        lines.append(f"- experiment: {row['experiment']}")
    if row["command"] != "none":
        lines.append(f"- command{' (planned)' if row['status'] == 'planned' else ''}: `{_one_line(row['command'])}`")
    if row["status"] != NOT_TESTABLE:
        lines.append(f"- criterion: {row['criterion']}")
        rules = [f"{word} if `{_one_line(row[field])}`" for word, field in RULE_WORDS if field in row]
        lines.append(f"- rule: {'; '.join(rules)}")
    if "figure" in row:
        found = _figure(one) or f"none, {one.missing}"
        lines.append(f"- figure: `{row['figure']}` of {_source(row, reports)}: {found}")
    return "\n".join(_one_line(line) if line.startswith("- ") else line for line in lines)


def _mistakes(judged):
    wrong = [one for one in judged if one.row["kind"] == "statement" and one.verdict in (NOT_REPRODUCED, PARTLY)]
    lines = [
        f"- `{one.row['seed']}`: {one.row['claim']} [{_words(one.verdict)}](#{one.row['id']}), {_figure(one)}. "
        f"{one.row.get('instead', '')}"
        for one in wrong
    ]
    return "\n".join(_one_line(line) for line in lines) or "None of those tested so far."


def page(data, reports):
    """Return the page of reports/claims.yaml, judged by all of reports/data/."""
    rows = load(reports / "claims.yaml")
    judged = [judge(row, reports / "data") for row in rows]
    return Page(_answer(judged), _body(judged, reports), {_NAME: _draw(judged)}, _STYLE)


def _body(judged, reports):
    by_seed = {}
    for one in judged:
        by_seed.setdefault(one.row["seed"], []).append(one)
    tables = "\n\n".join(
        f"### {seed}\n\n{', '.join(f'{number} {verdict}' for verdict, number in _counts(of_seed).items() if number)}."
        f"\n\n{_overview(of_seed)}"
        for seed, of_seed in by_seed.items()
    )
    details = "\n\n".join(
        f"### {seed}, one by one\n\n" + "\n\n".join(_details(one, reports) for one in of_seed)
        for seed, of_seed in by_seed.items()
    )
    return f"""![How many claims of each document came out which way](figures/claims.png)

The documents lie outside this repository and are named by their files; the claims are in our words. A verdict leads to
its details. No verdict is written down: [claims.yaml](claims.yaml) has a rule for each claim, on a figure in
`reports/data/`, and this page is computed from both:

```
python experiments/claims.py
```

- {_words(REPRODUCED)}, {_words(NOT_REPRODUCED)}, {_words(PARTLY)}: the rule's answer.
- {_words(NOT_YET_TESTED)}: the data, or the number in it, is not there; the command that makes it is in the details.
- {_words(NOT_TESTABLE)}: the details say why.

## Claim by claim

{tables}

## The documents' own mistakes

Statements about formulas, words or code that do not hold:

{_mistakes(judged)}

## Details

{details}

## Limits

Of `parity.json`, `first_light.json`, `claims_arithmetic.json`, and of the resizes' pixels, figures were known when the
criteria were written; all others were written before their figures were seen. What is settled by arithmetic holds for
the case that was computed (two uniforms, two Gaussians, one small critic), and says so under *experiment*. A criterion
is our reading of words such as "mostly" and "large"; the figure stands beside it for other readings.
"""


def _draw(judged):
    """Draw how many claims of each document came out which way."""
    seeds = list(dict.fromkeys(one.row["seed"] for one in judged))
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots()
    left = [0] * len(seeds)
    for verdict, colour in _COLOURS.items():
        counts = [sum(one.row["seed"] == seed and one.verdict == verdict for one in judged) for seed in seeds]
        bars = axes.barh(seeds, counts, left=left, color=colour, label=_words(verdict), edgecolor="white")
        axes.bar_label(bars, [str(count) if count else "" for count in counts], label_type="center", fontsize=8)
        left = [sum(pair) for pair in zip(left, counts)]
    axes.invert_yaxis()
    axes.set_xlabel("claims")
    figure.legend(loc="outside upper center", ncols=5, fontsize=8)
    return figure
