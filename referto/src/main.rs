//! referto: takes in laboratory results for a region.
//!
//! This is the binary: settings, wiring, subcommands, signals, drain. What the system does is in the crates it wires.

mod cli;
mod clock;
mod commands;
mod failpoint;
mod folder;
mod server;
mod settings;
mod system;

use std::process::ExitCode;

use clap::Parser as _;

/// musl's and glibc's allocators fragment under many bodies of megabytes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A panic's message may repeat what it stumbled over; its place never does.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("referto: a panic at {place}");
    }));
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { cli::USAGE } else { cli::DONE });
        }
    };
    match commands::run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            // Logged once, here, with the whole chain of causes.
            eprintln!("referto: {:#}", failure.error);
            ExitCode::from(failure.code)
        }
    }
}
