"""The page of the claims: every claim of the five documents, its verdict, and how that was reached."""

from collections import Counter
from textwrap import fill

from matplotlib.figure import Figure

from gluon_wgan.report.criteria import figure_of, in_words
from gluon_wgan.report.page import Page, one_line, table
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
from gluon_wgan.studies.claims import take_home

_NAME = "claims"
# Narrow, for phones.
_STYLE = "td, th { padding: .25rem .35rem; }\n"
_COLOURS = {REPRODUCED: SKY, NOT_REPRODUCED: ORANGE, PARTLY: GREEN, NOT_YET_TESTED: "#CCCCCC", NOT_TESTABLE: "#EEEEEE"}


def _counts(judged):
    count = Counter(one.verdict for one in judged)
    return {verdict: count[verdict] for verdict in VERDICTS}


def _answer(judged):
    count = _counts(judged)
    tested = count[REPRODUCED] + count[NOT_REPRODUCED] + count[PARTLY]
    rest = [f"{verdict}: {count[verdict]}" for verdict in (NOT_YET_TESTED, NOT_TESTABLE) if count[verdict]]
    told = (
        f"Of {len(judged)} claims, {tested} are tested: {count[REPRODUCED]} are reproduced, "
        f"{count[NOT_REPRODUCED]} are not, {count[PARTLY]} partly"
    )
    return fill("; ".join([told, ", ".join(rest)] if rest else [told]) + ".", width=120)


def _overview(judged):
    rows = [(one.row["claim"], f"[{in_words(one.verdict)}](#{one.row['id']})", figure_of(one)) for one in judged]
    return table(["claim", "verdict", "figure"], [[one_line(cell) for cell in row] for row in rows])


def _source(row, reports):
    """Return the data file of a row, as a link where it is there, and its report where there is one."""
    place = reports / "data" / row["data"]
    link = f"[{row['data']}](data/{row['data']})" if place.is_file() else f"`reports/data/{row['data']}`"
    pages = [study.name for study in find_studies() if row["data"] == f"{study.data}.json" and place.is_file()]
    return link + "".join(f", report [{name}.md]({name}.md)" for name in pages if name != _NAME)


def _details(one, reports):
    row = one.row
    lines = [f'<a id="{row["id"]}"></a>**{row["id"]}**: {in_words(one.verdict)}', "", f"- claim: {row['claim']}"]
    if one.verdict in (NOT_REPRODUCED, PARTLY) and "instead" in row:
        lines.append(f"- instead: {row['instead']}")
    if "why" in row:
        lines.append(f"- why: {row['why']}")
    if row["experiment"] != "none":
        lines.append(f"- experiment: {row['experiment']}")
    if row["command"] != "none":
        lines.append(f"- command{' (planned)' if row['status'] == 'planned' else ''}: `{one_line(row['command'])}`")
    if row["status"] != NOT_TESTABLE:
        lines.append(f"- criterion: {row['criterion']}")
        rules = [f"{word} if `{one_line(row[field])}`" for word, field in RULE_WORDS if field in row]
        lines.append(f"- rule: {'; '.join(rules)}")
    if "figure" in row:
        lines.append(f"- figure: `{row['figure']}` of {_source(row, reports)}: {figure_of(one)}")
    return "\n".join(one_line(line) if line.startswith("- ") else line for line in lines)


def _mistakes(judged):
    wrong = [one for one in judged if one.row["kind"] == "statement" and one.verdict in (NOT_REPRODUCED, PARTLY)]
    lines = [
        f"- *{one.row['document']}*: {one.row['claim']} [{in_words(one.verdict)}](#{one.row['id']}), {figure_of(one)}. "
        f"{one.row.get('instead', '')}"
        for one in wrong
    ]
    return "\n".join(one_line(line) for line in lines) or "None of those tested so far."


def page(data, reports):
    """Return the page of reports/claims.yaml, judged by all of reports/data/."""
    rows = load(reports / "claims.yaml")
    judged = [judge(row, reports / "data") for row in rows]
    by_id = {one.row["id"]: one for one in judged}
    sentences = take_home.load(reports / "claims.yaml", by_id)
    body = _body(judged, reports, take_home.section(sentences, by_id))
    return Page(_answer(judged), body, {_NAME: _draw(judged)}, _STYLE)


def _body(judged, reports, sentences):
    documents = {}
    for one in judged:
        documents.setdefault((one.row["document"], one.row["seed"]), []).append(one)
    tables = "\n\n".join(
        f"### {title}\n\n{', '.join(f'{number} {verdict}' for verdict, number in _counts(of_it).items() if number)}. "
        f"(`{file}`)\n\n{_overview(of_it)}"
        for (title, file), of_it in documents.items()
    )
    details = "\n\n".join(
        f"### {title}, one by one\n\n" + "\n\n".join(_details(one, reports) for one in of_it)
        for (title, _), of_it in documents.items()
    )
    return f"""## To take home

{sentences}

![How many claims of each document came out which way](figures/claims.png)

The documents lie outside this repository; their titles and the claims are in our words. A verdict leads to
its details. No verdict is written down: [claims.yaml](claims.yaml) has a rule for each claim, on a figure in
`reports/data/`, and this page is computed from both:

```
python experiments/claims.py
```

- {in_words(REPRODUCED)}, {in_words(NOT_REPRODUCED)}, {in_words(PARTLY)}: the rule's answer.
- {in_words(NOT_YET_TESTED)}: what is waited for stands beside it; the command that measures it is in the details.
- {in_words(NOT_TESTABLE)}: the details say why.

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
    documents = list(dict.fromkeys(one.row["document"] for one in judged))
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    left = [0] * len(documents)
    for verdict, colour in _COLOURS.items():
        counts = [sum(one.row["document"] == title and one.verdict == verdict for one in judged) for title in documents]
        bars = axes.barh(documents, counts, left=left, color=colour, label=in_words(verdict), edgecolor="white")
        axes.bar_label(bars, [str(count) if count else "" for count in counts], label_type="center")
        left = [sum(pair) for pair in zip(left, counts)]
    axes.invert_yaxis()
    axes.set_xlabel("claims")
    figure.legend(loc="outside upper center", ncols=3)
    return figure
