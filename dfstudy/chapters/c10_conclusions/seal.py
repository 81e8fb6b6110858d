"""Whether questions and rules stood before the results, in words.

Takes a study whose results folder `pipeline.seal` has sealed. No cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.system.kept import read_json

if TYPE_CHECKING:
    from dfstudy.study.study import Study

SEAL = "study/seal.json"
SEALED = "study/sealed.json"  # its sha256, when it was taken, and what has changed since
SHORT = 12  # hexadecimal digits of the seal in a sentence


def tell_seal(study: Study) -> str:
    """Whether questions, study and rules stood before the results, as Markdown; without a time."""
    state = read_json(study.out / SEALED)
    if "sha256" not in state:
        return "**Not sealed.** Questions and rules are sealed by `make report`, before it trains."
    count = state["finished"]
    ended = "training had" if count == 1 else "trainings had"
    when = (
        f"after {count:,} {ended} ended, so not before the results" if count else "before the first training"
    )
    told = f"Questions, study and rules were sealed {when} (seal `{state['sha256'][:SHORT]}`)"
    if not state["changed"]:
        return f"{told}, and none of them has changed since."
    named = f"{', '.join(f'`{name}`' for name in state['changed'])}."
    kept = state.get("kept", [])
    if kept and all(name.startswith("rules: ") for name in state["changed"]):
        same = f"The study is as it was sealed, and so are {' and '.join(kept)}."
        return f"{told}. **Edited after the seal**, in words or in more: {named} {same}"
    return f"{told}. **Changed after the seal**; what was declared is no longer what was asked: {named}"


def sealed_on(study: Study) -> str:
    """When, the whole sha256, and what changed after, when; differs between two runs of one study."""
    state = read_json(study.out / SEALED)
    if "sha256" not in state:
        return "not sealed"
    changed = ", ".join(f"{name} ({seen})" for name, seen in state["changed"].items())
    return f"{state['when']}, sha256 of {SEAL} {state['sha256']}; changed after: {changed or 'nothing'}"
