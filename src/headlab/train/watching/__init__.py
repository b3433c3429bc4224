"""What a user sees of a training: log files, the terminal, pictures of the network's input."""
