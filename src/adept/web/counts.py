"""What this process did, counted as it happens, for Prometheus. Counts begin at 0 with the process."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector

from adept import __version__
from adept.client.observation import Observation
from adept.sync.changes import Kind
from adept.sync.outcome import PassKind, PassOutcome, PassState

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # a request is given up after 60

_ENDED = (PassState.DONE, PassState.FAILED, PassState.THROTTLED, PassState.LOST)


class Metrics:
    """The counts of this process; its methods are the hooks of whoever acts. Made once by whoever builds the app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Info("adept_build", "The adept that runs here.", registry=self.registry).info({"version": __version__})
        self._requests = Histogram(
            "adept_apple_request_duration_seconds",
            "HTTP requests to Apple, by endpoint and outcome.",
            ("endpoint", "outcome"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._passes = Counter("adept_passes", "Passes ended.", ("kind", "state"), registry=self.registry)
        self._pages = Counter("adept_pages", "Pages of devices stored.", ("kind",), registry=self.registry)
        self._changes = Counter("adept_changes", "Changes of devices found.", ("kind",), registry=self.registry)
        self._malformed = Counter("adept_malformed_devices", "Entries that can't be read.", registry=self.registry)
        self._waits = Histogram(
            "adept_apple_request_wait_seconds",
            "How long requests to Apple waited for adept's own limits.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Show what has not happened yet: only so does a rate see the first time."""
        for kind in PassKind:
            self._pages.labels(kind.value)
            for state in _ENDED:
                self._passes.labels(kind.value, state.value)
        for change in Kind:
            self._changes.labels(change.value)

    def request_ended(self, observation: Observation) -> None:
        """Count a request to Apple: the `observe` of a client."""
        self._requests.labels(observation.endpoint, observation.outcome).observe(observation.took_s)

    def request_waited(self, seconds: float) -> None:
        """Count how long a request had to wait: the `waited` of a pace."""
        self._waits.observe(seconds)

    def pass_ended(self, outcome: PassOutcome) -> None:
        """Count a pass with its pages and changes: the `observe` of the runner."""
        totals = outcome.totals
        self._passes.labels(outcome.kind.value, outcome.state.value).inc()
        self._pages.labels(outcome.kind.value).inc(totals.pages)
        self._changes.labels(Kind.ADDED.value).inc(totals.added)
        self._changes.labels(Kind.MODIFIED.value).inc(totals.modified)
        self._changes.labels(Kind.DELETED.value).inc(totals.deleted)
        self._malformed.inc(totals.malformed)
