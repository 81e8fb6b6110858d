"""Does a transformer generalise better than a CNN? Verdicts from chapter 06, on two sources.

Takes `published.difference.balanced` (models published with a paper, which this study reads again) and
`cross.difference.auc` (two networks of this study, on forgery methods that they did not learn); gives an
answer for each. Without a second network, or with fewer than three seeds of each, the own answer is
inconclusive and says so. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.chapters.c06_transfer.names import name_models
from dfstudy.chapters.c06_transfer.published import CNN, TRANSFORMER
from dfstudy.present.answer import Answer, Numbers, above
from dfstudy.present.lookup import find
from dfstudy.present.numbers import literal
from dfstudy.stats.paired import LEAST_SEEDS
from dfstudy.stats.verdicts import CANNOT_TELL, UNTRAINED

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered
    from dfstudy.study.study import Study

CHAPTER = "06_cross_forgery.ipynb"


def answer_questions(gathered: Gathered) -> list[Answer]:
    """The published comparison and this study's own."""
    numbers, study = gathered.numbers, gathered.study
    return _published(numbers) + _own(numbers, study)


def _published(numbers: Numbers) -> list[Answer]:
    if "published.difference.balanced" not in numbers:
        return []
    change = numbers["published.difference.balanced"]
    return [
        Answer(
            "answer.network.published",
            "Did the published transformer generalise better than the CNN?",
            f"{TRANSFORMER} has a higher balanced accuracy on unseen methods than {CNN}",
            above(change, 0.0),
            f"{TRANSFORMER} minus {CNN} {{published.difference.balanced}}; accuracy on reals and on unseen "
            "fakes correlate at {published.correlation}, so accuracy on fakes alone follows the threshold",
            change.n,
            f"{CHAPTER}#forgeries_published",
        )
    ]


def _own(numbers: Numbers, study: Study) -> list[Answer]:
    measured = [numbers[name] for name in find(numbers, kind="cross")]
    if not measured:
        return []
    first, second = study.model.network, study.forgeries.second
    asked = {
        "id": "answer.network.own",
        "question": "Does another network generalise better here?",
        "figure": f"{CHAPTER}#forgeries_gap",
    }
    if "cross.difference.auc" not in numbers or second is None:
        return [
            Answer(
                **asked,
                claim=f"another network than {first} has a higher AUC on unseen methods",
                verdict=CANNOT_TELL,
                because="not measured: the study trains one network; forgeries.second would name another",
                n=max(number.n for number in measured),
            )
        ]
    change = numbers["cross.difference.auc"]
    first, other = name_models([study.model, second])
    seeds = min(study.forgeries.seeds, len(study.training.seeds))
    few = seeds < LEAST_SEEDS
    states = find(numbers, kind="cross", quantity="learned")
    lacking = [name for name in states if not numbers[name].value]
    if lacking:
        why = "; ".join(literal(numbers[name].note) for name in lacking)
        claim = f"{other} has a higher AUC on unseen methods than {first}"
        return [Answer(**asked, claim=claim, verdict=UNTRAINED, because=why, n=change.n)]
    told = (
        f"; {seeds} of at least {LEAST_SEEDS} training seeds: forgeries.seeds would name more" if few else ""
    )
    return [
        Answer(
            **asked,
            claim=f"{other} has a higher AUC on unseen methods than {first}",
            verdict=CANNOT_TELL if few else above(change, 0.0),
            because="{cross.difference.auc} AUC, {cross.difference.balanced} balanced accuracy, one budget"
            + told,
            n=change.n,
        )
    ]
