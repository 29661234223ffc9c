//! What the process uses, read from `/proc` when somebody asks. Elsewhere than on Linux these metrics are absent.
//!
//! Names are those that [Prometheus' libraries](https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics)
//! give them.

use super::registry::Registry;

/// Sets the metrics of the process. What can't be read is left as it was.
#[cfg(not(target_os = "linux"))]
pub(super) const fn collect(_: &Registry) {}

/// Sets the metrics of the process. What can't be read is left as it was.
#[cfg(target_os = "linux")]
pub(super) fn collect(registry: &Registry) {
    linux::collect(registry);
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;

    use rustix::{
        param::{clock_ticks_per_second, page_size},
        process::{Resource, getrlimit},
    };

    use super::super::{catalog::Kind, registry::Registry};

    #[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
    pub(super) fn collect(registry: &Registry) {
        let gauge = |name, value| registry.set(Kind::Gauge, name, value);
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is open for this.
            gauge("process_open_fds", files.count().saturating_sub(1) as f64);
        }
        gauge("process_max_fds", getrlimit(Resource::Nofile).current.map_or(f64::INFINITY, |most| most as f64));
        let Some(usage) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Usage::parse) else { return };
        let ticks = clock_ticks_per_second() as f64;
        registry.set(Kind::Counter, "process_cpu_seconds_total", usage.cpu_ticks as f64 / ticks);
        gauge("process_threads", usage.threads as f64);
        gauge("process_virtual_memory_bytes", usage.virtual_bytes as f64);
        gauge("process_resident_memory_bytes", usage.resident_pages as f64 * page_size() as f64);
        if let Some(booted) = fs::read_to_string("/proc/stat").ok().as_deref().and_then(boot_time) {
            gauge("process_start_time_seconds", booted as f64 + usage.start_ticks as f64 / ticks);
        }
    }

    /// What `/proc/self/stat` says.
    #[derive(Debug, PartialEq, Eq)]
    struct Usage {
        cpu_ticks: u64,
        threads: u64,
        start_ticks: u64,
        virtual_bytes: u64,
        resident_pages: u64,
    }

    impl Usage {
        fn parse(stat: &str) -> Option<Self> {
            // The name of the program may hold anything, so fields are counted from its end. `proc(5)` counts from 1.
            let (_, fields) = stat.rsplit_once(") ")?;
            let fields: Vec<_> = fields.split_whitespace().collect();
            let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
            Some(Self {
                cpu_ticks: field(14)? + field(15)?,
                threads: field(20)?,
                start_ticks: field(22)?,
                virtual_bytes: field(23)?,
                resident_pages: field(24)?,
            })
        }
    }

    /// When the machine started, in seconds since 1970.
    fn boot_time(stat: &str) -> Option<u64> {
        stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn usage_is_found_behind_any_name() {
            let stat =
                "7 (a) b (c)) S 1 7 7 0 -1 4194304 157 0 0 0 250 50 0 0 20 0 4 0 1234 5600000 321 18446744073709551615";
            let usage =
                Usage { cpu_ticks: 300, threads: 4, start_ticks: 1234, virtual_bytes: 5_600_000, resident_pages: 321 };
            assert_eq!(Usage::parse(stat), Some(usage));
            assert_eq!(Usage::parse("7 (a) S 1 7"), None);
            assert_eq!(Usage::parse(""), None);
            assert_eq!(boot_time("cpu 1 2\nbtime 1700000000\nprocesses 3\n"), Some(1_700_000_000));
        }
    }
}
