"""Where load balancers break: what IP, TCP, UDP and ICMP allow, and few ever do."""
