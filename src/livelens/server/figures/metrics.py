"""What Prometheus is told besides the flow: renditions, viewers, readers, queues."""

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from livelens.server.state import ServerState, state_of
from livelens.server.threads import in_thread
from livelens.sinks.whep import ENCODE_BUCKETS_S, EncoderStats, WhepSink


async def metrics(request: Request) -> Response:
    """Prometheus text exposition."""
    registry = state_of(request).engine.registry
    text = await in_thread(generate_latest, registry)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


class ServerCollector(Collector):
    """Reads the server's state when it is asked; on a thread, so it copies what may change."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    def describe(self) -> Iterator[Metric]:
        """Nothing: names are not checked in advance."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families of the server."""
        yield from self._renditions()
        yield from self._queues()
        yield from self._sessions()
        yield from self._audio()
        yield from self._readers()
        yield from self._recordings()

    def _renditions(self) -> Iterator[Metric]:
        labels = ["stream", "sink"]
        each = [*labels, "codec"]
        viewers = GaugeMetricFamily("livelens_viewers", "Who watches", labels=labels)
        behind = CounterMetricFamily(
            "livelens_encoder_loop_dropped",
            "Pictures left out because the event loop was behind",
            labels=labels,
        )
        pictures = CounterMetricFamily("livelens_encoder_pictures", "Pictures encoded", labels=each)
        keyframes = CounterMetricFamily(
            "livelens_encoder_keyframes", "Keyframes among them", labels=each
        )
        octets = CounterMetricFamily("livelens_encoder_bytes", "Bytes encoded", labels=each)
        seconds = HistogramMetricFamily(
            "livelens_encode_seconds", "Time to encode a picture", labels=each
        )
        for stream_id, pipeline in list(self._state.engine.streams.items()):
            for name, sink in pipeline.sinks.items():
                if not isinstance(sink, WhepSink):
                    continue
                stats = sink.stats()
                viewers.add_metric([stream_id, name], stats.viewers)
                behind.add_metric([stream_id, name], stats.loop_dropped)
                for codec, encoder in stats.encoders.items():
                    key = [stream_id, name, codec]
                    pictures.add_metric(key, encoder.pictures)
                    keyframes.add_metric(key, encoder.keyframes)
                    octets.add_metric(key, encoder.bytes)
                    seconds.add_metric(key, _buckets(encoder), encoder.encode_s)
        yield from (viewers, behind, pictures, keyframes, octets, seconds)

    def _queues(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "livelens_waiting_frames", "Frames that wait for a stage or sink",
            labels=["stream", "stage"],
        )  # fmt: skip
        running = GaugeMetricFamily("livelens_streams", "Streams, by state", labels=["state"])
        by_state: dict[str, int] = {}
        for stream_id, pipeline in list(self._state.engine.streams.items()):
            by_state[pipeline.state] = by_state.get(pipeline.state, 0) + 1
            for stage, count in pipeline.stats().waiting.items():
                waiting.add_metric([stream_id, stage], count)
        for state, count in by_state.items():
            running.add_metric([state], count)
        yield from (waiting, running)

    def _sessions(self) -> Iterator[Metric]:
        peers = GaugeMetricFamily("livelens_peers", "WebRTC sessions", labels=["kind", "state"])
        lost = CounterMetricFamily(
            "livelens_publisher_dropped", "Published pictures lost before the pipeline",
            labels=["stream"],
        )  # fmt: skip
        counts: dict[tuple[str, str], int] = {}
        for session in self._state.sessions.all():
            key = (session.kind, session.peer.state)
            counts[key] = counts.get(key, 0) + 1
        for (kind, state), count in counts.items():
            peers.add_metric([kind, state], count)
        for stream_id, publication in list(self._state.streams.publications.items()):
            lost.add_metric([stream_id], publication.feed.dropped)
        yield from (peers, lost)

    def _audio(self) -> Iterator[Metric]:
        received = CounterMetricFamily(
            "livelens_audio_received", "Packets of sound from publishers", labels=["stream"]
        )
        sent = CounterMetricFamily(
            "livelens_audio_sent", "Packets of sound to viewers, all together", labels=["stream"]
        )
        dropped = CounterMetricFamily(
            "livelens_audio_dropped",
            "Packets of sound that did not arrive (lost), that came in vain, or that a viewer"
            " was not ready for (unsent), by reason",
            labels=["stream", "reason"],
        )
        for stream_id, publication in list(self._state.streams.publications.items()):
            counts = publication.audio.counts
            received.add_metric([stream_id], counts.received)
            sent.add_metric([stream_id], counts.sent)
            peer = publication.peer
            stats = None if peer is None else peer.stats().audio
            for reason, count in publication.audio.dropped(stats).items():
                dropped.add_metric([stream_id, reason], count)
        yield from (received, sent, dropped)

    def _readers(self) -> Iterator[Metric]:
        readers = GaugeMetricFamily(
            "livelens_result_readers", "Readers of results", labels=["transport"]
        )
        lost = CounterMetricFamily(
            "livelens_results_lost",
            "Messages that readers were too slow for; of SSE and WebSocket once they left",
            labels=["transport"],
        )  # fmt: skip
        refused = CounterMetricFamily(
            "livelens_requests_refused", "Requests refused, by status", labels=["status"]
        )
        for transport, count in list(self._state.readers.items()):
            readers.add_metric([transport], count)
        for transport, count in list(self._state.results_lost.items()):
            lost.add_metric([transport], count)
        lost.add_metric(["datachannel"], self._state.sessions.messages_lost)
        for status, count in list(self._state.refused.items()):
            refused.add_metric([str(status)], count)
        yield from (readers, lost, refused)

    def _recordings(self) -> Iterator[Metric]:
        recorder = self._state.recorder
        ended = recorder.ended
        count = GaugeMetricFamily("livelens_recordings", "Recordings, by state", labels=["state"])
        count.add_metric(["recording"], recorder.running)
        count.add_metric(["ended"], len(ended))
        octets = GaugeMetricFamily("livelens_recordings_bytes", "Taken by ended recordings")
        octets.add_metric([], sum(info.size_bytes for info in ended))
        gone = CounterMetricFamily(
            "livelens_recordings_deleted", "Recordings deleted, by reason", labels=["reason"]
        )
        for reason, number in list(recorder.removed.items()):
            gone.add_metric([reason], number)
        yield from (count, octets, gone)


def _buckets(encoder: EncoderStats) -> list[tuple[str, float]]:
    """Cumulative counts by upper bound."""
    bounds = [*(str(bound) for bound in ENCODE_BUCKETS_S), "+Inf"]
    total = 0
    cumulative: list[tuple[str, float]] = []
    for bound, count in zip(bounds, encoder.encode_buckets, strict=True):
        total += count
        cumulative.append((bound, total))
    return cumulative
