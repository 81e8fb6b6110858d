"""The sample's pictures: rendered portraits of people who do not exist, and forgeries of them.

Takes a folder and the study's `SamplePictures`; leaves JPEG files and an `index.csv` with path, label,
method, group (the person), source (the picture that was forged), mask (where), difficulty and variant.
`person` draws who is shown, `head`, `skin`, `features` and `hair` build them, `photograph` lights and
renders, `forgery` lists the ways of forging (a module a family; `blending` and `decoder` are what they
share), `camera` writes the file, `folder` keeps the whole. Everything is computed here; no photograph of a
person is in it. The forgery families are those of ForgeryNet (He et al., CVPR 2021).
"""

from dfstudy.data.sample.folder import render_sample
from dfstudy.data.sample.forgery import METHODS

__all__ = ["METHODS", "render_sample"]
