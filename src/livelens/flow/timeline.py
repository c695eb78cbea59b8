"""Media time that only grows, whatever the source does to its clock."""

_USUAL_STEP_NS = 33_333_333
_LONGEST_STEP_NS = 10_000_000_000


class Timeline:
    """Maps a source's pts to the stream's, strictly growing from 0.

    A source that is reopened, loops or jumps starts a new stretch: it is laid
    behind the last one, at a distance of the time that really passed.
    """

    def __init__(self) -> None:
        self._offset_ns: int | None = None
        self._last_ns = -1
        self._last_captured_ns = 0
        self._cut = False

    def map(self, pts_ns: int, captured_ns: int) -> int:
        """The stream's pts of a picture with this pts, captured at this host time."""
        if self._offset_ns is None:
            mapped = 0
            self._offset_ns = -pts_ns
        else:
            mapped = pts_ns + self._offset_ns
            if self._cut or not self._last_ns < mapped <= self._last_ns + _LONGEST_STEP_NS:
                passed_ns = captured_ns - self._last_captured_ns
                step_ns = passed_ns if 0 < passed_ns <= _LONGEST_STEP_NS else _USUAL_STEP_NS
                mapped = self._last_ns + step_ns
                self._offset_ns = mapped - pts_ns
        self._cut = False
        self._last_ns, self._last_captured_ns = mapped, captured_ns
        return mapped

    def restart(self) -> None:
        """The source is being reopened: its next pts has nothing to do with the last."""
        self._cut = True
