"""What words mean in the names of folders and files: labels, splits, masks.

Takes a word, gives its meaning, from tables of whole names in lower case. Refuses a name that a study
calls both real and fake. Cost: none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dfstudy.errors import StudyError

COLUMNS = ["path", "label", "method", "group", "video", "given_split", "error"]
REAL, FAKE = 0, 1
CLASS_NAMES = {REAL: "real", FAKE: "fake"}

# Folder names of the sets that people download: 140k faces, CIFAKE, Real and Fake Face Detection,
# CNNDetection, OpenForensics, FaceForensics++, Celeb-DF, DFDC. All lower case.
_REAL_WORDS = """real reals real_faces real_images real_videos real_frames 0_real training_real test_real
    original originals original_sequences original_videos authentic genuine pristine bonafide bona_fide
    natural celeb-real youtube-real""".split()  # noqa: SIM905
FAKE_WORDS = """fake fakes fake_faces fake_images fake_videos fake_frames 1_fake training_fake test_fake
    forged forgery manipulated manipulated_sequences manipulated_videos tampered altered deepfake synthetic
    synthesized synthesised generated ai ai_generated celeb-synthesis""".split()  # noqa: SIM905
_METHOD_WORDS = ["deepfakes", "face2face", "faceswap", "faceshifter", "neuraltextures", "deepfakedetection"]

SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# Pictures of where a forgery lies, beside the pictures themselves; spatial_localize is ForgeryNet's name.
MASK_FOLDERS = {"mask", "masks", "spatial_localize"}


def build_aliases(further: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Lower-case folder name -> label: the built-in table, overruled by the study's `data.aliases`.

    Raises:
        StudyError: one name stands on both sides.
    """
    own = {name: [word.strip().lower() for word in words] for name, words in further.items()}
    both = sorted(set(own.get("real", [])) & set(own.get("fake", [])))
    if both:
        raise StudyError(
            f"data.aliases calls '{both[0]}' both real and fake", "keep it in one of the two lists"
        )
    table = dict.fromkeys(_REAL_WORDS, REAL) | dict.fromkeys(FAKE_WORDS + _METHOD_WORDS, FAKE)
    return table | dict.fromkeys(own.get("real", []), REAL) | dict.fromkeys(own.get("fake", []), FAKE)


def split_name(word: str) -> str | None:
    """`train`, `val` or `test` where the word names a split, else None."""
    return SPLIT_WORDS.get(word.strip().lower())


def split_of(parts: Iterable[str]) -> str:
    """The first split that a path's folders name, `` where they name none."""
    return next((SPLIT_WORDS[part.lower()] for part in parts if part.lower() in SPLIT_WORDS), "")
