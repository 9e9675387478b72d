"""The declarations of the exercises: a file for each lesson, each with a list EXERCISES."""

__all__: list[str] = []
