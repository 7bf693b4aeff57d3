"""Names the plugins; nothing else. Each says in its first line what it does."""

# A module stands before those that import it.
pytest_plugins = [
    "fixtures.options",
    "fixtures.parametrize",
    "fixtures.order",
    "fixtures.run",
    "fixtures.selection",
    "fixtures.requirements",
    "fixtures.gates",
    "fixtures.outcomes",
    "fixtures.evidence",
    "fixtures.allure_evidence",
    "fixtures.bench",
    "fixtures.progress",
    "fixtures.safety",
    "fixtures.declared",
    "fixtures.bringup",
    "fixtures.plan",
    "fixtures.state",
    "fixtures.traffic",
    "fixtures.attempts",
    "fixtures.faults",
    "fixtures.fault_matrix",
    "fixtures.results",
    "fixtures.terminal",
    "fixtures.replay",
]
