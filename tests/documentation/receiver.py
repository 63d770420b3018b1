"""A receiver of messages for pages about alerts: takes whatever is posted, and writes its port into a file."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Receiver(BaseHTTPRequestHandler):
    """Says yes to every message."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Path(sys.argv[1]).write_text(str(server.server_port))
    server.serve_forever()
