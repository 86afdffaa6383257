"""ClickHouse's HTTP interface, as far as the tests need it, before chDB: the ClickHouse engine as a Python package.

A current ClickHouse server is in no registry this project builds from, its engine is. What is tested is the engine: it
gets the body of an INSERT as it came, byte for byte, and parses it by itself. What is not ClickHouse's own is this
file: reading `query` and settings from the address, the status of an error, and CORS headers. An old server with an HTTP interface of its own
(Debian's) is tested beside it.

    clickhouse_http.py FOLDER    prints "listening on http://127.0.0.1:PORT", serves until SIGTERM
"""

import json
import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb.session import Session

# In the address, but no setting of the engine.
NOT_SETTINGS = {"query", "database", "user", "password", "add_http_cors_header", "default_format", "wait_end_of_query"}
INSERT = re.compile(r"\s*(INSERT\s+INTO\s.*?)\s+FORMAT\s+(\w+)\s*", re.IGNORECASE | re.DOTALL)

session = Session(sys.argv[1])
one_at_a_time = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        address = dict(parse_qsl(urlsplit(self.path).query))
        body = self.read_body()
        settings = {name: value for name, value in address.items() if name not in NOT_SETTINGS}
        try:
            with one_at_a_time:
                answer, status = run(address.get("query", ""), body, settings), 200
        except RuntimeError as error:
            # Two of the server's statuses: what is not there, and what cannot be read.
            answer, status = f"{error}\n".encode(), 404 if "UNKNOWN_TABLE" in str(error) else 400
        self.send_response(status)
        if address.get("add_http_cors_header") == "1":
            self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *_):
        pass


def run(query, body, settings):
    """An INSERT with its rows in the body goes to the engine as the two; anything else is a query in either."""
    insert = INSERT.fullmatch(query)
    if not insert:
        return session.query(query or body.decode(), "TabSeparated").bytes()
    values = ", ".join(f"{name} = {json.dumps(value)}".replace('"', "'") for name, value in settings.items())
    # From a file, since send_insert() does not raise what goes wrong after parsing: 200 would be the answer to rows that
    # were never stored.
    with tempfile.NamedTemporaryFile() as rows:
        rows.write(body)
        rows.flush()
        session.query(
            f"{insert[1]} FROM INFILE '{rows.name}' COMPRESSION 'none' "
            + (f"SETTINGS {values} " if values else "")
            + f"FORMAT {insert[2]}"
        )
    return b""


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
