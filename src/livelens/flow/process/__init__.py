"""Stages that run in processes of their own: the flow's half and the child's (`worker.py`)."""
