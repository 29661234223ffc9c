"""A traced server with OpenTelemetry's own SDK: prints its port, and then what each request came with, as JSON.

    serve.py COLLECTOR
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry import baggage, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

provider = TracerProvider(resource=Resource.create({"service.name": "callee"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{sys.argv[1]}/v1/traces")))
tracer = provider.get_tracer("callee")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        context = propagate.extract(dict(self.headers))
        caller = trace.get_current_span(context).get_span_context()
        with tracer.start_as_current_span("serve", context, SpanKind.SERVER):
            came_with = {
                "trace": f"{caller.trace_id:032x}",
                "parent": f"{caller.span_id:016x}",
                "flags": int(caller.trace_flags),
                "state": dict(caller.trace_state),
                "baggage": dict(baggage.get_all(context)),
            }
        print(json.dumps(came_with), flush=True)
        body = b"served"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print(json.dumps({"port": server.server_port}), flush=True)
server.serve_forever()
