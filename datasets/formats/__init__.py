"""Datasets from arrays of one's own, and to and from the formats of others: the Well, PDEBench and netCDF.

What is for users is named by `pdesym.datasets`.
"""
