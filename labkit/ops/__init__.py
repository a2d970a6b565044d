"""Pure functions on tensors, each with its plain definition as one of its backends."""
