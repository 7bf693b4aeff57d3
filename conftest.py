"""Names the plugins; nothing else. Each says in its first line what it does."""

pytest_plugins = [
    "fixtures.options",
    "fixtures.parametrize",
    "fixtures.evidence",
    "fixtures.bench",
    "fixtures.bringup",
    "fixtures.state",
    "fixtures.traffic",
    "fixtures.outcomes",
    "fixtures.terminal",
]
