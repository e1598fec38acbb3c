"""Publishes one change to an Annal over HTTP, with Python's standard library alone.

ANNAL_URL=http://127.0.0.1:8080 python3 over_http.py       (ANNAL_TOKEN where the Annal wants one)
"""
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
import uuid

TRIES = 8


def publish(changes):
    """What became of each change. The ids are made once: however often it is sent, each has one effect."""
    body = json.dumps([{"id": str(uuid.uuid4()), **change} for change in changes]).encode()
    headers = {"content-type": "application/json"}
    if os.environ.get("ANNAL_TOKEN"):
        headers["authorization"] = "Bearer " + os.environ["ANNAL_TOKEN"]
    url = os.environ.get("ANNAL_URL", "http://127.0.0.1:8080").rstrip("/") + "/v1/events"
    for attempt in range(TRIES):
        pause = random.uniform(0, min(30, 0.2 * 2**attempt))
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
                results = json.load(answer)["results"]
                if not any(result["status"] == "unknown" for result in results):
                    return results
        except urllib.error.HTTPError as error:
            if error.code not in (408, 429) and error.code < 500:
                raise SystemExit(f"refused: {error.read().decode()}")
            pause += float(error.headers.get("retry-after") or 0)
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            print(f"{error}; again in {pause:.1f} s", file=sys.stderr)
        time.sleep(pause)
    raise SystemExit(f"not acknowledged after {TRIES} tries")


if __name__ == "__main__":
    results = publish(
        [
            {
                "urn": "urn:li:dataset:(urn:li:dataPlatform:python,samples.weather,PROD)",
                "aspect": "datasetProperties",
                "value": {"name": "weather", "description": "published by a few lines of Python"},
                "source": {"plugin": "python-sample", "version": "1"},
            }
        ]
    )
    for result in results:
        if result["status"] == "appended":
            print(f"MCE Published {result['urn']} log:{result['position']}")
        else:
            raise SystemExit(f"{result['code']}: {result['detail']}")
