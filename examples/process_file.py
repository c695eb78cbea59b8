"""A video file in, its objects boxed and tracked out: a new video and a line of JSON per frame.

python examples/process_file.py clip.mp4
"""

import sys

import livelens

people_and_cars = livelens.run(
    sys.argv[1],
    stages=[livelens.Detect(model="coco-ssd"), livelens.Track()],
    sinks=[
        livelens.Record(path="out.mp4", overlay=livelens.Overlay(trace=30)),
        livelens.Results(path="out.jsonl"),
    ],
)
for item in people_and_cars:
    print(f"frame {item.frame.seq}: {len(item.detections or [])} objects")
