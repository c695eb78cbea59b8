"""The words written beside an object: its attributes in short."""

import unicodedata
from collections.abc import Mapping

from livelens.types import Attribute

# Words and numbers that tell by themselves what they are; any other stands after its name.
_BARE = frozenset(
    {
        *("identity", "gender", "age", "emotion", "glasses"),
        *("upper", "lower", "clothing", "posture", "direction"),
    }
)
# What is told better by another attribute of the object.
_INSTEAD = {"age_range": "age", "pitch": "yaw", "roll": "yaw", "heading": "direction"}
# What the label above says already.
_SAID = frozenset({"type"})
_COLOR = "_color"
_NOTHING = frozenset({"", "none", "unknown"})
_UNITS = {"speed": "px/s", "_px_s": "px/s", "_m_s": "m/s", "_deg": "deg", "_px": "px", "_s": "s"}


def words(attributes: Mapping[str, Attribute]) -> list[str]:
    """What is known of an object, in a few words each, in the order of `attributes`.

    Lists, what is not known, and what says that there is nothing are left out.
    """
    spoken = []
    for name, attribute in attributes.items():
        if name in _SAID or _INSTEAD.get(name, "") in attributes:
            continue
        if name.endswith(_COLOR) and _word("", attributes.get(name.removesuffix(_COLOR))):
            continue  # it stands before its garment
        word = _word(name, attribute)
        if word is not None:
            color = _word("", attributes.get(name + _COLOR))
            spoken.append(plain(f"{color} {word}" if color else word))
    return spoken


def plain(text: str) -> str:
    """The text in the letters that OpenCV can draw."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(
        letter if letter.isascii() else "?"
        for letter in letters
        if not unicodedata.combining(letter) and (letter.isprintable() or letter == " ")
    )


def _word(name: str, attribute: Attribute | None) -> str | None:
    """A value with its name, unless it tells by itself what it is; without one, the value."""
    value = attribute.value if attribute is not None else None
    called = name.replace("_", " ")
    if value is None or isinstance(value, list):
        return None
    if isinstance(value, bool):
        return called if value else None
    if isinstance(value, str):
        if value.lower() in _NOTHING:
            return None
        return value if name in _BARE or not name else f"{called} {value}"
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            short = name.removesuffix(ending).replace("_", " ")
            return f"{short} {_number(value)} {unit}".lstrip()
    return _number(value) if name in _BARE else f"{called} {_number(value)}"


def _number(value: float) -> str:
    """Three digits are as much as anybody reads beside a moving box."""
    if abs(value) >= 10 or float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.2g}"
