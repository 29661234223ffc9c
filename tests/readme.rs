//! The README tells the truth: what it quotes is what the files say, and what it runs prints what it shows.
//!
//! A comment before a block says what it is: `file: PATH` quotes a file, `run` shows commands and what they print,
//! `run: hello` does so beside a running `hello`, and `log: hello` shows the end of what that one wrote.

use std::{
    env, fs,
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use seaworthy::testing::{Connection, Process};

use crate::support::workspace;

#[test]
fn what_it_quotes_is_what_the_files_say() {
    let mut quoted = 0;
    for Block { what, text } in blocks() {
        let Some(path) = what.strip_prefix("file: ") else { continue };
        let file = fs::read_to_string(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(text.trim_end(), file.trim_end(), "the README quotes {path}");
        quoted += 1;
    }
    assert!(quoted >= 4, "the service, a test, an error and an expansion are quoted: {quoted}");
}

#[test]
fn the_files_it_links_are_there() {
    let readme = readme();
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.contains("://")) {
        assert!(workspace().join(link).exists(), "{link}");
    }
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let ci = fs::read_to_string(workspace().join(".ci/run")).unwrap();
    let command = ci.lines().last().unwrap().strip_prefix("exec ").unwrap();
    assert!(readme().contains(&format!("```sh\n{command}\n```")), "{command}");
}

#[test]
fn its_commands_print_what_it_shows() {
    assert!(readme().contains("```sh\ncargo run -p hello\n```"), "the first command is the one that is run here");
    // The environment gives what the reader has: a terminal, and two ports that nobody uses.
    let [http, admin] = [(); 2].map(|()| free_address());
    let hello = cargo_environment()
        .into_iter()
        .fold(Process::builder("cargo"), |builder, (name, value)| builder.env(name, value))
        .env("HTTP_ADDR", &http)
        .env("ADMIN_ADDR", &admin)
        .env("LOG_FORMAT", "text")
        .arg("run")
        .arg("-p")
        .arg("hello")
        .spawn();
    wait_built(&hello, &admin);
    let mut stopped = false;
    for Block { what, text } in blocks() {
        match what.as_str() {
            "run" => {
                for (command, shown) in commands(&text) {
                    assert_eq!(shell(&command).trim_end(), shown.trim_end(), "{command}");
                }
            }
            "run: hello" => {
                for (command, shown) in commands(&text) {
                    // Cargo became the service: their process is one.
                    let here = command
                        .replace("localhost:8080", &http)
                        .replace("localhost:9090", &admin)
                        .replace("$(pidof hello)", &hello.id().to_string());
                    let printed = shell(&here);
                    assert_eq!(normal(&printed), normal(&shown), "{command} printed:\n{printed}");
                }
            }
            "log: hello" => {
                assert_eq!(hello.wait_exit(Duration::from_secs(20)).code, Some(0));
                let (log, shown) = (normal(&hello.stdout()), normal(&text));
                assert!(log.ends_with(&shown), "shown:\n{text}\nlogged:\n{}", hello.stdout());
                stopped = true;
            }
            _ => {}
        }
    }
    assert!(stopped, "the README shows how it stops");
}

/// A block of the README that has a comment before it.
struct Block {
    what: String,
    text: String,
}

fn readme() -> String {
    fs::read_to_string(workspace().join("README.md")).expect("there is a README")
}

fn blocks() -> Vec<Block> {
    let readme = readme();
    let mut blocks = Vec::new();
    for part in readme.split("\n<!-- ").skip(1) {
        let (what, rest) = part.split_once(" -->\n```").expect("a block follows the comment");
        let (_language, rest) = rest.split_once('\n').expect("the fence ends its line");
        let (text, _) = rest.split_once("\n```").expect("the block ends");
        blocks.push(Block { what: what.to_owned(), text: text.to_owned() });
    }
    blocks
}

/// The commands of a block, those lines that begin with a `$`, and what is shown after each.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, shown))) => *shown += &format!("{line}\n"),
            (None, None) => panic!("the block begins with a command: {line}"),
        }
    }
    commands
}

/// Runs a command as a reader does; gives what it printed to stdout, or else to stderr.
fn shell(command: &str) -> String {
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(workspace())
        .env_clear()
        .envs(cargo_environment())
        .output()
        .expect("a shell runs");
    let printed = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&printed).into_owned()
}

/// What cargo needs to find its toolchain and what the tests built.
fn cargo_environment() -> Vec<(String, String)> {
    let built = Path::new(env!("CARGO_BIN_EXE_fixture"));
    let target = built.ancestors().nth(2).expect("it is built in a folder of the target");
    ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), env::var_os(name)?.into_string().ok()?)))
        .chain([("CARGO_TARGET_DIR".to_owned(), target.display().to_string())])
        .collect()
}

/// Waits until cargo has built the service and it is ready.
fn wait_built(hello: &Process, admin: &str) {
    let address = admin.parse().expect("it is an address");
    let deadline = Instant::now() + Duration::from_secs(600);
    let ready = || Connection::open(address)?.get("/ready");
    while !ready().is_ok_and(|answer| answer.status == 200) {
        assert!(Instant::now() < deadline, "not ready: {}", hello.stderr());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Text in which every number, with its unit of time, is 0.
fn normal(text: &str) -> String {
    let mut normal = String::new();
    let mut rest = text.trim_end();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        normal += &rest[..start];
        normal.push('0');
        let number = |c: char| c.is_ascii_digit() || c == '.';
        rest = rest[start..].trim_start_matches(number);
        rest = rest.strip_prefix("e-").map_or(rest, |power| power.trim_start_matches(number));
        let unit = ["ns", "µs", "ms", "s"].iter().find_map(|unit| rest.strip_prefix(unit));
        if let Some(after) = unit.filter(|after| !after.starts_with(char::is_alphanumeric)) {
            rest = after;
        }
    }
    normal + rest
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").to_string()
}
