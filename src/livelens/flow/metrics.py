"""What Prometheus is told of the flow. Names carry units; times are histograms in seconds."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_BUCKETS_S = (
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.033, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0,
)  # fmt: skip


class FlowMetrics:
    """The flow's counters and histograms, in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.captured = Counter(
            "livelens_frames_captured", "Frames that sources delivered", ["stream"],
            registry=registry,
        )  # fmt: skip
        self.delivered = Counter(
            "livelens_frames_delivered", "Frames that passed all stages", ["stream"],
            registry=registry,
        )  # fmt: skip
        self.dropped = Counter(
            "livelens_frames_dropped", "Frames dropped, by stage and reason",
            ["stream", "stage", "reason"], registry=registry,
        )  # fmt: skip
        self.skipped = Counter(
            "livelens_descriptions_skipped", "Requests that a descriptor did not answer",
            ["stream", "stage", "reason"], registry=registry,
        )  # fmt: skip
        self.sink_dropped = Counter(
            "livelens_sink_frames_dropped", "Frames that a sink was too slow for",
            ["stream", "sink"], registry=registry,
        )  # fmt: skip
        self.stage_seconds = Histogram(
            "livelens_stage_seconds", "Time of one call of a stage",
            ["stream", "stage"], buckets=_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.latency_seconds = Histogram(
            "livelens_latency_seconds", "Capture to the end of the last stage",
            ["stream"], buckets=_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.problems = Counter(
            "livelens_problems", "Problems, by where they arose", ["stream", "where"],
            registry=registry,
        )  # fmt: skip
        self._families = (
            self.captured, self.delivered, self.dropped, self.skipped, self.sink_dropped,
            self.stage_seconds, self.latency_seconds, self.problems,
        )  # fmt: skip

    def forget(self, stream_id: str) -> None:
        """Remove the series of a stream that is gone."""
        for family in self._families:
            family.remove_by_labels({"stream": stream_id})
