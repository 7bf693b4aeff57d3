"""DPVS's own languages: dpvs.conf, what its tools and its log say, and how versions differ.

Pure: text in, frozen values out; no host is talked to here. Every parser is strict: a line that it
does not know is a ParseError that quotes the line, never skipped, so that a new DPVS version shows
itself at the first run instead of making checks pass on half-read output.
"""
