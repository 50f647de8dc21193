"""How numbers, and lists, are written in tables and sentences."""


def number(value):
    """Return a number as text, short; infinity, which the data has as "inf", as its sign; None as "none"."""
    if value is None:
        return "none"
    value = float(value)
    if abs(value) == float("inf"):
        return "∞"
    return f"{value:.3g}" if value == 0 or 1e-3 <= abs(value) < 1000 else f"{value:.1e}"


def between(values, form=number):
    """Return "smallest to largest" of numbers, or the one where they are written alike."""
    low, high = form(min(values)), form(max(values))
    return low if low == high else f"{low} to {high}"


def mean_and_range(spread):
    """Return "mean (low to high)" of an estimate, or the one number where they are written alike."""
    mean, low, high = (number(spread[name]) for name in ("mean", "low", "high"))
    return mean if low == high else f"{mean} ({low} to {high})"


def count_of(count, total):
    """Return "count of total"; "" of none, which is not yet a count."""
    return f"{count} of {total}" if total else ""


def listed(words):
    """Return "a, b and c"; "" of none."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
