"""What words mean in the names of folders and files: labels, splits, methods, sources, masks.

Takes a word, gives its meaning, from tables of whole names in lower case. Refuses a name that a study
calls both real and fake. How several words in one name are read stands in `splits.py`. Cost: none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dfstudy.data.columns import LAYOUT
from dfstudy.errors import StudyError

COLUMNS = ["path", *LAYOUT, "error"]
REAL, FAKE = 0, 1
CLASS_NAMES = {REAL: "real", FAKE: "fake"}

# Folder names of the sets that people download: 140k faces, CIFAKE, Real and Fake Face Detection,
# CNNDetection, OpenForensics, FaceForensics++, Celeb-DF, DFDC. All lower case.
_REAL_WORDS = """real reals real_faces real_images real_videos real_frames 0_real
    original originals original_sequences original_videos authentic genuine pristine bonafide bona_fide
    natural celeb-real youtube-real""".split()  # noqa: SIM905
FAKE_WORDS = """fake fakes fake_faces fake_images fake_videos fake_frames 1_fake
    forged forgery manipulated manipulated_sequences manipulated_videos tampered altered deepfake synthetic
    synthesized synthesised generated ai ai_generated celeb-synthesis""".split()  # noqa: SIM905
_METHOD_WORDS = ["deepfakes", "face2face", "faceswap", "faceshifter", "neuraltextures", "deepfakedetection"]

SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trn", "trainset", "traindata", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "valset", "dev", "devel", "development", "devset"), "val"),
    **dict.fromkeys(
        ("test", "testing", "tst", "testset", "testdata", "eval", "evaluation", "evalset"), "test"
    ),
}
# Beside a test set, these name the set that selects: `read_folders` and index.csv look at both together.
EVAL_WORDS = {"eval", "evaluation", "evalset"}

# Names that people give folders of generated images and of photographs. They give no image a label: they
# keep numbered generators from being taken for videos, and they are what the message about unknown folders
# may offer. Read word by word, without digits: stylegan2-ada has the word stylegan.
METHOD_NAMES = frozenset(
    """adm attgan biggan blendface cogview crn cyclegan dalle danet ddim ddpm deepfakedetection deepfakes
    deepfacelab diffusion diffusiongan e4e edtalk face2face faceapp facedancer faceshifter faceswap
    facevid2vid firefly flux fomm fsgan gan gaugan generator ghost glide hififace hyperreenact imagen imle
    infoswap inswapper kandinsky ldm maskgan mcnet method midjourney mobileswap model mmdit
    neuraltextures pggan pirender pixart playground progan progressivegan projectedgan realvisxl roop
    sadtalker sd sdv sdxl simswap stargan starganv stylegan styleganxl styleswin talkinghead tpsm
    uniface vqdm vqgan wav2lip wukong version""".split()  # noqa: SIM905
)
SOURCE_NAMES = frozenset(
    """afhq casia celeba celebahq celebamask cifar coco ffhq flickr imagenet imdb laion lfw lsun megaface
    metfaces pexels raise umdfaces unsplash utkface vggface voxceleb wider""".split()  # noqa: SIM905
)
# Images of where a forgery lies, beside the images themselves; spatial_localize is ForgeryNet's name.
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


def known_name(name: str, table: frozenset[str]) -> bool:
    """Whether one of the name's words, or the name without its digits and signs, stands in a table."""
    words = re.findall(r"[a-z]+", name.lower())
    digits = re.findall(r"[a-z0-9]+", name.lower())
    return bool({*words, *digits, "".join(words)} & table)


def whole_name(name: str, table: frozenset[str]) -> bool:
    """Whether the whole name stands in a table, but for case, signs and the number of a version behind."""
    word = re.sub(r"[^a-z0-9]", "", name.lower())
    return word in table or word.rstrip("0123456789").removesuffix("v") in table
