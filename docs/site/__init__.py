"""The documentation site, built by `python -m docs.site` from the documents and the docstrings."""

__all__: list[str] = []
