"""The client for pages of somebody else's, as the server gives it away."""

from pathlib import Path

import livelens
from tests.server.running import running

BUILT = Path(livelens.__file__).parent / "web" / "client" / "livelens.js"


def test_a_page_of_an_allowed_origin_may_import_the_client() -> None:
    assert BUILT.is_file(), "the page is not built: run 'make web'"
    with running(origins=["https://mine.example"]) as server:
        for origin, allowed in (
            ("https://mine.example", True),
            ("http://localhost:9000", True),
            ("https://foreign.example", False),
        ):
            script = server.http.get("/client/livelens.js", headers={"Origin": origin})
            assert script.status_code == 200
            assert script.headers["content-type"].startswith("text/javascript")
            # The next server may be of another version.
            assert script.headers["cache-control"] == "no-cache"
            assert (script.headers.get("access-control-allow-origin") == origin) is allowed
        types = server.http.get("/client/livelens.d.ts")
        assert types.headers["content-type"].startswith("text/plain")
        assert "export {" in types.text


def test_the_client_is_one_file_that_needs_no_other() -> None:
    text = BUILT.read_text("utf-8")
    assert "import" not in text.split("export")[0].replace("important", "")
    assert len(text) < 40_000
