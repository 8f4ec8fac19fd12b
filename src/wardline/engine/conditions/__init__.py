"""The language of conditions: text to tokens, to a typed tree, to Python and to SQL. `engine.rule` is its public face."""
