"""Points on bodies, hands and faces: what MediaPipe Holistic gives."""
