"""The training itself: network, loop, state, what it saves."""
