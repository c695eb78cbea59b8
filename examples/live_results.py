"""What a live source shows, frame by frame, until Ctrl-C. Late frames are dropped and counted.

python examples/live_results.py rtsp://camera.local/live
"""

import sys

import livelens
from livelens.events import result_of

street = livelens.run(
    sys.argv[1],
    stages=[livelens.Detect(model="coco-ssd", confidence=0.4), livelens.Track()],
    max_delay_s=0.5,
)
try:
    for item in street:
        result = result_of(item, street.pipeline.stats().dropped)
        shown = [f"{each.class_name} #{each.tracker_id}" for each in result.objects]
        print(f"{result.seq} after {result.latency_ns / 1e6:.0f} ms: {', '.join(shown)}")
except KeyboardInterrupt:
    print("dropped:", street.pipeline.stats().dropped)
finally:
    street.close()
