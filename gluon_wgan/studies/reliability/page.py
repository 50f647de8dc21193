"""What the suite survives: the answer, and the table of all kinds."""

from gluon_wgan.report.page import Page, commands_of, table
from gluon_wgan.studies.reliability import long_run
from gluon_wgan.studies.reliability.question import GROUPS, LONG_RUN, OTHERS, PART

_COUNTS = ("tried", "right", "refused", "failed")


def page(data, reports):
    """Return the page of reports/data/reliability.json."""
    answers, sections, figures = [], [], {}
    if found := data.get(PART):
        answers.append(answer(found))
        sections += [_groups(found), _kinds(found)]
    if found := data.get(LONG_RUN):
        answers.append(long_run.answer(found))
        sections.append(long_run.section(found))
        figures["reliability_long_run"] = long_run.figure(found)
    else:
        answers.append("How a long training fares is not measured yet.")
    sections.append(commands_of(data))
    return Page(" ".join(answers), "\n".join([*sections, _LIMITS]), figures)


def by_group(kinds):
    """Return {group: its counts}, those without a case left out."""
    found = {}
    for kind, counts in kinds.items():
        group = next((group for start, group in GROUPS.items() if kind.startswith(start)), OTHERS)
        sums = found.setdefault(group, dict.fromkeys(_COUNTS, 0))
        for name in _COUNTS:
            sums[name] += counts[name]
    return {group: found[group] for group in (*GROUPS.values(), OTHERS) if group in found}


def answer(found):
    """Return the sentences that answer the question."""
    groups = by_group(found["kinds"])
    total = {name: sum(counts[name] for counts in groups.values()) for name in _COUNTS}
    failed = total["failed"]
    how = f"Not always: {failed:,} cases failed of" if failed else "Yes, in every case that was tried:"
    each = ", ".join(f"{counts['tried']:,} {group}" for group, counts in groups.items())
    return (
        f"{how} {total['tried']:,} in {found['minutes']:g} minutes, {each}. {total['refused']:,} of them ended with a "
        "message."
    )


def _rows(kinds):
    return [[kind, *(f"{counts[name]:,}" for name in _COUNTS)] for kind, counts in kinds.items()]


def _surely(counts):
    """Return how rare failures are with a confidence of 95 %, where none was seen: 1 - p to the n is 0.05."""
    return f"1 in {1 / (1 - 0.05 ** (1 / counts['tried'])):,.0f}" if not counts["failed"] else ""


def _groups(found):
    groups = by_group(found["kinds"])
    rows = [[*row, _surely(counts)] for row, counts in zip(_rows(groups), groups.values())]
    failures = "".join(f"\n- {one['kind']}, case {one['case']}: {one['how']}" for one in found["failures"])
    return f"""## What was tried

*Right*: it ended as an undisturbed one, after the disturbance, or given again; compared bit for bit. *Refused*: it said
in one message what was wrong, and given again once that was mended it ended so. *Failed*: anything else, such as a
traceback, a signal, a hang, other bits, a file left behind; it prints the command that repeats it alone.

{table(["what", *_COUNTS, "rarer than (95 %)"], rows)}
{failures}
"""


def _kinds(found):
    return f"""## Each kind

{table(["kind", *_COUNTS], _rows(found["kinds"]))}
"""


_LIMITS = """## Limits

Cases are drawn at random, from the kinds above and no others. One machine, one file system. A kill of a process is no
loss of power: what the disk does with what it was told to keep is not tried. Where memory is short, a library may end
the process by a signal; that counts as a kill.
"""
