"""lsmod: what is loaded, as kmod prints it."""

from .daemon_client import ask, fail


def main(arguments: list[str]) -> int:
    if arguments:
        fail("Usage: lsmod")
    print("Module                  Size  Used by")
    for row in ask("modules")["modules"]:
        holders = " " + ",".join(row["holders"]) if row["holders"] else ""
        print(f"{row['name']:<19} {row['size']:>8}  {row['uses']}{holders}")
    return 0
