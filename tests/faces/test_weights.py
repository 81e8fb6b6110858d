"""Where the detector's weights come from, and what is refused; no test asks the network."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dfstudy.errors import StudyError
from dfstudy.faces import weights
from dfstudy.faces.finder import FaceFinder


@pytest.fixture
def served(monkeypatch, tmp_path):
    """A server that gives `served.content`, asked instead of the published address; counts requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(server.content)

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.content, server.requests = b"the weights", 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setattr(weights, "URL", f"http://127.0.0.1:{server.server_port}/{weights.NAME}")
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(b"the weights").hexdigest())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetched_once_and_kept(served, tmp_path):
    assert weights.read_weights() == b"the weights"
    assert weights.read_weights() == b"the weights" and served.requests == 1
    kept = tmp_path / "cache/dfstudy" / weights.NAME
    assert [file.name for file in kept.parent.iterdir()] == [weights.NAME]
    kept.write_bytes(b"damaged")
    assert weights.read_weights() == b"the weights" and served.requests == 2


def test_another_file_is_refused_and_not_kept(served, tmp_path):
    served.content = b"version https://git-lfs.github.com/spec/v1"
    with pytest.raises(StudyError, match="not the published face detector"):
        weights.read_weights()
    assert not (tmp_path / "cache/dfstudy").exists()


def test_without_a_network_it_says_what_to_put_where(served, monkeypatch):
    monkeypatch.setattr(weights, "URL", "http://127.0.0.1:1/yunet.onnx")
    with pytest.raises(StudyError) as caught:
        weights.read_weights()
    assert all(word in caught.value.hint for word in (weights.URL, str(weights.cache_folder()), "--weights"))


def test_a_path_or_the_variable_comes_first(served, tmp_path, monkeypatch):
    (tmp_path / "own.onnx").write_bytes(b"own")
    (tmp_path / "other.onnx").write_bytes(b"other")
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "other.onnx"))
    assert weights.read_weights() == b"other"
    assert weights.read_weights(tmp_path / "own.onnx") == b"own"
    with pytest.raises(StudyError, match=r"nowhere\.onnx cannot be read"):
        weights.read_weights(tmp_path / "nowhere.onnx")
    assert served.requests == 0


def test_what_is_no_detector_is_refused():
    with pytest.raises(StudyError, match="no YuNet face detector"):
        FaceFinder(b"version https://git-lfs.github.com/spec/v1")
