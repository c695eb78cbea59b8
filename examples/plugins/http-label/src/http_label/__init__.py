"""Asks an HTTP service what an object is: a descriptor that depends on somebody else.

Three rules keep a slow service from harming anything: every call has a deadline, only so many
are in flight at once, and what comes late is counted and left out ({}), not waited for.
"""

import json
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from http.client import HTTPException
from typing import Annotated, ClassVar
from urllib.request import Request, urlopen

import cv2
import msgspec
from livelens import Crop, DescriptorSpec, Reading
from livelens.descriptor import Description

log = logging.getLogger(__name__)

_TELL_EVERY = 100


class HttpLabel(DescriptorSpec, frozen=True, kw_only=True):
    """Asks an HTTP service for a label of each object.

    The service gets a JPEG by POST and answers `{"label": "…", "score": 0.9}`.

    Attributes:
        url: of the service.
        deadline_s: what has not come by then is given up.
        in_flight: the most calls at once; a late one occupies its place until it ends.
        quality: of the JPEG, 1 to 100.
    """

    measures: ClassVar[tuple[str, ...]] = ("label",)
    describes: ClassVar[tuple[str, ...]] = ("person",)

    url: str = "http://127.0.0.1:8099/label"
    deadline_s: Annotated[float, msgspec.Meta(gt=0, le=5)] = 0.5
    in_flight: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    quality: Annotated[int, msgspec.Meta(ge=1, le=100)] = 85

    def open(self) -> "HttpLabelWorker":
        return HttpLabelWorker(self)


class HttpLabelWorker:
    """Makes the calls.

    Attributes:
        late: calls that were given up so far.
        failed: calls that were answered with an error, or not at all.
    """

    def __init__(self, spec: HttpLabel) -> None:
        self.late = self.failed = 0
        self._spec = spec
        self._places = threading.Semaphore(spec.in_flight)
        self._pool = ThreadPoolExecutor(spec.in_flight, "http-label")

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """The label of each object; {} for those whose answer is late or wrong."""
        calls = [self._begun(crop) for crop in crops]
        wait([call for call in calls if call is not None], self._spec.deadline_s)
        told = [call.result() if call is not None and call.done() else None for call in calls]
        if late := told.count(None):
            self.late += late
            log.info("%s: %d answers late so far", self._spec.url, self.late)
        return [each or {} for each in told]

    def close(self) -> None:
        """Wait for nothing."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begun(self, crop: Crop) -> "Future[Description] | None":
        if not self._places.acquire(timeout=self._spec.deadline_s):
            return None  # all places are taken by calls that are late themselves
        call = self._pool.submit(self._asked, crop)
        call.add_done_callback(lambda _: self._places.release())
        return call

    def _asked(self, crop: Crop) -> Description:
        bgr = crop.image(margin=0.1)[:, :, ::-1]
        _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self._spec.quality])
        request = Request(self._spec.url, jpeg.tobytes(), {"Content-Type": "image/jpeg"})
        try:
            with urlopen(request, timeout=self._spec.deadline_s) as answer:
                told = json.load(answer)
            score = min(1.0, max(0.0, float(told.get("score", 1))))
            return {"label": Reading(str(told["label"]), score)}
        except (OSError, HTTPException, ValueError, TypeError, KeyError, AttributeError) as error:
            self.failed += 1
            if self.failed % _TELL_EVERY == 1:
                log.warning("%s: %s; %d calls failed so far", self._spec.url, error, self.failed)
            return {}
