"""Puts models of tests into service the way real ones go: golden rows, certificate, promotion."""

import numpy as np
import onnxruntime as ort
import psycopg
import pyarrow as pa

from revlayer_udf import certificate, golden_rows, registry
from revlayer_udf.manifest import Manifest
from revlayer_udf.runtime import feeds_of


def golden_of(artefact: bytes, manifest: Manifest) -> pa.Table:
    """Rows with what the graph itself makes of them: there is no trained model behind a graph made by hand."""
    rows = golden_rows.make_rows(artefact, manifest)
    session = ort.InferenceSession(artefact, providers=["CPUExecutionProvider"])
    with np.errstate(all="ignore"):
        results = session.run(list(manifest.outputs), feeds_of(rows, manifest))
    return golden_rows.with_expected(rows, dict(zip(manifest.outputs, results, strict=True)))


def register(conn: psycopg.Connection, artefact: bytes, manifest: Manifest) -> str:
    """Register a model with golden rows, and certify it."""
    registry.register(conn, artefact, manifest, golden=golden_of(artefact, manifest))
    certificate.certify(conn, manifest.model_version)
    return manifest.model_version


def serve(conn: psycopg.Connection, artefact: bytes, manifest: Manifest, reason: str = "test") -> str:
    """Register, certify and promote a model."""
    version = register(conn, artefact, manifest)
    registry.promote(conn, version, reason)
    return version
