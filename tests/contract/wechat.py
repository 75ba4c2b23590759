"""A WeChat that knows no code: sign-ins are answered as for an invalid one. Prints its port."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Wechat(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"errcode":40029,"errmsg":"invalid code"}'
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Wechat)
print(server.server_port, flush=True)
server.serve_forever()
