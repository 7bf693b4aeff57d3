"""Names the plugins; nothing else. Each says in its first line what it does."""

pytest_plugins = [
    "fixtures.options",
    "fixtures.parametrize",
    "fixtures.order",
    "fixtures.requirements",
    "fixtures.selection",
    "fixtures.run",
    "fixtures.evidence",
    "fixtures.bench",
    "fixtures.bringup",
    "fixtures.state",
    "fixtures.traffic",
    "fixtures.attempts",
    "fixtures.outcomes",
    "fixtures.results",
    "fixtures.terminal",
]
