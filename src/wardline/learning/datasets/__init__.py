"""Datasets: labelled decisions as rows of numbers, from what was logged when each was made.

`rows` asks the history and joins the labels, `encoding` turns values into numbers, in training and in service alike.
"""
