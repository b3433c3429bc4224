"""What a training tells: events, logs, progress, previews."""
