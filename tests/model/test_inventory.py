"""Hosts from a file: a list, and groups of Ansible inventories."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.inventory import InventoryError, listed, of_group

INI = """
bastion
[loadbalancers]
lb[01:03] ansible_host=10.0.0.1
lb07  # the old one

[edge:children]
loadbalancers
spare

[spare]
lb-[a:c].example.org ansible_user="root"

[edge:vars]
ansible_user=root
"""
YAML = """
all:
  hosts:
    bastion:
  children:
    edge:
      children:
        loadbalancers:
          hosts:
            lb[01:03]: {ansible_host: 10.0.0.1}
            lb07:
        spare: {hosts: {"lb-[a:c].example.org": {}}}
"""
FOUR = ["lb01", "lb02", "lb03", "lb07"]
THREE = ["lb-a.example.org", "lb-b.example.org", "lb-c.example.org"]


def test_a_list_has_a_name_per_line() -> None:
    assert listed("lb01\n# lb02\n\n lb03 # spare\nlb01\nlb[8:10]") == [
        *("lb01", "lb03", "lb8", "lb9", "lb10"),
    ]


@pytest.mark.parametrize("text", [INI, YAML], ids=["ini", "yaml"])
def test_a_group_has_its_hosts_and_those_of_its_children(text: str) -> None:
    assert of_group(text, "loadbalancers") == FOUR
    assert of_group(text, "edge") == [*FOUR, *THREE]
    assert set(of_group(text, "all")) == {"bastion", *FOUR, *THREE}


@pytest.mark.parametrize(
    ("text", "group", "words"),
    [
        (INI, "nothing", "no group nothing. There are: all, edge, loadbalancers, spare, ungr"),
        (YAML, "nothing", "no group nothing. There are: all, edge, loadbalancers, spare"),
        ("[a:children]\nb\n[b:children]\na\n", "a", "group a is its own child"),
        ("[a\nlb01", "a", "line 1: [a: not a section such as"),
        ("[a]\n'lb01", "a", "line 2: 'lb01: No closing quotation"),
        ("[a]\n", "a", "group a has no hosts"),
        ("a:\n  - lb01\n", "a", "group a: expected `hosts:` or `children:`"),
        ("a:\n  hosts: {lb01: [\n", "a", "not YAML: "),
    ],
)
def test_a_mistake_is_one_sentence(text: str, group: str, words: str) -> None:
    with pytest.raises(InventoryError) as raised:
        of_group(text, group)
    assert str(raised.value).startswith(words)
    assert "\n" not in str(raised.value)
