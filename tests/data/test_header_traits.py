"""What headers say, against files written with known settings."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from dfstudy.data.header_traits import TEXTS, VALUES, header_traits

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (53, 37, 3), dtype=np.uint8))


def written(kind: str = "JPEG", picture: Image.Image = PICTURE, **settings) -> dict:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **settings)
    return header_traits(buffer.getvalue())


@pytest.mark.parametrize("quality", [1, 5, 10, 25, 49, 50, 51, 75, 85, 90, 95, 99, 100])
def test_quality_is_the_one_that_was_written(quality):
    traits = written(quality=quality)
    # below 3 several qualities share tables that are cut off at 255
    assert traits["quality"] == pytest.approx(quality, abs=2 if quality < 3 else 0)
    assert traits["chroma_quality"] == pytest.approx(quality, abs=2 if quality < 3 else 0)


def test_a_makers_own_table_gets_the_nearest_quality_and_a_name_of_its_own():
    own = [[max(1, at // 4) for at in range(1, 65)]] * 2
    traits = written(qtables=own)
    assert 1 <= traits["quality"] <= 100
    names = {written(quality=quality)["tables"] for quality in (75, 75, 76)}
    assert len(names) == 2 and traits["tables"] not in names


@pytest.mark.parametrize(("name", "luminance"), [("4:4:4", "1x1"), ("4:2:2", "2x1"), ("4:2:0", "2x2")])
def test_subsampling(name, luminance):
    assert written(subsampling=name)["subsampling"] == f"{luminance},1x1,1x1"


def test_metadata_is_seen_and_its_absence_too():
    exif = Image.Exif()
    exif[0x010F] = "maker"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    bare = written()
    for settings, trait in [
        ({"exif": exif}, "exif"),
        ({"icc_profile": profile}, "icc"),
        ({"progressive": True}, "progressive"),
        ({"comment": "made by"}, "comment"),
    ]:
        assert bare[trait] == "no"
        assert {name: value for name, value in written(**settings).items() if value != bare[name]} == {
            trait: "yes"
        }
    assert written(dpi=(300, 300))["density"] != bare["density"]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF"])
def test_other_formats_have_no_compression_traits(kind):
    traits = written(kind)
    assert traits["tables"] == traits["subsampling"] == "none"
    assert np.isnan(traits["quality"]) and np.isnan(traits["chroma_quality"])


def test_grey_jpeg_has_one_table_and_every_trait_has_its_name():
    traits = written(picture=PICTURE.convert("L"), quality=80)
    assert traits["mode"] == "L" and traits["quality"] == 80 and np.isnan(traits["chroma_quality"])
    assert set(traits) == {*TEXTS, *VALUES}
