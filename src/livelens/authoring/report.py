"""What a test of a plug-in found, for people and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from livelens.authoring.found import Plugin
from livelens.errors import LivelensError

Status = Literal["ok", "warn", "fail", "skip"]
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

_MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]", "skip": "[dim]–[/]"}


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer.

    Attributes:
        name: the question in a word or two.
        status: `warn` is worth a look and fails nothing; `skip` could not be asked.
        detail: what was seen.
        advice: what to do about it.
    """

    name: str
    status: Status
    detail: str = ""
    advice: str = ""


class Broken(LivelensError):
    """A promise is not kept. `status` may make it a mere warning."""

    def __init__(self, message: str, advice: str = "", status: Status = "fail") -> None:
        super().__init__(message)
        self.advice = advice
        self.status: Status = status


@dataclass(frozen=True, slots=True)
class Tested:
    """A plug-in and what was found."""

    plugin: Plugin
    checks: Sequence[Check]

    @property
    def passed(self) -> bool:
        return all(check.status != "fail" for check in self.checks)

    def as_json(self) -> dict[str, Json]:
        """One JSON object."""
        plugin = self.plugin
        checks: list[Json] = [asdict(check) for check in self.checks]
        return {
            "kind": plugin.kind,
            "name": plugin.name,
            "value": plugin.value,
            "package": plugin.package,
            "version": plugin.version,
            "installed": plugin.folder is None,
            "passed": self.passed,
            "checks": checks,
        }


def show(tested: Tested, console: Console) -> None:
    """Print a table of checks, with what to do under each that is not kept."""
    plugin = tested.plugin
    console.print(f"[bold]{plugin.kind} {escape(plugin.name)}[/]  {escape(plugin.value)}")
    if plugin.folder is not None:
        console.print(f"not installed; to use it: pip install -e {escape(str(plugin.folder))}")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    skipped = [check for check in tested.checks if check.status == "skip"]
    for check in tested.checks:
        if check in skipped[1:]:
            continue
        told = escape(check.detail)
        if check.advice and check.status in ("warn", "fail"):
            told += f"\n[dim]→ {escape(check.advice)}[/]"
        name = f"{check.name} …" if check in skipped and len(skipped) > 1 else check.name
        table.add_row(_MARKS[check.status], name, told)
    console.print(table)
    failed = sum(check.status == "fail" for check in tested.checks)
    passed = sum(check.status == "ok" for check in tested.checks)
    verdict = f"[red]{failed} failed[/], {passed} passed" if failed else f"{passed} passed"
    console.print(f"{verdict}\n", highlight=False)
