"""Match the detections of two models, and test the class-shift inference."""
