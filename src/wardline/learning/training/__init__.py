"""Training: rows to a model, in a process of its own, the same bytes from the same rows.

`apart` is that process, `trees` trains, `platt` calibrates, `conversion` writes ONNX and compares it, `ensemble` holds trees as arrays and explains what they say.
"""
