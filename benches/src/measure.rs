//! Times, medians and the memory of this process.

use relance_engine::Result;
use std::time::Duration;
use tokio::time::Instant;

/// How long `work` took.
pub async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let begun = Instant::now();
    let done = work.await;
    (begun.elapsed(), done)
}

/// Milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The median in milliseconds of `count` runs of `work`, each of which says how long it took.
pub async fn median(count: usize, mut work: impl AsyncFnMut() -> Result<Duration>) -> Result<f64> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        times.push(work().await?);
    }
    times.sort();
    Ok(ms(times[times.len() / 2]))
}

/// Memory of this process in MB: now, and at most since [`forget_peak`].
pub fn memory() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0) / 1024.0
    };
    (of("VmRSS:"), of("VmHWM:"))
}

/// Lets the peak of [`memory`] begin anew.
pub fn forget_peak() {
    // Linux only; elsewhere the peak stays that of the whole run.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Seconds of processor time this process has used.
pub fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold blanks; user and system time are the 12th and 13th word after it.
    let words: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |index: usize| words.get(index).and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
