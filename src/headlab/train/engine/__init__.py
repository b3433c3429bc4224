"""The engine: the loop and its steps, optimizer, validation, state and weights, devices and processes."""
