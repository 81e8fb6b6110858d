"""Situations in which verdicts go wrong, with made-up networks: does the report say what is true, or nothing?

    python tests/drills/scenarios.py [--cases 6] [--only NAME ...]

Makes scores of networks whose true AUCs are known, sizes as in the built-in study (64 groups of four real and
four forged images a part, 32 in validation), and sends them through chapter 05's comparison and the report's
answers. Images differ in difficulty alike for all networks, each network adds noise of its own, and training
seeds differ. Situations, and what may be said:

- gain, loss, nothing: the policy's true AUC is higher, lower, or equal. No other verdict than that.
- chance: no network has learned anything. Nothing.
- ceiling: both sides are within .005 of an AUC of 1. Nothing, for there is no room for a gain.
- cut short: the policy is behind and its validation loss still falls, or nobody has learned. No refusal.
- both lowered: the policy lowers training and validation AUC, the former by more. Overfitting is not reduced.
- one seed: one network a side, and seeds that differ. Nothing.
- no-op: a transform that changes no image, among others without effect. It is not applicable.
- forging: a policy that learned fakes of its own, and so knows the training images' fakes no better than
  others. It has no gap.

A case is *right* where every answer to the study's questions says what is true, *wrong* where one of them, or
one of those above, says something else, and *open* otherwise. Ends with status 1 where more than 2 of 60 are
wrong, any on the primary question (test AUC of the original policy), or fewer than half of the gains and
losses are found. About a minute.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from made_up import FALLING, Skill, make_tested
from same_recipe import to_markdown

from dfstudy.chapters.c05_policies.compare import Compared, compare_policies
from dfstudy.chapters.c05_policies.numbers import policy_numbers
from dfstudy.chapters.c05_policies.questions_policies import QUALITIES, decide_on_policies
from dfstudy.present.answer import Answer
from dfstudy.stats.verdicts import UNTRAINED
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.study import Study, load_study
from dfstudy.variants.policies import name_variants

PRIMARY = "answer.augmentation.auc"
OPEN = ("cannot tell", UNTRAINED)


@dataclass(frozen=True)
class Case:
    """A study, its ways of training, and what must not be said.

    Attributes:
        refuses: whether `no` may be said of the original policy at all.
        says: whether anything may.
        never: answers that must not be `yes`.
        idle: stem and quantity of an effect that must be not applicable.
    """

    study: Study
    skills: dict[str, Skill]
    refuses: bool = True
    says: bool = True
    never: tuple[str, ...] = ()
    idle: tuple[str, str] | None = None


def study_of(seeds: int = 3, **policies) -> Study:
    study = load_study("sample")
    wanted = {"names": ["none", "original"], **policies}
    return study.model_copy(
        update={
            "policies": study.policies.model_copy(update=wanted),
            "training": study.training.model_copy(update={"seeds": list(range(seeds))}),
            "evaluate": Evaluate(replicates=400),
        }
    )


# -- situations: each takes a generator and gives a case

GOOD = Skill(4.0, 2.1)


def changed(by: float) -> Callable[[np.random.Generator], Case]:
    def make(random: np.random.Generator) -> Case:
        new = GOOD.new + by * random.uniform(0.8, 1.2)
        return Case(study_of(), {"none": GOOD, "original": replace(GOOD, new=new)})

    return make


def chance(random: np.random.Generator) -> Case:
    """Not even the training images, or those alone, by heart."""
    nothing = Skill(float(random.choice([0.1, 4.0])), random.uniform(0, 0.1))
    return Case(study_of(), {"none": nothing, "original": nothing}, says=False)


def ceiling(random: np.random.Generator) -> Case:
    """Robust and unseen are no easier than the rest."""
    high = Skill(9.0, random.uniform(7.5, 9))
    return Case(study_of(), {"none": high, "original": replace(high, new=high.new + 0.3)}, says=False)


def cut_short(random: np.random.Generator) -> Case:
    if random.random() < 0.5:
        few = Skill(0.9, 0.8, tuple(FALLING))
        return Case(study_of(), {"none": few, "original": replace(few, new=0.5)}, says=False)
    behind = Skill(2.4, 1.8, tuple(FALLING))
    return Case(study_of(), {"none": GOOD, "original": behind}, refuses=False)


def both_lowered(random: np.random.Generator) -> Case:
    new = random.uniform(1.6, 1.7)
    worse = Skill(new + 0.05, new)
    return Case(study_of(), {"none": GOOD, "original": worse}, never=("answer.augmentation.gap",))


def one_seed(random: np.random.Generator) -> Case:
    wild = replace(GOOD, seed_sd=0.3)
    return Case(study_of(seeds=1), {"none": wild, "original": wild}, says=False)


def no_op(random: np.random.Generator) -> Case:
    study = study_of(add_one=True)
    every = {trained.policy for trained in name_variants(study)}
    idle = ("add_one.random_interpolation", "auc")
    return Case(study, dict.fromkeys(every, GOOD), never=("answer.transforms.add_one",), idle=idle)


def forging(random: np.random.Generator) -> Case:
    own = Skill(2.0, 2.0)  # the fakes of the training images are as new to it as others
    skills = {"none": GOOD, "original": GOOD, "self_blend": own}
    study = study_of(names=list(skills))
    never = tuple(f"answer.policies.{name}" for name in QUALITIES)
    return Case(study, skills, never=never, idle=("policy.self_blend", "gap"))


SITUATIONS: dict[str, Callable[[np.random.Generator], Case]] = {
    "gain": changed(0.6),
    "loss": changed(-0.6),
    "nothing": changed(0.0),
    "chance": chance,
    "ceiling": ceiling,
    "cut short": cut_short,
    "both lowered": both_lowered,
    "one seed": one_seed,
    "no-op": no_op,
    "forging": forging,
}


# -- judging


def judge(situation: str, number: int) -> dict[str, str]:
    """One case: what was said, and whether it is right, open or wrong; also on the primary question alone."""
    random = np.random.default_rng([list(SITUATIONS).index(situation), number])
    case = SITUATIONS[situation](random)
    compared = compare_policies(case.study, make_tested(random, case.study, case.skills))
    numbers = {one.id: one for one in policy_numbers(case.study, compared)}
    answers = decide_on_policies(numbers, case.study)
    asked = {one.id: one for one in answers if one.id.startswith("answer.augmentation.")}
    judged = {name: judge_answer(one, case, numbers) for name, one in asked.items()}
    judged |= {
        one.id: "wrong" for one in answers if one.id in case.never and one.verdict == "yes" and case.says
    }
    if case.idle and not is_idle(compared, *case.idle):
        judged["idle"] = "wrong"
    order = ("wrong", "open", "right")
    said = {name.rpartition(".")[2]: one.verdict for name, one in asked.items()}
    return {
        "situation": situation,
        "case": str(number),
        "judged": min(judged.values(), key=order.index),
        "primary": judged[PRIMARY],
        "said": ", ".join(f"{name} {verdict}" for name, verdict in said.items()),
        "wrong": ", ".join(name for name, told in judged.items() if told == "wrong"),
    }


def judge_answer(answer: Answer, case: Case, numbers: dict) -> str:
    """Of an answer on the original policy."""
    quality = answer.id.rpartition(".")[2]
    if not case.says:
        return "right" if answer.verdict in OPEN else "wrong"
    if answer.verdict in OPEN:
        return "open"
    sign, least = QUALITIES[quality].sign, QUALITIES[quality].least
    gain = sign * (case.skills["original"].true(quality) - case.skills["none"].true(quality))
    if answer.verdict == "yes":
        return "right" if gain > 1e-9 and answer.id not in case.never else "wrong"
    found = numbers[f"policy.original.{quality}.difference"]
    worse = max(sign * found.low, sign * found.high) < 0  # then it is said to be worse, not just no better
    true = answer.id in case.never or (gain < -1e-9 if worse else gain < least)
    return "right" if case.refuses and true else "wrong"


def is_idle(compared: Compared, stem: str, quantity: str) -> bool:
    (one,) = (x for x in compared.effects if (x.comparison.stem, x.quantity) == (stem, quantity))
    return one.verdict == "not applicable"


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """A row a situation."""
    counts = table.groupby("situation", sort=False)["judged"].value_counts().unstack(fill_value=0)
    counts = counts.reindex(columns=["right", "open", "wrong"], fill_value=0)
    wrong = table[table["primary"] == "wrong"].groupby("situation").size()
    return counts.assign(primary_wrong=wrong.reindex(counts.index, fill_value=0)).reset_index()


def holds(table: pd.DataFrame) -> bool:
    there = table[table["situation"].isin(["gain", "loss"])]
    found = (there["primary"] == "right").sum()
    wrong = (table["judged"] == "wrong").sum()
    return wrong * 30 <= len(table) and not (table["primary"] == "wrong").any() and 2 * found >= len(there)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=6, help="of each situation")
    parser.add_argument("--only", nargs="*", default=list(SITUATIONS), choices=list(SITUATIONS))
    asked = parser.parse_args()
    rows = []
    for situation in asked.only:
        rows += [judge(situation, number) for number in range(asked.cases)]
        print(f"{situation}: {len(rows)} cases done", file=sys.stderr, flush=True)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False), "\n")
    print(to_markdown(summarise(table)))
    print("\n" + ("as promised" if holds(table) else "not as promised"))
    return int(not holds(table))


if __name__ == "__main__":
    sys.exit(main())
