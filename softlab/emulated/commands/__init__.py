"""The emulated commands. They run on the host, with its python3 and nothing else.

Each module is one command with `main(arguments) -> exit status`; `layout` copies this folder to the
host and lays a starter for each. They import each other only relatively and nothing of the project.
"""
