"""Speech to motion by a trained network: encoders, decoders, checkpoints, and inference without torch."""
