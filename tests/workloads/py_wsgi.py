"""A WSGI application that burns CPU in each request; as a program, asks the server behind a UNIX socket again and again
over HTTP. Usage: py_wsgi.py SOCKET SECONDS"""
import socket
import sys
import time


def burn(x=1):
    for _ in range(100000):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Connection", "close")])
    return [str(burn()).encode()]


def ask(path):
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(path)
        client.sendall(b"GET / HTTP/1.0\r\nHost: test\r\n\r\n")
        while client.recv(4096):
            pass
    except OSError:
        time.sleep(0.05)
    finally:
        client.close()


if __name__ == "__main__":
    end = time.time() + float(sys.argv[2])
    while time.time() < end:
        ask(sys.argv[1])
