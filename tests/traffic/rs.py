"""What stands on a real server in the tests: HTTP that tells the peer, UDP that echoes it."""

from __future__ import annotations

import json
import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/silent"):
            threading.Event().wait(5)
        address = self.client_address[0].removeprefix("::ffff:")
        body = f"Your IP and port is {address}:{self.client_address[1]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        if data.startswith(b"silence"):
            return
        address = self.client_address[0].removeprefix("::ffff:")
        answer = {"peer": [address, self.client_address[1]], "uoa": None}
        sock.sendto(json.dumps(answer).encode(), self.client_address)


class Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True


class Echo6(socketserver.UDPServer):
    address_family = socket.AF_INET6


if __name__ == "__main__":
    threading.Thread(target=Server6(("::", 80), Page).serve_forever, daemon=True).start()
    threading.Thread(target=Echo6(("::", 8053), Echo).serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
