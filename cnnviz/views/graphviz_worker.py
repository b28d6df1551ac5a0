"""The child process that `layout` keeps: lays out DOT that comes in on stdin, and answers on stdout.

It is run by its path and imports nothing but pygraphviz, so that it starts in a moment. It may
die at any time of what it is given; whoever started it sees that by the end of its answers.

A request is a HEADER of format, dots per inch, seconds it may take and length, then the DOT text; an answer
one byte, 1 for a picture or 0 for a sentence on why there is none, the length, then that.
"""

import os
import signal
import struct
import sys

REQUEST = struct.Struct(">4sIII")
ANSWER = struct.Struct(">?I")
NO_GRAPHVIZ = 3  # the exit code where pygraphviz isn't there


def serve() -> None:
    """Answer until stdin ends, which it does when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is the parent's
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # Graphviz' libraries write warnings to both
        os.dup2(quiet, stream)
    try:
        import pygraphviz  # noqa: PLC0415
    except ImportError:
        sys.exit(NO_GRAPHVIZ)
    while len(header := requests.read(REQUEST.size)) == REQUEST.size:
        name, dpi, seconds, length = REQUEST.unpack(header)
        text = requests.read(length).decode()
        if hasattr(signal, "alarm"):  # should the parent die during a layout without end
            signal.alarm(seconds)
        try:
            graph = pygraphviz.AGraph(string=text)
            if name == b"png ":
                graph.graph_attr["dpi"] = str(dpi)
            drawn, answer = True, graph.draw(format=name.decode().strip(), prog="dot")
            graph.close()
        except Exception as error:  # whatever it is, the parent is to say it
            drawn, answer = False, f"{type(error).__name__}: {error}".encode()
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        answers.write(ANSWER.pack(drawn, len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    serve()
