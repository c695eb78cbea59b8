"""The values of framing: rectangles, where a camera may look, what it should show, what it shows.

All lengths are pixels of the picture, as real numbers: a viewport moves by parts of a pixel.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle: (left, top) is in it, (right, bottom) is its end."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def x(self) -> float:
        """Middle."""
        return (self.left + self.right) / 2

    @property
    def y(self) -> float:
        """Middle."""
        return (self.top + self.bottom) / 2

    @property
    def area(self) -> float:
        return max(self.width, 0.0) * max(self.height, 0.0)

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is in it."""
        return self.left <= x < self.right and self.top <= y < self.bottom

    def union(self, other: "Rect") -> "Rect":
        """The smallest rectangle around both."""
        return Rect(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def intersection(self, other: "Rect") -> "Rect":
        """What both share; of no size where they share nothing."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        return Rect(
            left,
            top,
            max(left, min(self.right, other.right)),
            max(top, min(self.bottom, other.bottom)),
        )


@dataclass(frozen=True, slots=True)
class Field:
    """Where a camera may look.

    Attributes:
        area: the picture, without borders that show nothing.
        aspect: width by height that is wanted of the viewport.
        padding: the viewport may become wider or higher than the aspect, to show what does not
            fit otherwise; whoever shows it fills the rest of the shot up.
    """

    area: Rect
    aspect: float
    padding: bool = False

    @property
    def widest(self) -> float:
        """Width of the largest viewport of the wanted aspect."""
        return min(self.area.width, self.area.height * self.aspect)

    @property
    def highest(self) -> float:
        """Its height."""
        return min(self.area.height, self.area.width / self.aspect)

    @property
    def largest(self) -> float:
        """Most that a viewport's `size` may be: 1, or more where padding is allowed."""
        if not self.padding:
            return 1.0
        return max(self.area.width / self.widest, self.area.height / self.highest)

    def size_px(self, size: float) -> tuple[float, float]:
        """Width and height of the viewport of a size, where 1 is the largest of the aspect."""
        return min(size * self.widest, self.area.width), min(size * self.highest, self.area.height)

    def view(self, x: float, y: float, size: float) -> Rect:
        """The viewport of a size around a point; moved, and made smaller, so that it is inside."""
        area = self.area
        width, height = self.size_px(min(size, self.largest))
        left = max(min(x - width / 2, area.right - width), area.left)
        top = max(min(y - height / 2, area.bottom - height), area.top)
        return Rect(left, top, min(left + width, area.right), min(top + height, area.bottom))


@dataclass(frozen=True, slots=True)
class Target:
    """What should be shown at one time.

    Attributes:
        pts_ns: media time.
        x, y: where the viewport's middle belongs.
        keep: what must not be cut off.
        size: of the viewport, where 1 is the largest of the wanted aspect, and less is closer.
        cut: the scene has changed, or another subject is shown: be there at once.
    """

    pts_ns: int
    x: float
    y: float
    keep: Rect
    size: float = 1.0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Shot:
    """Where a camera looks at one time: inside the area; `cut` if it has jumped there."""

    view: Rect
    cut: bool
