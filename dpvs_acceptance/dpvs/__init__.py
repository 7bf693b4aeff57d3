"""Parsers for dpvs.conf, for the output of DPVS's tools and for its log; version differences.

Pure functions without access to hosts: text in, frozen values out. All parsers are strict: an
unknown line is a ParseError that quotes it. So a new DPVS version is noticed in the first run,
instead of checks passing on partly parsed output.
"""
