"""A real server of the lab: stock nginx as in the article, a UDP server, readers of TOA and UOA."""
