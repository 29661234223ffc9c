"""Reads a page of OpenMetrics with the strict parser of Prometheus' own client, and prints what is in it as JSON."""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

families = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    exemplars = [sample.exemplar.labels for sample in family.samples if sample.exemplar]
    families[family.name] = {
        "type": family.type,
        "unit": family.unit,
        "help": family.documentation,
        "samples": len(family.samples),
        "exemplars": exemplars,
    }
print(json.dumps(families))
