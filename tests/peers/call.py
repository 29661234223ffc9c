"""A traced client with OpenTelemetry's own SDK: calls the URL, and prints its ids and the answer as JSON.

    call.py COLLECTOR URL

It is in the middle of a trace, whose state and baggage it passes on. `OTEL_TRACES_SAMPLER` says whether the trace is kept.
"""

import json
import sys
import urllib.request

from opentelemetry import baggage, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState

collector, url = sys.argv[1:]
provider = TracerProvider(resource=Resource.create({"service.name": "caller"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{collector}/v1/traces")))

state = TraceState([("congo@sys", "t61rcWkgMzE x"), ("rojo", "00f067aa0ba902b7")])
above = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True, TraceFlags(3), state)
context = trace.set_span_in_context(NonRecordingSpan(above))
for key, value in {"user": "Ada Lovelace, ä=1", "tenant": "7"}.items():
    context = baggage.set_baggage(key, value, context)

with provider.get_tracer("caller").start_as_current_span("begin", context, SpanKind.CLIENT) as span:
    span.add_event("calling")
    headers = {}
    propagate.inject(headers, trace.set_span_in_context(span, context))
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        status, body = answer.status, answer.read().decode()
ids = span.get_span_context()
print(json.dumps({"trace": f"{ids.trace_id:032x}", "span": f"{ids.span_id:016x}", "status": status, "body": body}))
provider.shutdown()
