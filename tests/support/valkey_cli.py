"""As much of valkey-cli as a healthcheck needs, for machines where only the server is installed.

It is asked over and over, so it speaks the protocol itself: the client library takes long to import.
"""

import argparse
import socket
import sys


def main() -> int:
    parser = argparse.ArgumentParser(add_help=False)  # -h is the host, as in the original
    parser.add_argument("-e", action="store_true", required=True, help="an error is an exit code")
    parser.add_argument("--no-auth-warning", action="store_true")
    parser.add_argument("-h", dest="host", default="127.0.0.1")
    parser.add_argument("-p", dest="port", type=int, default=6379)
    parser.add_argument("--user", default="default")
    parser.add_argument("--pass", dest="password")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    commands = [["AUTH", given.user, given.password]] if given.password else []
    try:
        with socket.create_connection((given.host, given.port), timeout=3) as server:
            said = [ask(server, *words) for words in [*commands, given.command]]
    except OSError as error:
        said = [f"-{error}"]
    print(said[-1])
    return 1 if any(line.startswith("-") for line in said) else 0


def ask(server: socket.socket, *words: str) -> str:
    """The first line of the answer, with the sign of its kind: `+PONG`, `-NOAUTH …`."""
    parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
    server.sendall(f"*{len(words)}\r\n{parts}".encode())
    with server.makefile("rb") as answer:
        return answer.readline().decode().strip() or "-closed"


if __name__ == "__main__":
    sys.exit(main())
