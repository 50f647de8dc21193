"""The same command twice at once, in the same folders: both do it, or one is refused, and nothing is torn."""

import os
import signal
import subprocess
import time

from disturbed import PATIENCE, SCENARIOS, Disturbed, popen
from starvation import ended

TWICE = {f"twice: {name}": name for name in SCENARIOS}


class Twice(Disturbed):
    """Of each scenario: it is started again before it has ended."""

    def scenario(self, kind, rng):
        """Return that of the kind."""
        return TWICE[kind]

    def disturb(self, kind, scenario, place, rng, seconds):
        """Start it twice; one of the two must do its work."""
        after = rng.uniform(0, seconds)
        both = [popen(scenario.command, place, stderr=subprocess.PIPE)]
        time.sleep(after)
        both.append(popen(scenario.command, place, stderr=subprocess.PIPE))
        found = []
        for process in both:
            try:
                said = process.communicate(timeout=PATIENCE)[1].decode(errors="replace")
                found.append(ended(process.returncode, said, enough=False))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                found.append(f"no answer in {PATIENCE} s")
        happened = f"started again after {after:.2f} s"
        wrong = [one for one in found if one not in ("right", "refused")]
        if wrong:
            return happened, wrong[0]
        return happened, "right" if found == ["right", "right"] else "refused" if "right" in found else "both refused"
