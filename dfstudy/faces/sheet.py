"""The contact sheet: a page that shows where faces were found, to be looked at before anything is trained.

Takes images with the places of their crops, and what was excluded; gives one HTML file without any address
outside itself. The box is orange, what was cropped blue, landmarks are dots. Cost: 4 ms an image.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from dfstudy.faces.scene import FaceCrop

MOST = 48  # images on the sheet
_HEIGHT, _WIDEST = 220, 880  # pixels
_ORANGE, _BLUE = (230, 120, 20), (40, 120, 220)
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
main { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; } figcaption { font-size: 12px; max-width: 24rem; overflow-wrap: anywhere; }
td { padding: 0 1rem 0 0; }
"""


class Example(NamedTuple):
    """One image of the sheet: JPEG bytes, its source, and a line about it."""

    data: bytes
    source: str
    said: str


def draw_example(picture: np.ndarray, crops: Sequence[FaceCrop]) -> bytes:
    """JPEG bytes of an image, made small, with the places of its crops and beside it the crops.

    Args:
        picture: uint8 [H, W, 3] RGB.
    """
    height, width = picture.shape[:2]
    factor = min(_HEIGHT / height, _WIDEST / width)
    size = max(round(width * factor), 1), max(round(height * factor), 1)  # a strip of one pixel stays one
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    for crop in crops:
        left, top, side = (round(value * factor) for value in crop.square)
        cv2.rectangle(small, (left, top, side, side), _BLUE, 2)
        face = crop.spot.face
        cv2.rectangle(small, [round(value * factor) for value in face.box], _ORANGE, 2)
        for x, y in face.landmarks:
            cv2.circle(small, (round(x * factor), round(y * factor)), 2, _ORANGE, -1)
    faces = [cv2.resize(crop.pixels, (_HEIGHT, _HEIGHT), interpolation=cv2.INTER_AREA) for crop in crops[:2]]
    below = np.zeros((_HEIGHT - small.shape[0], *small.shape[1:]), np.uint8)
    joined = np.hstack([np.vstack([small, below]), *faces])
    return cv2.imencode(".jpg", joined[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def render_sheet(
    title: str, lines: Sequence[str], reasons: dict[str, int], examples: Sequence[Example]
) -> str:
    """The page.

    Args:
        lines: what was done, a paragraph each.
        reasons: why something was excluded -> how often.
    """
    figures = "\n".join(
        f'<figure><img alt="{escape(example.source)}, {escape(example.said)}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(example.data).decode()}">'
        f"<figcaption>{escape(example.source)}: {escape(example.said)}</figcaption></figure>"
        for example in examples
    )
    table = "\n".join(
        f"<tr><td>{count:,}</td><td>{escape(reason)}</td></tr>" for reason, count in reasons.items()
    )
    listed = f"<h2>Set aside</h2>\n<table>\n{table}\n</table>\n" if reasons else ""
    text = "\n".join(f"<p>{escape(line)}</p>" for line in lines)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"{text}\n<p>Orange: the face that was found. Blue: what was cropped, shown at its right.</p>\n"
        f"<main>\n{figures}\n</main>\n{listed}</body>\n</html>\n"
    )
