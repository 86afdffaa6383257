"""Reads OTLP/HTTP log requests, one JSON body a line, by OpenTelemetry's own message types, which refuse what they do
not know. Prints each record as a line of JSON, with its resource."""

import json
import sys

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber


def value(any_value):
    kind = any_value.WhichOneof("value")
    assert kind in ("string_value", "bool_value", "int_value", "double_value"), kind
    return [kind.removesuffix("_value"), getattr(any_value, kind)]


def attributes(pairs):
    read = {pair.key: value(pair.value) for pair in pairs}
    assert len(read) == len(pairs), "a key twice"
    return read


for line in sys.stdin:
    request = Parse(line, ExportLogsServiceRequest())
    assert len(request.resource_logs) == 1, "one resource a request"
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                print(
                    json.dumps(
                        {
                            "resource": attributes(resource.resource.attributes),
                            "name": record.event_name,
                            "time": record.time_unix_nano,
                            "severity": [SeverityNumber.Name(record.severity_number), record.severity_text],
                            "attributes": attributes(record.attributes),
                        }
                    )
                )
