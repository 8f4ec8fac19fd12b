"""The API described for machines: an OpenAPI 3.1 document written from the route table, with schemas from the structs.

document(table, "0.1.0")["paths"]["/v1/decide"]["post"]["operationId"] == "post_v1_decide"
"""

import inspect
import re
from typing import Any

import msgspec

from wardline.gateways.http.routes import Route, Table

_PROBLEM = {
    "description": "What was wrong, where, and what to do",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                },
            }
        }
    },
}


def document(table: Table, version: str) -> dict[str, Any]:
    """The whole document."""
    structs = {kind for route in table.routes for kind in (route.body, route.answer) if inspect.isclass(kind)}
    ordered = sorted(structs, key=lambda kind: kind.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    references = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in table.routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Wardline", "version": version, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(route: Route, references: dict[Any, Any]) -> dict[str, Any]:
    placeholders = re.findall(r"{(\w+)}", route.path)
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in placeholders
    ]
    parameters += [
        {"name": item.name, "in": "query", "required": item.required, "description": item.text, "schema": {"type": "string"}}
        for item in route.query
    ]
    answer: dict[str, Any] = {"description": "Done"}
    if route.answer is not None:
        answer["content"] = _content(route.answer, references)
    found: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^a-z0-9]+', '_', route.path)}".strip("_"),
        "summary": route.summary,
        "parameters": parameters,
        "responses": {"200": answer, "default": _PROBLEM},
    }
    if route.scope:
        found["security"] = [{"key": []}, {}]
        found["description"] = f"Needs the scope `{route.scope}`, by an API key or from a trusted peer."
    if route.body is not None:
        found["requestBody"] = {"required": True, "content": _content(route.body, references)}
    return found


def _content(kind: Any, references: dict[Any, Any]) -> dict[str, Any]:
    if isinstance(kind, str):
        schema: dict[str, Any] = {"type": "string"} if kind.startswith(("text/", "message/")) else {}
        return {kind: {"schema": schema}}
    return {"application/json": {"schema": references[kind]}}
