"""POSIX shell snippets for several steps. All values from files are quoted here."""

from __future__ import annotations

import shlex


def sh(*words: object) -> str:
    """A command line of quoted words."""
    return shlex.join(str(word) for word in words)


def restore_file(path: str, *, literal: bool = True) -> str:
    """Prints the commands that restore the file: content and mode, or its absence.

    The content travels inside the undo itself, so that the journal alone is enough. Not `literal`:
    a shell variable that has the path, of characters that need no quotes.
    """
    quoted = shlex.quote(path) if literal else path
    printed = shlex.quote(quoted) if literal else path
    return (
        f"if [ -e {quoted} ]; then "
        f"printf 'printf %%s %s | base64 -d >%s && chmod %s %s\\n' "
        f"\"$(base64 <{quoted} | tr -d '\\n')\" "
        f'{printed} "$(stat -Lc %a {quoted})" {printed}; '
        f"else printf 'rm -f %s\\n' {printed}; fi"
    )


def write_file(path: str, content: str) -> str:
    """Writes `content`, in a form that is readable in a printed plan."""
    delimiter = "END-OF-FILE"
    while delimiter in content:
        delimiter += "-"
    return f"cat >{shlex.quote(path)} <<'{delimiter}'\n{content.rstrip()}\n{delimiter}"


def same_content(path: str, content: str) -> str:
    """Succeeds if the file already contains `content`."""
    delimiter = "END-OF-FILE"
    while delimiter in content:
        delimiter += "-"
    return f"cmp -s {shlex.quote(path)} - <<'{delimiter}'\n{content.rstrip()}\n{delimiter}"


def loaded(module: str) -> str:
    """Succeeds if the kernel module is loaded."""
    return f"lsmod | grep -q '^{module} '"


def unload(module: str) -> str:
    """Unloads a module if it is loaded."""
    return f"! {loaded(module)} || rmmod {module}"


def unload_what_modprobe_loads(module: str) -> str:
    """Prints the commands that unload what `modprobe` would load: a module and its dependencies."""
    return (
        f"modprobe -n -v {module} | sed -n '1!G;h;$p' | while read -r _ path _; do "
        'name=$(basename "${path%%.ko*}" | tr - _); '
        "echo \"! lsmod | grep -q '^$name ' || rmmod $name\"; done"
    )
