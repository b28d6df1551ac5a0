"""A server on this machine that misbehaves as it is told."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers from `server.content`; `server.ways` says what is wrong with the next answers, one each."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        way = server.ways.pop(0) if server.ways else ""
        asked = self.headers.get("Range")
        server.asked.append((asked, self.headers.get("If-Range")))
        self.close_connection = True
        start = 0
        if asked and way != "whole" and self.headers.get("If-Range") in (None, server.mark):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if way == "404" or start >= len(server.content):
            self.send_error(404 if way == "404" else 416)
        elif way == "silent":
            server.over.wait(5)
        else:
            self.head(way, start)
            self.body(way, server.content[start:])

    def head(self, way, start):
        server, size = self.server, len(self.server.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {0 if way == 'elsewhere' else start}-{size - 1}/{size}")
        if server.mark:
            self.send_header("ETag" if server.mark.startswith(('"', "W/")) else "Last-Modified", server.mark)
        if not way.startswith("no length"):
            self.send_header("Content-Length", str(size - start))
        self.end_headers()

    def body(self, way, rest):
        server = self.server
        if way.endswith("cut"):
            rest = rest[: len(rest) // 2]
        elif way == "nothing":
            rest = b""
        elif way == "slow":
            self.wfile.write(rest[:1000])
            server.over.wait(5)
            return
        step = 1 if way == "drip" else 20_000
        for begin in range(0, len(rest), step):
            self.wfile.write(rest[begin : begin + step])
            if server.over.wait(0.05 if way == "drip" else server.pause):
                return


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # a client that has left

    def url(self, name="file.bin"):
        return f"http://127.0.0.1:{self.server_port}/{name}"


@contextmanager
def serving(content, *ways, mark='"one"'):
    with Server(("127.0.0.1", 0), Handler) as server:
        server.content, server.ways, server.mark, server.asked = content, list(ways), mark, []
        server.over, server.pause = threading.Event(), 0
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()
