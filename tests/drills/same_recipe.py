"""A recipe against itself: how often do chapters 05 and 08 see a difference where there is none?

    python tests/drills/same_recipe.py --work FOLDER [--networks 40] [--draws 200] [--studies 60]

Trains with `networks.py` what is not there yet (half an hour on two cores for 40 networks of each recipe),
then draws disjoint sets of three seeds of one recipe, calls one side `none` and the other `original`, and
asks the chapter's own comparison and the report's own answers. Whatever improves or worsens there is false.

- Chapter 05: `--draws` pairs for each of the recipes `none` and `original`, in every quantity; and
  `--studies` times all policies of the study at once, every one of them with three networks of one recipe.
- Chapter 08: `--studies` audits in which the correct networks and those of every defect are of one recipe.
- Permuted labels: of networks that cannot have learned neither chapter may say anything.

All draws share one training set and one test, as all studies of these images do, and the same networks come
in many draws. So the share of false verdicts is that of these images, its binomial interval is too short, and
the pairs of one partition, which share no network, are counted by themselves as well.
Prints tables in Markdown, writes every verdict to `same_recipe.csv` in the folder, and ends with status 1
where more than 5 % of the verdicts in a quantity are false, more than 5 % of studies say something false in
answer to the study's questions, or anything is said of permuted labels. Judging takes 10 minutes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parent))
from networks import RECIPES, Network, arms_in, load_networks, make_networks, study_in

from dfstudy.chapters.base import Gathered
from dfstudy.chapters.c05_policies.compare import compare_policies
from dfstudy.chapters.c05_policies.numbers import policy_numbers
from dfstudy.chapters.c05_policies.questions_policies import decide_on_policies
from dfstudy.chapters.c05_policies.tested import TestedVariant
from dfstudy.chapters.c08_protocol.measure import AuditedVariant, measure_defects
from dfstudy.chapters.c08_protocol.numbers import defect_numbers
from dfstudy.chapters.c08_protocol.questions import answer_questions
from dfstudy.number import Number
from dfstudy.present.answer import Answer
from dfstudy.stats.learning import judge_learning
from dfstudy.stats.verdicts import UNTRAINED
from dfstudy.study.recipe import COMPARED
from dfstudy.variants.defects import SWITCHES
from dfstudy.variants.policies import Trained
from dfstudy.variants.registry import DEFECTS, list_variants

SEEDS = 3  # networks a side
MOST = 0.05  # share of false verdicts
DIFFERS = ("improves", "worsens", "learns less", "flatters", "understates", "diverges")
ASKED = "answer.augmentation."  # the study's questions on its original policy
Row = dict[str, object]


@cache
def networks_in(work: Path, recipe: str) -> list[Network]:
    return load_networks(work, recipe)


def gather(networks: Sequence[Network]) -> TestedVariant:
    """Networks of one recipe, as chapter 05 takes them."""
    return TestedVariant(
        networks[0].learned,
        [one.test for one in networks],
        [one.clean for one in networks],
        [one.corrupted for one in networks],
        [one.losses for one in networks],
    )


def compare_sides(work: Path, *sides: Sequence[Network]) -> list[Row]:
    """What chapter 05 and the answers say of as many policies as sides, `none` and `original` first."""
    study, names = study_in(work), list(COMPARED)[: len(sides)]
    policies = study.policies.model_copy(update={"names": names})
    study = study.model_copy(update={"policies": policies})
    trained = [Trained(name, study.training.epochs) for name in names]
    compared = compare_policies(study, dict(zip(trained, map(gather, sides), strict=True)))
    numbers = {number.id: number for number in policy_numbers(study, compared)}
    told = [_row(one.quantity, one.verdict, one.difference) for one in compared.effects]
    answers = decide_on_policies(numbers, study)
    return told + [
        _row(one.id, one.verdict, _difference(one, numbers)) | {"false": is_false(one, numbers)}
        for one in answers
    ]


def audit_sides(work: Path, drawn: Iterable[Sequence[Network]]) -> list[Row]:
    """What chapter 08 and its answers say where every variant has networks of one recipe.

    Args:
        drawn: networks of one variant after the other, the correct one's first.
    """
    study, correct = study_in(work), arms_in(work)["defects"]
    variants = [correct, *list_variants(study, correct.split, DEFECTS)]
    variants = list({variant.name: variant for variant in variants}.values())
    tested = {
        variant.name: _audited(variant, own, study) for variant, own in zip(variants, drawn, strict=False)
    }
    audit = measure_defects(study, correct.split, tested)
    alpha = 1 - audit.settings.confidence
    told = []
    for effect in audit.effects.values():
        verdict = effect.verdict(alpha)
        for kind, found in effect.asked().items():
            words = {"change": ("worsens", "improves"), "inflation": ("flatters", "understates")}[kind]
            said = next((word for word in words if word in verdict), verdict)
            said = "no difference found" if said in DIFFERS and said not in words else said
            told.append(_row(f"{effect.switch}, {kind}", said, found))
    numbers = {number.id: number for number in defect_numbers(audit)}
    for one in answer_questions(Gathered(numbers, study, groups_known=True)):
        untrue = "no" if one.id == "answer.protocol.truth" else "yes"
        told.append({"asked": one.id, "said": one.verdict, "false": one.verdict == untrue})
    return told


def is_false(answer: Answer, numbers: dict[str, Number]) -> bool:
    """A gain, or a loss that is sure, where nothing differs."""
    found = _difference(answer, numbers)
    sure = found is not None and found.low is not None and (found.low > 0 or found.high < 0)
    return answer.verdict == "yes" or (answer.verdict == "no" and sure)


def _difference(answer: Answer, numbers: dict[str, Number]) -> Number | None:
    """What the answer is about, where it is about one policy."""
    if not answer.id.startswith(ASKED):
        return None
    return numbers.get(f"policy.original.{answer.id.rpartition('.')[2]}.difference")


def _row(asked: str, said: str, found) -> Row:
    ends = {} if found is None else {"value": found.value, "low": found.low, "high": found.high}
    return {"asked": asked, "said": said, "false": said in DIFFERS, **ends}


def _audited(variant, networks: Sequence[Network], study) -> AuditedVariant:
    clean = [one.clean for one in networks]
    validation = [
        own[own["part"] == "val"]
        .drop(columns="part")
        .assign(method="", probability=lambda table: expit(table["logit"].to_numpy()))
        for own in clean
    ]
    learning = judge_learning(clean, [one.losses for one in networks], study.evaluate)
    # chapter 08 takes no temperature
    test = [one.test.assign(probability=expit(one.test["logit"].to_numpy())) for one in networks]
    return AuditedVariant(variant, test, validation, learning=learning)


# -- draws


def draw(recipe: str, count: int, sides: int, case: int) -> list[np.ndarray]:
    """Disjoint sets of seeds of a recipe with so many networks."""
    random = np.random.default_rng([RECIPES.index(recipe), case])
    return np.split(random.permutation(count)[: sides * SEEDS], sides)


def judge(work: Path, kind: str, recipe: str, case: int) -> list[Row]:
    """One case: which sides are drawn depends on its kind."""
    have = networks_in(work, recipe)
    if kind == "08":
        sides = draw(recipe, len(have), len(have) // SEEDS, case)
        told = audit_sides(work, ([have[at] for at in own] for own in sides))
    elif kind == "partition":
        own = draw(recipe, len(have), len(have) // SEEDS // 2 * 2, 10_000)[2 * case : 2 * case + 2]
        told = compare_sides(work, *([have[at] for at in side] for side in own))
    else:
        count = len(COMPARED) if kind == "05, all" else 2
        sides = [[have[at] for at in side] for side in draw(recipe, len(have), count, case)]
        told = compare_sides(work, *sides)
        if recipe == "permuted":  # no more than two variants' networks, taken in turn
            told += audit_sides(work, sides * len(SWITCHES))
    return [{"kind": kind, "recipe": recipe, "case": case} | row for row in told]


def plan(have: dict[str, int], draws: int, studies: int) -> list[tuple[str, str, int]]:
    """(kind, recipe, case)."""
    cases: list[tuple[str, str, int]] = []
    for recipe in ("none", "original"):
        if have[recipe] >= 2 * SEEDS:
            cases += [("05", recipe, case) for case in range(draws)]
            cases += [("partition", recipe, case) for case in range(have[recipe] // (2 * SEEDS))]
        if have[recipe] >= len(COMPARED) * SEEDS:
            cases += [("05, all", recipe, case) for case in range(studies)]
    if have["defects"] >= 12 * SEEDS:
        cases += [("08", "defects", case) for case in range(studies)]
    if have["permuted"] >= 2 * SEEDS:
        cases += [("permuted", "permuted", case) for case in range(10)]
    return cases


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """By kind, recipe and what is asked: verdicts, and the share of false ones with its exact interval."""
    rows = []
    for (kind, recipe, asked), own in table.groupby(["kind", "recipe", "asked"], sort=False):
        said = own["said"].value_counts()
        rows.append(
            {"kind": kind, "recipe": recipe, "asked": asked, "n": len(own), **share(own["false"])}
            | {"said": ", ".join(f"{word} {count}" for word, count in said.items())}
        )
    return pd.DataFrame(rows)


def share(false: pd.Series) -> Row:
    """False verdicts, in per cent, with the exact binomial interval."""
    found = binomtest(int(false.sum()), len(false))
    low, high = found.proportion_ci(method="exact")
    per_cent = f"{100 * found.statistic:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
    return {"false": int(false.sum()), "per cent": per_cent}


def studies_wrong(table: pd.DataFrame, kind: str = "05", asked: str = ASKED) -> pd.Series:
    """By recipe and draw: whether any answer to such questions is false."""
    own = table[(table["kind"] == kind) & table["asked"].str.startswith(asked)]
    return own.groupby(["recipe", "case"])["false"].any()


def verdict_of(table: pd.DataFrame) -> list[str]:
    """What is not as promised; nothing where all is."""
    wrong = []
    drawn = table[table["kind"].isin(["05", "05, all", "08"])]
    for (kind, recipe, asked), own in drawn.groupby(["kind", "recipe", "asked"]):
        if own["false"].mean() > MOST:
            wrong.append(f"{kind}, {recipe}, {asked}: {own['false'].mean():.1%} false")
    for recipe, own in studies_wrong(table).groupby("recipe"):
        if own.mean() > MOST:
            wrong.append(f"studies of {recipe}: {own.mean():.1%} say something false")
    idle = table[table["recipe"] == "permuted"]
    if said := int((idle["said"] != UNTRAINED).sum()):
        wrong.append(f"permuted labels: {said} verdicts")
    return wrong


def to_markdown(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * table.shape[1], *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def run(work: Path, cases: Sequence[tuple[str, str, int]], processes: int, tell: Callable) -> pd.DataFrame:
    """Judge every case; what is judged so far can be read in the folder."""
    began, rows = time.monotonic(), []
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for at, told in enumerate(pool.map(judge, [work] * len(cases), *zip(*cases, strict=True)), start=1):
            rows += told
            if at % 20 == 0:
                left = (time.monotonic() - began) / at * (len(cases) - at)
                tell(f"{at} of {len(cases)} draws, {left / 60:.0f} min left")
                pd.DataFrame(rows).to_csv(work / "same_recipe.csv", index=False)
    table = pd.DataFrame(rows)
    table.to_csv(work / "same_recipe.csv", index=False)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where images, runs and scores are kept")
    parser.add_argument("--networks", type=int, default=40, help="of each recipe; 0 takes what is there")
    parser.add_argument("--permuted", type=int, default=9)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--studies", type=int, default=60)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    work = asked.work.resolve()
    if asked.networks:
        counts = dict.fromkeys(RECIPES, asked.networks) | {"permuted": asked.permuted}
        make_networks(work, counts, asked.processes)
    have = {recipe: len(networks_in(work, recipe)) for recipe in RECIPES}
    cases = plan(have, asked.draws, asked.studies)
    table = run(work, cases, asked.processes, lambda text: print(text, file=sys.stderr, flush=True))
    print(f"networks: {have}\n\n{to_markdown(summarise(table))}")
    questions = {"05": ASKED, "05, all": "answer.", "08": "answer."}
    for kind, stem in questions.items():
        for recipe, own in studies_wrong(table, kind, stem).groupby("recipe"):
            told = f"{share(own)['false']} of {len(own)}, {share(own)['per cent']} %"
            print(f"\n{kind}, {recipe}: studies with a false answer to {stem}*: {told}")
    wrong = verdict_of(table)
    print("\n" + ("\n".join(wrong) or "as promised"))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
