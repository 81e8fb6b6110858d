"""Every file that a step of a report opens for reading, written down while it runs.

Python imports this by itself where its folder stands in PYTHONPATH. The folder that `DFSTUDY_OPENED` names
gets a file a process: `<step> <kind> <pid>`, kind being `kernel` or `step`. What libraries open from C is not
seen. Read back by `opened.py` beside this folder.

The file that `DFSTUDY_CUT_OFF` names gets a line for each connection, and each name that was looked up,
beyond this machine; both fail as they do where there is no network.
"""

import errno
import os
import socket
import sys

STEPS = ("train", "leakage", "chapter", "render")
WRITES = os.O_WRONLY | os.O_RDWR


def _name_step() -> str:
    """The note of the step that this process is, or the one of the step that started it."""
    words = sys.orig_argv
    if "dfstudy" in words and words[words.index("dfstudy") + 1] in STEPS:
        verb, name = words[words.index("dfstudy") + 1 :][:2]
        if verb == "train":
            name = f"training_{words[words.index('--step') + 1]}"
        return {"leakage": "leakage", "render": "page"}.get(verb, name)
    return os.environ.get("DFSTUDY_STEP", "")


def _watch(folder: str, step: str) -> None:
    kind = "kernel" if "ipykernel_launcher" in " ".join(sys.orig_argv) else "step"
    log = open(f"{folder}/{step} {kind} {os.getpid()}", "a", buffering=1)  # noqa: SIM115, PTH123
    seen = set()

    def hook(event, arguments):
        if event == "open" and isinstance(arguments[0], str | bytes) and not (arguments[2] or 0) & WRITES:
            path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100
            if path not in seen:
                seen.add(path)
                log.write(path.replace("\n", "?") + "\n")

    sys.addaudithook(hook)


def _cut_off(file: str) -> None:
    here = {None, "", "localhost", "::1", "0.0.0.0", "::", socket.gethostname()}

    def hook(event, arguments):
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = arguments[1]
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            address = (arguments[0],)
        else:
            return
        host = address[0] if isinstance(address, tuple) else None  # a text is a socket of this machine
        host = host.decode() if isinstance(host, bytes) else host
        if host not in here and not str(host).startswith("127."):
            with open(file, "a") as log:  # noqa: PTH123
                log.write(f"{event} {address} {sys.orig_argv}\n")
            raise OSError(errno.ENETUNREACH, f"the network is cut off: {address}")

    sys.addaudithook(hook)


if os.environ.get("DFSTUDY_CUT_OFF"):
    _cut_off(os.environ["DFSTUDY_CUT_OFF"])
if os.environ.get("DFSTUDY_OPENED") and (_step := _name_step()):
    os.environ["DFSTUDY_STEP"] = _step
    _watch(os.environ["DFSTUDY_OPENED"], _step)
