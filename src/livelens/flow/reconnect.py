"""When to try again. Pure: the answer depends on the arguments alone."""

import msgspec


class Backoff(msgspec.Struct, frozen=True):
    """Exponential delays with a ceiling.

    Attributes:
        first_s: before the first retry.
        factor: growth from one failure to the next.
        longest_s: the ceiling.
        forgive_after_s: a connection that lived this long clears the failures before it.
    """

    first_s: float = 0.25
    factor: float = 2.0
    longest_s: float = 10.0
    forgive_after_s: float = 5.0

    def delay_s(self, failures: int, jitter: float = 0.5) -> float:
        """The delay after so many failures in a row, 1 or more.

        Args:
            failures: how often it failed in a row.
            jitter: 0..1, where in ±10 % the delay lies, so that many streams of one
                dead server do not come back in one instant.
        """
        # Beyond 32 doublings every ceiling is reached and the power would overflow.
        delay = min(self.longest_s, self.first_s * self.factor ** min(failures - 1, 32))
        return delay * (0.9 + 0.2 * jitter)

    def failures_after(self, failures: int, lived_s: float) -> int:
        """The count of failures in a row after one more connection that lived `lived_s`."""
        return 1 if lived_s >= self.forgive_after_s else failures + 1
