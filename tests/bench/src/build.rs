//! Builds the services with cargo, and looks at what came out.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::variant::Variant;

/// How a service is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As its users would have it.
    Release,
    /// With an allocator that counts.
    Counting,
}

/// Where cargo builds: this program was built there, too.
pub(crate) fn target() -> PathBuf {
    let program = env::current_exe().ok();
    let target = program.as_deref().and_then(Path::parent).and_then(Path::parent);
    target.map_or_else(|| "target".into(), Path::to_owned)
}

/// Builds the service, and returns where it is.
pub(crate) fn build(variant: &Variant, kind: Kind) -> Result<PathBuf, Box<dyn Error>> {
    let arguments: &[&str] = match kind {
        Kind::Release => &["--release"],
        Kind::Counting => &["--profile", "count", "--features", "count"],
    };
    cargo_build(variant, arguments, &target())?;
    let folder = match kind {
        Kind::Release => "release",
        Kind::Counting => "count",
    };
    Ok(target().join(folder).join(variant.package))
}

/// Builds the service where nothing was built before, and returns where it is and how long that took.
pub(crate) fn clean(variant: &Variant) -> Result<(PathBuf, Duration), Box<dyn Error>> {
    let (empty, kept) = (target().join("bench-clean"), target().join("bench-built"));
    if empty.exists() {
        fs::remove_dir_all(&empty)?;
    }
    fs::create_dir_all(&kept)?;
    let start = Instant::now();
    cargo_build(variant, &["--release"], &empty)?;
    let took = start.elapsed();
    let program = kept.join(variant.package);
    fs::rename(empty.join("release").join(variant.package), &program)?;
    fs::remove_dir_all(&empty)?;
    Ok((program, took))
}

/// Downloads what all services are built from: no build is timed with it.
pub(crate) fn fetch() -> Result<(), Box<dyn Error>> {
    match cargo().args(["fetch", "--locked"]).status()?.success() {
        true => Ok(()),
        false => Err("what the services are built from can't be downloaded".into()),
    }
}

/// How many crates the service is built from, without itself and without what only build scripts and tests use.
pub(crate) fn crates(variant: &Variant) -> Result<usize, Box<dyn Error>> {
    let arguments = ["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package"];
    let output = cargo().args(arguments).arg(variant.package).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let tree = String::from_utf8(output.stdout)?;
    let mut crates: Vec<&str> = tree.lines().skip(1).map(|line| line.trim_end_matches(" (*)")).collect();
    crates.sort_unstable();
    crates.dedup();
    Ok(crates.len())
}

fn cargo_build(variant: &Variant, arguments: &[&str], target: &Path) -> Result<(), Box<dyn Error>> {
    let status = cargo()
        .args(["build", "--locked", "--quiet", "--package", variant.package, "--target-dir"])
        .arg(target)
        .args(arguments)
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`{}` doesn't build", variant.package).into()),
    }
}

fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // No cache of a wrapper helps those that are timed.
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).env("RUSTC_WRAPPER", "");
    cargo
}
