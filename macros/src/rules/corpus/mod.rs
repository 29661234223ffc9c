//! Real services have no false alarm.
//!
//! `tests/corpus/crates.txt` names services that are published. Their sources are fetched from the registry, annotated
//! as a person would (`annotate`), and audited. What is reported is in `tests/corpus/verdicts.txt` with a verdict of a person.
//!
//! `UPDATE_EXPECT=1 cargo test -p seaworthy-macros corpus` writes the list anew, with `?` for a verdict that is missing.

mod annotate;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use quote::ToTokens;

use self::annotate::Annotated;
use super::{Crate, tests::messages};
use crate::{
    code::{File, within},
    errors::Errors,
    tests::quiet,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/corpus");

#[test]
fn what_is_reported_of_real_services_is_right() {
    let _quiet = quiet();
    let mut reports = BTreeMap::new();
    let mut counts = Counts::new();
    let (mut packages, mut services) = (0, 0);
    for package in Package::all() {
        let audited = Audited::of(&package);
        println!("{}: {:?}", package.name, audited.counts);
        packages += 1;
        services += usize::from(["cloud_service", "handler"].iter().all(|is| audited.counts.contains_key(is)));
        for (what, count) in audited.counts {
            *counts.entry(what).or_default() += count;
        }
        reports.extend(audited.reports);
    }
    println!("{packages} crates, {services} services with handlers: {counts:?}");
    // What looks at nothing reports nothing.
    assert!(packages >= 20 && services >= 10, "{services} services in {packages} crates");
    let least = [("cloud_service", 20), ("handler", 300), ("health", 5), ("ready", 2), ("worker", 50), ("config", 50)];
    for (what, least) in least {
        assert!(counts.get(what).is_some_and(|count| *count >= least), "fewer than {least} `{what}` in {counts:?}");
    }
    compare(&reports);
}

// === What is looked at ===

struct Package {
    /// `ord-0.29.1`
    name: String,
    folder: PathBuf,
    /// The files that the compiler begins with.
    roots: Vec<PathBuf>,
}

impl Package {
    fn all() -> Vec<Self> {
        let list = fs::read_to_string(Path::new(FOLDER).join("crates.txt")).unwrap();
        let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| Self::fetch(&line.split(' ').collect::<Vec<_>>())).collect()
    }

    fn fetch(line: &[&str]) -> Self {
        let (name, version) = (line[0], line[1]);
        let package = format!("{name}-{version}");
        let folder = unpacked(&package).or_else(|| {
            // Not in a workspace, whose own crates it would speak of.
            let mut info = Command::new(env!("CARGO"));
            info.args(["info", "--registry", "crates-io", &format!("{name}@{version}")]).current_dir(env::temp_dir());
            let said = info.output().unwrap();
            println!("{}", String::from_utf8_lossy(&said.stderr));
            unpacked(&package)
        });
        assert!(folder.is_some(), "{package} is missing: run `cargo info {name}@{version}` where crates.io is reached");
        let folder = folder.unwrap();
        let roots = roots(&folder, line.get(2).copied().unwrap_or_default());
        assert!(!roots.is_empty(), "nothing in {}", folder.display());
        Self { name: package, folder, roots }
    }
}

/// The folder that cargo has unpacked a package to.
fn unpacked(package: &str) -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))?;
    let mut registries = fs::read_dir(home.join("registry/src")).ok()?;
    registries.find_map(|registry| {
        let folder = registry.ok()?.path().join(package);
        folder.join(".cargo-ok").is_file().then_some(folder)
    })
}

/// The roots of a package's library, binaries and examples: those that its manifest names, and those in their places.
/// `only` names some, with a comma between them; empty it stands for all.
fn roots(folder: &Path, only: &str) -> Vec<PathBuf> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut roots = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if let ("[lib]" | "[[bin]]" | "[[example]]", Some(path)) = (section, line.strip_prefix("path = ")) {
            roots.insert(folder.join(path.trim_matches('"')));
        }
    }
    roots.extend(["src/lib.rs", "src/main.rs"].map(|path| folder.join(path)));
    for entry in ["src/bin", "examples"].into_iter().flat_map(|path| fs::read_dir(folder.join(path))).flatten() {
        let path = entry.unwrap().path();
        roots.insert(if path.is_dir() { path.join("main.rs") } else { path });
    }
    let is_root = |path: &PathBuf| {
        let is_named = only.is_empty() || only.split(',').any(|only| *path == folder.join(only));
        is_named && path.extension().is_some_and(|extension| extension == "rs") && path.is_file()
    };
    roots.into_iter().filter(is_root).collect()
}

// === What is found ===

/// How many files and lines there are, and how many functions and structs with each attribute.
type Counts = BTreeMap<&'static str, usize>;

/// What was found in a package.
struct Audited<'a> {
    package: &'a Package,
    counts: Counts,
    /// The places with the code of a rule, each with what it says there.
    reports: BTreeMap<String, Vec<String>>,
}

impl<'a> Audited<'a> {
    fn of(package: &'a Package) -> Self {
        let mut audited = Self { package, counts: Counts::new(), reports: BTreeMap::new() };
        let crates: Vec<_> = package.roots.iter().map(|root| Crate::read(root)).collect();
        let mut routed = BTreeSet::new();
        for file in crates.iter().flat_map(|one| &one.files) {
            annotate::routed(&file.code, &mut routed);
        }
        // A library and a binary may share files.
        let mut seen = BTreeSet::new();
        let mut of_crates = BTreeSet::new();
        for Crate { files, is_whole } in crates {
            let mut annotated_files = Vec::new();
            for file in files {
                let path = file.path.to_path_buf();
                let text = fs::read_to_string(&path).unwrap();
                let annotated = Annotated::of(&file, &text, package.roots.contains(&path), &routed);
                annotated_files.push(File::new(annotated.text.clone(), &path).unwrap());
                if seen.insert(path) {
                    audited.count("files", 1);
                    audited.count("lines", text.lines().count());
                    audited.add_file(file, annotated);
                }
            }
            let mut errors = Errors::default();
            Crate::of(annotated_files, is_whole).audit(&mut errors);
            of_crates.extend(messages(&errors.into_token_stream().to_string()));
        }
        let folder = format!("{}/", package.folder.display());
        for text in of_crates {
            let (place, text) = text.strip_prefix(&folder).and_then(|text| text.split_once(": ")).unwrap();
            audited.report(place, text);
        }
        audited
    }

    fn add_file(&mut self, file: File, annotated: Annotated) {
        for attribute in annotated.attributes() {
            self.count(attribute, 1);
        }
        let path = file.path.strip_prefix(&self.package.folder).unwrap().display().to_string();
        let mut reports = annotated.of_fields();
        reports.extend(within(file, || annotated.of_functions()));
        for (name, text) in reports {
            self.report(&format!("{path}:{name}"), &text);
        }
    }

    fn count(&mut self, what: &'static str, count: usize) {
        *self.counts.entry(what).or_default() += count;
    }

    fn report(&mut self, place: &str, text: &str) {
        let (_, code) = text.rsplit_once(", ").unwrap();
        self.reports.entry(format!("{} {place} {code}", self.package.name)).or_default().push(text.to_owned());
    }
}

// === Verdicts ===

/// Compares what is reported with the verdicts: `ord-0.29.1 src/lib.rs:main SW005 -- right: it reads a file`.
fn compare(reports: &BTreeMap<String, Vec<String>>) {
    let path = Path::new(FOLDER).join("verdicts.txt");
    let list = fs::read_to_string(&path).unwrap_or_default();
    let head: Vec<_> = list.lines().take_while(|line| line.is_empty() || line.starts_with('#')).collect();
    let verdicts: BTreeMap<_, _> = list.lines().filter_map(|line| line.split_once(" -- ")).collect();
    let reports: BTreeMap<_, _> = reports
        .iter()
        .map(|(place, texts)| match texts.len() {
            1 => (place.clone(), texts),
            count => (format!("{place} x{count}"), texts),
        })
        .collect();
    if env::var_os("UPDATE_EXPECT").is_some() {
        let mut new = head.join("\n") + "\n";
        for place in reports.keys() {
            new += &format!("{place} -- {}\n", verdicts.get(place.as_str()).unwrap_or(&"?"));
        }
        fs::write(&path, new).unwrap();
    }
    let mut wrong = Vec::new();
    for (place, texts) in &reports {
        if !verdicts.get(place.as_str()).is_some_and(|verdict| verdict.starts_with("right: ")) {
            wrong.push(format!("is reported, and has no verdict:\n{place} -- ?\n{}", texts.join("\n")));
        }
    }
    for place in verdicts.keys().filter(|place| !reports.contains_key(**place)) {
        wrong.push(format!("has a verdict, and is not reported:\n{place}"));
    }
    assert!(
        wrong.is_empty(),
        "{}\n\n{} places. Where a report is right, add `right: why` in tests/corpus/verdicts.txt; where not, mend the rule.",
        wrong.join("\n\n"),
        wrong.len(),
    );
}
