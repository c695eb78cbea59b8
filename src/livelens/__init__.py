"""Run vision models on live video and get the result back in real time.

>>> import livelens
>>> for item in livelens.run("street.mp4", stages=[livelens.Detect(), livelens.Track()]):
...     print(item.frame.seq, item.detections.tracker_id)

Names are imported when they are used, so that `import livelens` takes milliseconds.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

__version__ = version("livelens")

_HOME = {
    "AgeGender": "livelens.stages.describe.age_gender",
    "Attribute": "livelens.types",
    "Clothing": "livelens.stages.describe.clothing",
    "Crop": "livelens.crop",
    "Descriptor": "livelens.descriptor",
    "DescriptorSpec": "livelens.descriptor",
    "Detect": "livelens.stages.detect",
    "Emotion": "livelens.stages.describe.emotion",
    "Engine": "livelens.flow.engine",
    "File": "livelens.sources.file",
    "FindLandmarks": "livelens.stages.landmarks.stage",
    "Flux": "livelens.stages.flux.stage",
    "Frame": "livelens.types",
    "Glasses": "livelens.stages.describe.glasses",
    "HeadPose": "livelens.stages.describe.head_pose",
    "Identity": "livelens.stages.describe.identity",
    "Item": "livelens.types",
    "Landmarks": "livelens.types",
    "LivelensError": "livelens.errors",
    "Mask": "livelens.stages.mask",
    "Overlay": "livelens.stages.overlay",
    "Pattern": "livelens.sources.pattern",
    "PipelineSpec": "livelens.spec",
    "Pose": "livelens.stages.describe.pose",
    "Reading": "livelens.descriptor",
    "Record": "livelens.sinks.record",
    "Reframe": "livelens.stages.reframe",
    "Result": "livelens.events",
    "Results": "livelens.sinks.results",
    "Rtp": "livelens.sources.rtp",
    "Simulate": "livelens.stages.simulate",
    "SinkSpec": "livelens.spec",
    "SourceSpec": "livelens.spec",
    "StageSpec": "livelens.spec",
    "Track": "livelens.stages.track",
    "Url": "livelens.sources.url",
    "Vehicle": "livelens.stages.vehicle",
    "Viewport": "livelens.types",
    "Viewports": "livelens.stages.viewports",
    "Whep": "livelens.sinks.whep",
    "run": "livelens.flow.run",
}

if TYPE_CHECKING:
    from livelens.crop import Crop
    from livelens.descriptor import Descriptor, DescriptorSpec, Reading
    from livelens.errors import LivelensError
    from livelens.events import Result
    from livelens.flow.engine import Engine
    from livelens.flow.run import run
    from livelens.sinks.record import Record
    from livelens.sinks.results import Results
    from livelens.sinks.whep import Whep
    from livelens.sources.file import File
    from livelens.sources.pattern import Pattern
    from livelens.sources.rtp import Rtp
    from livelens.sources.url import Url
    from livelens.spec import PipelineSpec, SinkSpec, SourceSpec, StageSpec
    from livelens.stages.describe.age_gender import AgeGender
    from livelens.stages.describe.clothing import Clothing
    from livelens.stages.describe.emotion import Emotion
    from livelens.stages.describe.glasses import Glasses
    from livelens.stages.describe.head_pose import HeadPose
    from livelens.stages.describe.identity import Identity
    from livelens.stages.describe.pose import Pose
    from livelens.stages.detect import Detect
    from livelens.stages.flux.stage import Flux
    from livelens.stages.landmarks.stage import FindLandmarks
    from livelens.stages.mask import Mask
    from livelens.stages.overlay import Overlay
    from livelens.stages.reframe import Reframe
    from livelens.stages.simulate import Simulate
    from livelens.stages.track import Track
    from livelens.stages.vehicle import Vehicle
    from livelens.stages.viewports import Viewports
    from livelens.types import Attribute, Frame, Item, Landmarks, Viewport

__all__ = [
    "AgeGender",
    "Attribute",
    "Clothing",
    "Crop",
    "Descriptor",
    "DescriptorSpec",
    "Detect",
    "Emotion",
    "Engine",
    "File",
    "FindLandmarks",
    "Flux",
    "Frame",
    "Glasses",
    "HeadPose",
    "Identity",
    "Item",
    "Landmarks",
    "LivelensError",
    "Mask",
    "Overlay",
    "Pattern",
    "PipelineSpec",
    "Pose",
    "Reading",
    "Record",
    "Reframe",
    "Result",
    "Results",
    "Rtp",
    "Simulate",
    "SinkSpec",
    "SourceSpec",
    "StageSpec",
    "Track",
    "Url",
    "Vehicle",
    "Viewport",
    "Viewports",
    "Whep",
    "__version__",
    "run",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'livelens' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
