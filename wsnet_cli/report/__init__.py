"""The health report as a page to look at, with jinja2."""
