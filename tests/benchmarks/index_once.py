"""Index one folder and print what it cost; a script of its own, so that memory is that of an index alone.

    python tests/benchmarks/index_once.py FOLDER

Takes FOLDER/pictures; leaves FOLDER/results. Prints JSON: seconds and processor seconds without what starting
Python and importing takes, and the process's highest memory in bytes.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from peak import peak_memory

from dfstudy.data.index import index_study
from dfstudy.study.study import load_study


def main(folder: Path) -> None:
    """Index and print."""
    study = load_study("sample", data=str(folder / "pictures"), out=str(folder / "results"))
    began, worked = time.perf_counter(), time.process_time()
    index_study(study, progress=False)
    told = {"seconds": time.perf_counter() - began, "processor": time.process_time() - worked}
    print(json.dumps({**told, "peak": peak_memory()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
