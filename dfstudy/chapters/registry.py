"""The chapters of the report in reading order: one import and one name each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.chapters.c01_data.chapter import CHAPTER as data
from dfstudy.chapters.c02_augmentation.chapter import CHAPTER as augmentation
from dfstudy.chapters.c03_training.chapter import CHAPTER as training
from dfstudy.chapters.c04_test.chapter import CHAPTER as test
from dfstudy.chapters.c05_policies.chapter import CHAPTER as policies
from dfstudy.chapters.c06_transfer.chapter import CHAPTER as transfer
from dfstudy.chapters.c07_robustness.chapter import CHAPTER as robustness
from dfstudy.chapters.c08_protocol.chapter import CHAPTER as protocol
from dfstudy.chapters.c09_pretrained.chapter import CHAPTER as pretrained
from dfstudy.chapters.c10_conclusions.chapter import CHAPTER as conclusions

if TYPE_CHECKING:
    from dfstudy.chapters.base import Chapter

CHAPTERS: tuple[Chapter, ...] = (
    data,
    augmentation,
    training,
    test,
    policies,
    transfer,
    robustness,
    protocol,
    pretrained,
    conclusions,
)
