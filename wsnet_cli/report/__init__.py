"""Pages to look at, with jinja2, and their pictures, with matplotlib."""
