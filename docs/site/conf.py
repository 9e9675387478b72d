"""How Sphinx builds the site from the pages in out/site/source."""

from pathlib import Path

import tinygrad_edu

_SOURCE = Path(__file__).parents[2] / "out" / "site" / "source"

project = "tinygrad-edu"
author = "the contributors"
release = tinygrad_edu.__version__
root_doc = "README"
extensions = ["myst_nb", "sphinx.ext.viewcode", "docs.site.mathml"]
exclude_patterns = [".jupyter_cache", "jupyter_execute", "explorers"]

myst_enable_extensions = ["dollarmath", "html_image"]
myst_heading_anchors = 4
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_execution_excludepatterns = ["*.ipynb"]
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "text/html", 0), ("html", "image/svg+xml", 1)]
suppress_warnings = ["mystnb.unknown_mime_type"]
toc_object_entries = False
python_use_unqualified_type_names = True
python_display_short_literal_types = True
viewcode_line_numbers = True

html_theme = "furo"
html_title = f"tinygrad-edu {release}"
html_math_renderer = "mathml"
html_show_search_summary = False  # it would be fetched, which a page of file:// must not do
html_show_sphinx = False
html_copy_source = False
html_permalinks_icon = "#"
html_static_path = [str(_SOURCE / "_static")]
html_extra_path = [str(_SOURCE / "explorers")]
html_css_files = ["site.css"]
