//! What the machine lets a server have: descriptors and memory, beside what `server.max_connections` may ask for.

use rustix::process::{Resource, getrlimit};

use super::server::Holder;
use super::size;
use crate::app::Running;
use crate::config::Config;
use crate::doctor::Finding;

/// Descriptors beside those of connections: database, clips, children, listeners.
const OTHERS: u64 = 256;
/// As the kernel has it inside.
const NO_LIMIT: u64 = u64::MAX;
/// Memory of one waiting rider: 1.7 KiB of ours, about 4.5 KiB of the kernel's (docs/benchmarks.md).
const RIDER_BYTES: u64 = 6_500;
/// Program, canned clips, database pages and clips in making.
const BASE_BYTES: u64 = 200 << 20;

/// What holds for the server that runs, or else for this process.
pub(super) fn look(config: &Config, holder: &Holder) -> Vec<Finding> {
    let connections = u64::try_from(config.server.max_connections).unwrap_or(u64::MAX);
    let (whose, descriptors) = match holder {
        Holder::Server(Running { pid, .. }) => ("of the server", of_process(*pid)),
        Holder::Nobody | Holder::Unclear(_) => {
            ("here", Some(getrlimit(Resource::Nofile).current.unwrap_or(NO_LIMIT)))
        }
    };
    let memory = memory();
    let need = BASE_BYTES + config.audio.memory_bytes_max + connections.saturating_mul(RIDER_BYTES);
    let mut findings = Vec::new();
    findings.extend(descriptors.map(|limit| judge_descriptors(limit, whose, connections)));
    findings.extend(memory.map(|memory| judge_memory(memory, need, connections)));
    findings
}

/// The soft limit of another process.
fn of_process(pid: i32) -> Option<u64> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    soft_limit(&limits)
}

fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(NO_LIMIT),
        number => number.parse().ok(),
    }
}

fn judge_descriptors(limit: u64, whose: &str, connections: u64) -> Finding {
    if limit == NO_LIMIT {
        return Finding::ok("limits.descriptors", "no limit");
    }
    let found = format!("{limit} descriptors {whose}, server.max_connections is {connections}");
    if limit < connections.saturating_add(OTHERS) {
        let advice = format!(
            "LimitNOFILE={} (systemd) or ulimit -n; or lower server.max_connections",
            connections.saturating_add(OTHERS)
        );
        return Finding::warn("limits.descriptors", found, advice);
    }
    Finding::ok("limits.descriptors", found)
}

/// The machine's memory, or what the control group leaves of it.
fn memory() -> Option<u64> {
    let total = total_bytes(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group: Option<u64> = group.and_then(|text| text.trim().parse().ok());
    Some(group.map_or(total, |group| group.min(total)))
}

fn total_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn judge_memory(memory: u64, need: u64, connections: u64) -> Finding {
    let found = format!("{} of memory; {connections} waiting riders need about {}", size(memory), size(need));
    if memory < need {
        return Finding::warn("limits.memory", found, "more memory, or a lower server.max_connections");
    }
    Finding::ok("limits.memory", found)
}

#[cfg(test)]
mod tests {
    use super::{NO_LIMIT, judge_descriptors, judge_memory, soft_limit, total_bytes};
    use crate::doctor::Level;

    #[test]
    fn limits_are_read_as_the_kernel_writes_them() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 1048576              files\n";
        assert_eq!(soft_limit(limits), Some(1024));
        assert_eq!(soft_limit("Max open files            unlimited  unlimited files"), Some(NO_LIMIT));
        assert_eq!(soft_limit("nothing"), None);
        assert_eq!(total_bytes("MemTotal:        8000 kB\nMemFree: 1 kB"), Some(8_192_000));
        assert_eq!(total_bytes("MemFree: 1 kB"), None);
    }

    #[test]
    fn each_connection_needs_a_descriptor_and_some_memory() {
        assert_eq!(judge_descriptors(1_024, "here", 100_000).level, Level::Warn);
        assert_eq!(judge_descriptors(1_256, "here", 1_000).level, Level::Ok);
        assert_eq!(judge_descriptors(NO_LIMIT, "here", 100_000).level, Level::Ok);
        assert_eq!(judge_memory(1 << 30, 2 << 30, 1).level, Level::Warn);
        assert_eq!(judge_memory(2 << 30, 2 << 30, 1).level, Level::Ok);
    }
}
