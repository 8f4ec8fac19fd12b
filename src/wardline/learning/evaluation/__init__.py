"""Figures about decisions whose truth is known: shares with intervals, thresholds, curves, campaigns; pure functions of rows."""
