"""Images of other folders, on which a study's networks are tested: `test_on` in the study file.

Takes a study and its split; gives an `Elsewhere` a folder: the images that may be scored, and those set
aside, each with its reason. A folder is indexed like the study's own (kept in `elsewhere/<slug>/data` of the
results), with its labels, layout, groups and near-duplicates. Its official test part is taken where it has
one, else all its images. Set aside are an image under both labels, further copies, and every group that
holds a copy or a near-duplicate of a training or validation image: the networks have seen it. More images
than `evaluate.elsewhere_pictures` are thinned by groups. Refuses a folder that is missing, that is the
study's own, that cannot be read, or of which nothing real or nothing fake is left or drawn.
Cost: as the index; then a search for near-duplicates among both sets, 2 s for 100,000 images.

A door of its own: another way of choosing these images trains nothing again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from dfstudy.data.duplicates import EXACT, both_labels, find_links, join_groups
from dfstudy.data.index import index_study
from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.data.split import COPY, Split, set_aside
from dfstudy.data.subsample import thin_groups
from dfstudy.errors import StudyError
from dfstudy.number import name_methods

if TYPE_CHECKING:
    from dfstudy.study.comparisons import OtherPictures
    from dfstudy.study.study import Study

FOLDER = "elsewhere"  # of the results
SEEN = "it, or an image of its group, has a near-duplicate among the training and validation images"
SEEN_COPY = "its group holds a copy of a training or validation image"
BOTH = "the same image is under real and under fake"
OWN, OTHER = "0/", "1/"  # before paths and groups of the study and of the folder; in order of name


@dataclass(frozen=True)
class Elsewhere:
    """One other folder.

    Attributes:
        name: what the report calls it.
        slug: the name as part of a number's id and of a file's name.
        root: folder that the paths count from.
        rows: images to score, sorted by path, columns as the index (label int64), `group` joined over
            duplicates.
        usable: images that could be scored, of which `rows` may be a part.
        set_aside: images of the folder (of its test part) that are not scored, `error` saying why.
        given: its official test part was taken, not the whole folder.
        checked_against: fingerprint of the split whose training and validation images are not among them.
    """

    name: str
    slug: str
    root: Path
    rows: pd.DataFrame
    usable: int
    set_aside: pd.DataFrame
    given: bool
    checked_against: str

    @property
    def seen(self) -> int:
        """Images excluded because the networks learned from them, or from images of their group."""
        return int(self.set_aside["error"].isin([SEEN, SEEN_COPY]).sum())


def find_elsewhere(study: Study, split: Split, progress: bool = True) -> list[Elsewhere]:
    """What each folder of `test_on` holds for the networks of this split.

    Raises:
        StudyError: a folder cannot be used.
    """
    return [
        _find(study, split, _study_of(study, other, slug), other, slug, progress)
        for slug, other in _by_slug(study).items()
    ]


def fingerprint_files(study: Study) -> dict[str, str]:
    """Where the fingerprints of the folders' indexes lie, relative to the results, by slug."""
    return {slug: f"{FOLDER}/{slug}/data/fingerprint.json" for slug in _by_slug(study)}


def _by_slug(study: Study) -> dict[str, OtherPictures]:
    others = {other.title: other for other in study.test_on}
    return {slug: others[title] for slug, title in name_methods(others).items()}


def _study_of(study: Study, other: OtherPictures, slug: str) -> Study:
    """The study as if its images were the other folder's."""
    changed = {"root": other.root, "layout": other.layout, "aliases": other.aliases or study.data.aliases}
    changed["exclude"] = []
    data = study.data.model_copy(update=changed)
    return study.model_copy(update={"data": data, "out": study.out / FOLDER / slug})


def _find(
    study: Study, split: Split, there: Study, other: OtherPictures, slug: str, progress: bool
) -> Elsewhere:
    if not there.pictures.is_dir():
        raise StudyError(
            f"test_on, {other.title}: there is no folder {other.root}",
            f"mend its path in {study.file} (it counts from there), or take it out of test_on",
        )
    if there.pictures.resolve() == study.pictures.resolve():
        raise StudyError(
            f"test_on, {other.title}: {other.root} holds the study's own images",
            "take it out of test_on: chapter 04 tests on them",
        )
    try:
        index = index_study(there, progress)
    except StudyError as error:
        raise StudyError(
            f"test_on, {other.title}: {error.message}",
            f"mend the folder, or its entry of test_on in {study.file} (root, name, aliases, layout)",
        ) from None
    rows, given = _test_part(index)
    rows = _judge(rows, split, study.data.near_duplicates, given)
    good = rows["error"] == ""
    usable = rows[good].reset_index(drop=True).astype({"label": "int64"})
    aside = rows[~good].reset_index(drop=True)
    most = study.evaluate.elsewhere_pictures or len(usable)
    chosen = thin_groups(usable, most, study.evaluate.seed)
    _refuse_one_class(other, usable, aside)
    _refuse_thin(other, chosen, usable)
    return Elsewhere(
        other.title,
        slug,
        there.pictures,
        chosen.reset_index(drop=True),
        len(usable),
        aside,
        given,
        split.fingerprint,
    )


def _test_part(index: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """The official test part, and True; or all images, and False.

    Two parts are a training and a test set, whatever the second is called.
    """
    found = set(index.loc[index["error"] == "", "given_split"]) - {""}
    name = "test" if "test" in found else "val" if found == {"train", "val"} else ""
    rows = index[index["given_split"] == name] if name and len(found) > 1 else index
    return rows.sort_values("path", ignore_index=True), len(rows) < len(index)


def _judge(rows: pd.DataFrame, split: Split, distance: int, given: bool) -> pd.DataFrame:
    """The folder's rows with joined groups, and the reason in `error` where one may not be scored."""
    own = split.rows[split.rows["split"] != "test"].assign(error="")
    columns = ["path", "label", "group", "sha256", "phash", "pixels", "width", "height", "error"]
    sides = [
        part[columns].assign(path=side + part["path"], group=side + part["group"])
        for side, part in ((OWN, own), (OTHER, rows))
    ]
    both = pd.concat(sides, ignore_index=True)  # sorted by path, as each of them is
    links = find_links(both, distance)
    here = len(own)  # rows from here on are the folder's
    copies = join_groups(both, links[links["kind"] == EXACT])
    joined = join_groups(both, links)
    seen, seen_copy = (groups[here:].isin(set(groups[:here])).to_numpy() for groups in (joined, copies))
    exact = links[(links["kind"] == EXACT) & (links["first"] >= here)]
    repeats = pd.Series(False, index=both.index)
    repeats[exact["second"]] = not given  # an official test set keeps its copies: others count them, too
    reasons = (
        (seen_copy, SEEN_COPY),
        (seen, SEEN),
        (both_labels(both, links)[here:], BOTH),
        (repeats[here:].to_numpy(), COPY),
    )
    rows = rows.copy()
    for mask, reason in reasons:
        rows["error"] = rows["error"].mask((rows["error"] == "") & mask, reason)
    rows["group"] = joined[here:].str.removeprefix(OTHER).to_numpy()
    return rows


def _refuse_one_class(other: OtherPictures, rows: pd.DataFrame, aside: pd.DataFrame) -> None:
    for label, spoken in CLASS_NAMES.items():
        if (rows["label"] == label).any():
            continue
        message = f"test_on, {other.title}: no {spoken} image is left to score"
        if len(aside):
            most = set_aside(aside)["reason"].iloc[0]
            message += f"; {len(aside):,} are excluded, most because: {most}"
        raise StudyError(message, f"add {spoken} images to {other.root}, or take it out of test_on")


def _refuse_thin(other: OtherPictures, chosen: pd.DataFrame, usable: pd.DataFrame) -> None:
    """A class may be so rare that no group of it is drawn."""
    for label, spoken in CLASS_NAMES.items():
        if not (chosen["label"] == label).any():
            raise StudyError(
                f"test_on, {other.title}: none of the {len(chosen):,} images drawn is {spoken}; of all "
                f"{len(usable):,} usable ones {int((usable['label'] == label).sum()):,} are",
                "set evaluate.elsewhere_pictures higher, or to 0 for all of them",
            )
