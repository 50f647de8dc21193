"""The logic of each experiment."""
