"""The version, in one place: `wardline --version`, the API description and the metrics read it here."""

__version__ = "0.1.0"
