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

    use rlimit::Resource;

    use super::super::{catalog::Kind, registry::Registry};

    #[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
    pub(super) fn collect(registry: &Registry) {
        let gauge = |name, value| registry.set(Kind::Gauge, name, value);
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is open for this.
            gauge("process_open_fds", files.count().saturating_sub(1) as f64);
        }
        if let Ok((most, _)) = Resource::NOFILE.get() {
            gauge("process_max_fds", if most == rlimit::INFINITY { f64::INFINITY } else { most as f64 });
        }
        let Some(usage) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Usage::parse) else { return };
        let Some(units) = fs::read("/proc/self/auxv").ok().as_deref().and_then(Units::parse) else { return };
        let ticks = units.ticks_per_second as f64;
        registry.set(Kind::Counter, "process_cpu_seconds_total", usage.cpu_ticks as f64 / ticks);
        gauge("process_threads", usage.threads as f64);
        gauge("process_virtual_memory_bytes", usage.virtual_bytes as f64);
        gauge("process_resident_memory_bytes", usage.resident_pages as f64 * units.page_size as f64);
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

    /// What the kernel counts in: it tells each program at its start.
    #[derive(Debug, PartialEq, Eq)]
    struct Units {
        page_size: usize,
        ticks_per_second: usize,
    }

    impl Units {
        fn parse(auxv: &[u8]) -> Option<Self> {
            let (numbers, _) = auxv.as_chunks();
            let mut numbers = numbers.iter().map(|bytes| usize::from_ne_bytes(*bytes));
            let mut units = Self { page_size: 0, ticks_per_second: 0 };
            // `AT_PAGESZ` and `AT_CLKTCK` of `getauxval(3)`.
            while let (Some(kind), Some(value)) = (numbers.next(), numbers.next()) {
                match kind {
                    6 => units.page_size = value,
                    17 => units.ticks_per_second = value,
                    _ => {}
                }
            }
            (units.page_size > 0 && units.ticks_per_second > 0).then_some(units)
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

        #[test]
        fn units_are_those_that_the_kernel_told() {
            let auxv: Vec<_> = [33, 1, 6, 16384, 17, 250, 0, 0].into_iter().flat_map(usize::to_ne_bytes).collect();
            assert_eq!(Units::parse(&auxv), Some(Units { page_size: 16384, ticks_per_second: 250 }));
            assert_eq!(Units::parse(&auxv[..auxv.len() / 2]), None);
            let own = Units::parse(&fs::read("/proc/self/auxv").unwrap()).unwrap();
            assert!(own.page_size.is_power_of_two() && own.page_size >= 4096 && own.ticks_per_second >= 100, "{own:?}");
        }
    }
}
