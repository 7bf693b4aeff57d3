"""The wire: rules on frames made with scapy."""
