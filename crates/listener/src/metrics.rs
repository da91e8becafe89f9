//! What the ports of a node count, and the text in which a monitoring system reads it: Prometheus'
//! text format 0.0.4. Only counts and times of whole ports: nothing says who asked for what.

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::header::CONTENT_TYPE, routing::get};

/// The upper ends of the classes of times in which answers are counted, in seconds.
const SECONDS: [f64; 7] = [0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0];

/// The counts of all ports of a process.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Vec<Arc<PortMetrics>>>);

impl Metrics {
    /// The counts of a port, which begin at nothing.
    pub fn port(&self, name: &'static str) -> Arc<PortMetrics> {
        let port = Arc::new(PortMetrics::new(name));
        self.ports().push(Arc::clone(&port));
        port
    }

    /// The page that a monitoring system reads.
    pub fn text(&self) -> String {
        let ports = self.ports();
        let mut page = Page(String::new());
        page.gauge(
            "connections_open",
            "Connections that are open now",
            &ports,
            |port| &port.open,
        );
        page.counter(
            "connections",
            "Connections that got through",
            &ports,
            |port| &port.connections,
        );
        page.counter(
            "connections_refused",
            "Handshakes that failed, and connections over the limit",
            &ports,
            |port| &port.refused,
        );
        page.counter(
            "quota_refusals",
            "Requests over a client's quota",
            &ports,
            |port| &port.over_quota,
        );
        page.statuses(&ports);
        page.seconds(&ports);
        page.0
    }

    /// `GET /metrics`, for a port that only a monitoring system reaches.
    pub fn routes(self: Arc<Self>) -> Router {
        let page = move || {
            let text = self.text();
            async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text) }
        };
        Router::new().route("/metrics", get(page))
    }

    fn ports(&self) -> std::sync::MutexGuard<'_, Vec<Arc<PortMetrics>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counts of one port.
#[derive(Debug)]
pub struct PortMetrics {
    name: &'static str,
    open: AtomicU64,
    connections: AtomicU64,
    refused: AtomicU64,
    over_quota: AtomicU64,
    /// Answers by the first digit of their status, from 1xx.
    statuses: [AtomicU64; 5],
    /// Answers that took at most so many [`SECONDS`], each in the first class that holds it.
    seconds: [AtomicU64; SECONDS.len() + 1],
    milliseconds: AtomicU64,
}

impl PortMetrics {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            open: AtomicU64::default(),
            connections: AtomicU64::default(),
            refused: AtomicU64::default(),
            over_quota: AtomicU64::default(),
            statuses: Default::default(),
            seconds: Default::default(),
            milliseconds: AtomicU64::default(),
        }
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_over_quota(&self) {
        self.over_quota.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection as open until what is returned is dropped.
    pub(crate) fn open(self: &Arc<Self>) -> Open {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    pub(crate) fn count_answer(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, self.statuses.len()) - 1;
        self.statuses[class].fetch_add(1, Ordering::Relaxed);
        let seconds = took.as_secs_f64();
        let class = SECONDS
            .iter()
            .position(|end| seconds <= *end)
            .unwrap_or(SECONDS.len());
        self.seconds[class].fetch_add(1, Ordering::Relaxed);
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

/// An open connection.
pub(crate) struct Open(Arc<PortMetrics>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A page that grows. Writing to text cannot fail.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(
            self.0,
            "# HELP ligate_{name} {help}.\n# TYPE ligate_{name} {kind}"
        );
    }

    fn value(&mut self, name: &str, port: &str, label: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "ligate_{name}{{port=\"{port}\"{label}}} {value}");
    }

    fn gauge(
        &mut self,
        name: &str,
        help: &str,
        ports: &[Arc<PortMetrics>],
        of: impl Fn(&PortMetrics) -> &AtomicU64,
    ) {
        self.head(name, "gauge", help);
        for port in ports {
            self.value(name, port.name, "", of(port).load(Ordering::Relaxed));
        }
    }

    fn counter(
        &mut self,
        name: &str,
        help: &str,
        ports: &[Arc<PortMetrics>],
        of: impl Fn(&PortMetrics) -> &AtomicU64,
    ) {
        let name = format!("{name}_total");
        self.head(&name, "counter", help);
        for port in ports {
            self.value(&name, port.name, "", of(port).load(Ordering::Relaxed));
        }
    }

    fn statuses(&mut self, ports: &[Arc<PortMetrics>]) {
        self.head(
            "answers_total",
            "counter",
            "Answers by the class of their HTTP status",
        );
        for port in ports {
            for (class, count) in port.statuses.iter().enumerate() {
                let label = format!(",status=\"{}xx\"", class + 1);
                self.value(
                    "answers_total",
                    port.name,
                    &label,
                    count.load(Ordering::Relaxed),
                );
            }
        }
    }

    fn seconds(&mut self, ports: &[Arc<PortMetrics>]) {
        self.head(
            "answer_seconds",
            "histogram",
            "Time from a request's head to its answer",
        );
        for port in ports {
            let mut count = 0;
            for (class, end) in port
                .seconds
                .iter()
                .zip(SECONDS.map(Some).into_iter().chain([None]))
            {
                count += class.load(Ordering::Relaxed);
                let end = end.map_or("+Inf".to_owned(), |end| end.to_string());
                self.value(
                    "answer_seconds_bucket",
                    port.name,
                    &format!(",le=\"{end}\""),
                    count,
                );
            }
            let seconds = port.milliseconds.load(Ordering::Relaxed) as f64 / 1000.0;
            self.value("answer_seconds_sum", port.name, "", seconds);
            self.value("answer_seconds_count", port.name, "", count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_counts_each_port_by_itself() {
        let metrics = Metrics::default();
        let (one, other) = (metrics.port("one"), metrics.port("other"));
        let open = one.open();
        drop(one.open());
        one.count_answer(200, Duration::from_millis(50));
        one.count_answer(404, Duration::from_secs(7200));
        other.count_over_quota();
        let text = metrics.text();
        for line in [
            "# TYPE ligate_connections_open gauge",
            "ligate_connections_open{port=\"one\"} 1",
            "ligate_connections_open{port=\"other\"} 0",
            "ligate_connections_total{port=\"one\"} 2",
            "ligate_quota_refusals_total{port=\"other\"} 1",
            "ligate_answers_total{port=\"one\",status=\"2xx\"} 1",
            "ligate_answers_total{port=\"one\",status=\"4xx\"} 1",
            "ligate_answer_seconds_bucket{port=\"one\",le=\"0.01\"} 0",
            "ligate_answer_seconds_bucket{port=\"one\",le=\"0.1\"} 1",
            "ligate_answer_seconds_bucket{port=\"one\",le=\"3600\"} 1",
            "ligate_answer_seconds_bucket{port=\"one\",le=\"+Inf\"} 2",
            "ligate_answer_seconds_sum{port=\"one\"} 7200.05",
            "ligate_answer_seconds_count{port=\"one\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        drop(open);
        assert!(
            metrics
                .text()
                .contains("ligate_connections_open{port=\"one\"} 0\n")
        );
    }
}
