"""The examples of docs/ci, as far as they can be run without a CI."""
