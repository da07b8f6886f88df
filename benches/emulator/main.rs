//! What an emulator costs beside the load generator that it serves: CPU seconds of its process, over loopback.
//!
//! Without a command it measures streamgauge's own emulator, with and without the latency of AWS; with one, any other server
//! of the Kinesis API: `cargo bench --bench emulator -- --name other --records 20000 -- other-emulator --port {port}`.
//! `compare` beside this file does so with other emulators.
//! Requests are written before the clock starts and answers are only searched, so that the client costs little.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod http;
mod load;
mod process;

use clap::Parser;

use self::load::{Figures, Load};

/// Measures an emulator and prints a row of a Markdown table per configuration.
#[derive(Debug, Parser)]
struct Arguments {
    /// How the table calls the emulator.
    #[arg(long, default_value = "streamgauge")]
    name: String,
    /// What the table says about its quotas.
    #[arg(long, default_value = "all, record by record")]
    quotas: String,
    /// Records of 1 KiB put by PutRecords, 500 at a time.
    #[arg(long, default_value_t = 300_000)]
    records: usize,
    /// Records of 1 KiB put by PutRecord.
    #[arg(long, default_value_t = 20_000)]
    singles: usize,
    /// Shards of the stream: so many that nothing is throttled.
    #[arg(long, default_value_t = 500)]
    shards: usize,
    /// How often all of it is measured; the table shows medians.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Print the head of the table first.
    #[arg(long)]
    head: bool,
    /// `cargo bench` gives it.
    #[arg(long, hide = true)]
    bench: bool,
    /// Another emulator: its command, with {port} for the port to listen on.
    #[arg(last = true)]
    command: Vec<String>,
}

fn main() {
    let mut arguments = Arguments::parse();
    // `cargo bench` adds it at the end of whatever it is given.
    arguments.command.retain(|word| word != "--bench");
    if arguments.head {
        println!("{}", Figures::HEAD);
    }
    if !arguments.command.is_empty() {
        measure(&arguments, &arguments.name, &arguments.command);
        return;
    }
    for (latency, name) in [("aws", "AWS's latency"), ("none", "no latency")] {
        let own = [env!("CARGO_BIN_EXE_streamgauge"), "emulator", "--listen", "127.0.0.1:{port}", "--latency", latency];
        let figures = measure(&arguments, &format!("{}, {name}", arguments.name), &own.map(str::to_owned));
        assert!(figures.lost_nothing(), "records were lost");
    }
}

fn measure(arguments: &Arguments, name: &str, command: &[String]) -> Figures {
    let load = Load::new(arguments.records, arguments.singles, arguments.shards);
    // One thread is enough to send, and leaves the other core to the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rounds: Vec<Figures> = (0..arguments.rounds).map(|_| runtime.block_on(load.run(command))).collect();
    let figures = Figures::median(&rounds);
    println!("{}", figures.row(name, &arguments.quotas, arguments.records));
    figures
}
