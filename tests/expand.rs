//! Compiles each snapshot twice: as it was written, with the attributes, and as it is expanded. That the second is what
//! the first becomes, a unit test of `seaworthy-macros` compares.
#![allow(
    dead_code,
    missing_docs,
    non_camel_case_types,
    private_interfaces,
    unreachable_pub,
    unused_braces,
    unused_imports
)]

/// Both sides of a snapshot.
macro_rules! snapshots {
    ($($name:ident: $input:literal, $output:literal;)*) => {
        $(#[path = "."]
        mod $name {
            #[path = $input]
            mod written;
            #[rustfmt::skip]
            #[path = $output]
            mod expanded;
        })*

        #[test]
        fn every_snapshot_is_compiled() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/expand");
            let mut found: Vec<_> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| format!("expand/{}", entry.unwrap().file_name().to_str().unwrap()))
                .collect();
            found.sort();
            assert_eq!(found, [$($input, $output),*]);
        }
    };
}

snapshots! {
    cloud_service: "expand/cloud_service.in.rs", "expand/cloud_service.out.rs";
    command: "expand/command.in.rs", "expand/command.out.rs";
    composable: "expand/composable.in.rs", "expand/composable.out.rs";
    config: "expand/config.in.rs", "expand/config.out.rs";
    from_ref: "expand/from_ref.in.rs", "expand/from_ref.out.rs";
    handler: "expand/handler.in.rs", "expand/handler.out.rs";
    health: "expand/health.in.rs", "expand/health.out.rs";
    ready: "expand/ready.in.rs", "expand/ready.out.rs";
    smallest: "expand/smallest.in.rs", "expand/smallest.out.rs";
    times: "expand/times.in.rs", "expand/times.out.rs";
    worker: "expand/worker.in.rs", "expand/worker.out.rs";
}
