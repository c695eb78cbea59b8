"""Many readings of one attribute of one object, told as one value."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from livelens.types import Attribute

_LEAST_WEIGHT = 1e-6


@dataclass(frozen=True, slots=True)
class Weighed:
    """A reading and how much it counts: its own score times how well the object was seen."""

    attribute: Attribute
    quality: float

    @property
    def weight(self) -> float:
        return max(self.attribute.score * self.quality, _LEAST_WEIGHT)


def smoothed(readings: Sequence[Weighed]) -> Attribute:
    """What the readings say together, as of the latest one.

    Numbers are averaged; words, and yes and no, are voted for, with all alternatives where
    every reading tells them; points are those of the latest reading. Each reading counts by
    its weight.

    Args:
        readings: of one attribute, oldest first; at least one.
    """
    latest = readings[-1].attribute
    alike = [each for each in readings if type(each.attribute.value) is type(latest.value)]
    if isinstance(latest.value, list) or len(readings) == 1:
        return latest
    if isinstance(latest.value, str | bool):
        if latest.scores and all(each.attribute.scores for each in alike):
            return _of_distribution(_mean_scores(alike), latest)
        return _voted(alike, latest)
    total = sum(each.weight for each in alike)
    numbers = [(each, each.attribute.value) for each in alike]
    mean = sum(e.weight * value for e, value in numbers if isinstance(value, int | float)) / total
    score = sum(each.weight * each.attribute.score for each in alike) / total
    value = round(mean) if isinstance(latest.value, int) else mean
    return Attribute(value, score, latest.pts_ns, _mean_scores(alike) if latest.scores else {})


def _mean_scores(readings: Sequence[Weighed]) -> Mapping[str, float]:
    total = sum(each.weight for each in readings)
    summed: Counter[str] = Counter()
    for each in readings:
        for name, score in each.attribute.scores.items():
            summed[name] += each.weight * score  # type: ignore[assignment]  # typed for counts
    return {name: score / total for name, score in summed.items()}


def _of_distribution(scores: Mapping[str, float], latest: Attribute) -> Attribute:
    best = max(scores, key=lambda name: scores[name])
    return Attribute(best, scores[best], latest.pts_ns, scores)


def _voted(readings: Sequence[Weighed], latest: Attribute) -> Attribute:
    votes: dict[str | bool, float] = {}
    for each in readings:
        value = each.attribute.value
        assert isinstance(value, str | bool)
        votes[value] = votes.get(value, 0.0) + each.weight
    best = max(votes, key=lambda value: votes[value])
    theirs = [each for each in readings if each.attribute.value == best]
    total = sum(each.weight for each in theirs)
    score = sum(each.weight * each.attribute.score for each in theirs) / total
    share = votes[best] / sum(votes.values())
    return Attribute(best, score * share, latest.pts_ns)
