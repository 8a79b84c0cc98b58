"""Serializers for arq's own clients: `arq.create_pool(job_serializer=, job_deserializer=)`."""

from .contract.records import job_deserializer, job_serializer

__all__ = ["job_deserializer", "job_serializer"]
