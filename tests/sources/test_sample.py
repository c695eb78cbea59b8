"""Sample clips as sources."""

from itertools import islice

import pytest

from livelens import plugins
from livelens.errors import ConfigError, DownloadError, SourceError
from livelens.models import zoo
from livelens.server.urls import check_source
from livelens.sources.sample import Sample, clips


def test_a_sample_is_a_live_clip_that_never_tells_where_it_lies() -> None:
    spec = Sample.from_url("sample://bikes")
    assert (spec.live, spec.label) == (True, "sample://bikes")
    source = spec.open()
    first, second = islice(source.frames(), 2)
    source.close()
    assert first.picture.width > 300
    assert second.pts_ns > first.pts_ns


def test_only_videos_are_samples() -> None:
    assert "bikes" in clips()
    with pytest.raises(ConfigError, match=r"there is no sample 'face-photographs' .*bikes"):
        Sample.from_url("sample://face-photographs")


def test_one_that_cannot_be_fetched_is_a_source_that_does_not_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str) -> None:
        raise DownloadError("no network")

    monkeypatch.setattr(zoo, "clip", fail)
    with pytest.raises(SourceError, match="sample://bikes: no network"):
        Sample().open()


def test_anybody_who_may_start_a_stream_may_play_a_sample() -> None:
    assert plugins.named(Sample()) == "sample"
    check_source(Sample(), ())
