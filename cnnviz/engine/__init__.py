"""Who runs the forward pass: a worker here, shared by all visitors."""
