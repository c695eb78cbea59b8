"""`livelens bench perception`: how right the models are, one module for each task."""
