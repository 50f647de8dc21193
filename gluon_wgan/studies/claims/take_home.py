"""What a reader should take home: sentences that stand as long as the verdicts do that they rest on."""

import re
from pathlib import Path

import yaml

from gluon_wgan.errors import UserError
from gluon_wgan.report.criteria import in_words
from gluon_wgan.report.numbers import number
from gluon_wgan.report.verdicts import VERDICTS


def load(file, judged):
    """Return the sentences of claims.yaml, a list of {says, rests_on: {id: verdict}}.

    Parameters
    ----------
    file : str or pathlib.Path
        claims.yaml, whose rows were loaded before.
    judged : dict of str to Judged
        By the id of the row.

    Raises
    ------
    UserError
        If one is of another form, or rests on a claim or a verdict that there is not.
    """
    sentences = yaml.safe_load(Path(file).read_text(encoding="utf-8")).get("take_home", [])
    allowed = "take_home: a list of `says`, a text, and `rests_on`, ids with verdicts"
    for one in sentences if isinstance(sentences, list) else [sentences]:
        if not isinstance(one, dict) or set(one) != {"says", "rests_on"} or not isinstance(one["rests_on"], dict):
            raise UserError(str(file), repr(one), allowed)
        named = re.findall(r"\{(.*?)\}", str(one["says"]))
        if unknown := [name for name in (*named, *one["rests_on"]) if name not in judged]:
            raise UserError(f"{file}, take_home", ", ".join(unknown), "ids of claims")
        if unknown := [str(verdict) for verdict in one["rests_on"].values() if verdict not in VERDICTS]:
            raise UserError(f"{file}, take_home", ", ".join(unknown), ", ".join(VERDICTS))
    return sentences


def fallen(sentence, judged):
    """Return the ids of the claims that came out otherwise than a sentence says."""
    return [name for name, verdict in sentence["rests_on"].items() if judged[name].verdict != verdict]


def section(sentences, judged):
    """Return the list of the sentences, Markdown; in place of one that has fallen, what it rested on.

    {id} in a sentence is the figure of that claim.
    """
    lines = []
    for place, one in enumerate(sentences, 1):
        if otherwise := fallen(one, judged):
            links = ", ".join(f"[{name}](#{name}): {in_words(judged[name].verdict)}" for name in otherwise)
            lines.append(f"{place}. What stood here rested on verdicts that came out otherwise since: {links}.")
            continue
        links = ", ".join(f"[{name}](#{name})" for name in one["rests_on"])
        says = re.sub(r"\{(.*?)\}", lambda found: _figure(judged[found.group(1)]), one["says"].strip())
        lines.append(f"{place}. {says} ({links})")
    return "\n".join(lines)


def _figure(one):
    return "unknown" if one.figure is None else number(one.figure)
