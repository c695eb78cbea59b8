"""Tables as CSV (RFC 4180), for spreadsheets too."""

import csv
import io
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from starlette.responses import Response, StreamingResponse

from livelens.clock import NS_PER_S, wall_ns

Cell = str | float | int | bool | None
# A spreadsheet takes a cell that begins so for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_ROWS_AT_ONCE = 64


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A table to be saved as `name` and the present time.

    Rows are taken on a thread, a few at a time: a long table must hold up nobody.
    """
    stamp = datetime.fromtimestamp(wall_ns() / NS_PER_S, UTC).strftime("%Y%m%d-%H%M%S")
    headers = {
        "Content-Disposition": f'attachment; filename="livelens-{name}-{stamp}.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_lines(header, rows), media_type="text/csv", headers=headers)


def utc(unix_ns: int) -> str:
    """A time as spreadsheets and people read it."""
    moment = datetime.fromtimestamp(unix_ns / NS_PER_S, UTC)
    return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")


def _lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)  # CRLF and quotes as RFC 4180 has them
    writer.writerow([_plain(cell) for cell in header])
    for number, row in enumerate(rows, 1):
        writer.writerow([_plain(cell) for cell in row])
        if number % _ROWS_AT_ONCE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
            time.sleep(0)  # others may have the interpreter
    yield text.getvalue()


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, float):
        return "" if math.isnan(cell) else cell
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell
