"""How labels come in, which stand, and what they say of the sources that had warned."""
