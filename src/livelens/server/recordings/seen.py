"""When what was seen, for the marks on a player's time line."""

from collections.abc import Iterable

from livelens.events import Result

Spans = dict[str, list[tuple[float, float]]]

# A gap that nobody could point at on a time line.
_GAP_S = 1.0
_MOST_SPANS = 400


class Seen:
    """Spans of time by class, growing; few, however long it goes on."""

    def __init__(self) -> None:
        self._spans: dict[str, list[list[float]]] = {}
        self._gap_s = _GAP_S

    def add(self, at_s: float, names: Iterable[str]) -> None:
        """Something of these classes is seen in the frame at this time."""
        for name in names:
            spans = self._spans.setdefault(name, [])
            if spans and at_s - spans[-1][1] <= self._gap_s:
                spans[-1][1] = at_s
            else:
                spans.append([at_s, at_s])
                if len(spans) > _MOST_SPANS:
                    self._coarsen()

    @property
    def spans(self) -> Spans:
        """[from, to] in seconds since the beginning, by class."""
        return {
            name: [(round(began, 2), round(ended, 2)) for began, ended in list(spans)]
            for name, spans in sorted(self._spans.items())
        }

    def _coarsen(self) -> None:
        self._gap_s *= 2
        for name, spans in self._spans.items():
            joined = spans[:1]
            for began, ended in spans[1:]:
                if began - joined[-1][1] <= self._gap_s:
                    joined[-1][1] = ended
                else:
                    joined.append([began, ended])
            self._spans[name] = joined


def names_in(result: Result) -> set[str]:
    """The classes and parts that a result tells of."""
    named = {each.class_name for each in result.objects if each.class_name}
    return named | {each.part for each in result.landmarks}
