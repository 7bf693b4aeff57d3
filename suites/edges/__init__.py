"""Edge cases of IP, TCP, UDP and ICMP that load balancers often handle wrongly."""
