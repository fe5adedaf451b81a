"""How Sphinx builds the pages of this folder: see CONTRIBUTING.md."""

project = "nbfab"
extensions = ["myst_parser"]
myst_heading_anchors = 3
smartquotes = False  # what looks like a quote or a dash here is to be typed
html_theme = "furo"
html_title = "nbfab"
html_static_path = ["_static"]
html_css_files = ["nbfab.css"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
