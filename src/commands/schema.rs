//! What editors, shells and `man` are told: the schema of scenarios, completions, manual pages.

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man as Page;

use super::{Exit, fail, note, print};
use crate::cli::{Cli, Completions, Man};
use crate::scenario::SCHEMA;

/// Prints the JSON Schema of a scenario.
pub fn schema() -> Exit {
    print(SCHEMA).err().unwrap_or(Exit::Met)
}

/// Prints the completions for a shell.
pub fn completions(arguments: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "streamgauge", &mut script);
    print(&String::from_utf8_lossy(&script)).err().unwrap_or(Exit::Met)
}

/// Prints a manual page, or writes all of them to a directory.
pub fn man(arguments: &Man) -> Exit {
    let mut program = Cli::command();
    // A page has one line for the version.
    program = program.long_version(env!("CARGO_PKG_VERSION"));
    program.build();
    if let Some(directory) = &arguments.out {
        return write_all(&program, directory);
    }
    let page = match &arguments.command {
        None => page(&program),
        Some(name) => match program.get_subcommands().find(|command| command.get_name() == name) {
            Some(command) => page(command),
            None => {
                let names: Vec<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
                fail(&format!("there is no command `{name}`; write one of {}", names.join(", ")));
                return Exit::BadInput;
            }
        },
    };
    print(&page).err().unwrap_or(Exit::Met)
}

fn page(command: &clap::Command) -> String {
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _ = Page::new(command.clone()).render(&mut page);
    String::from_utf8_lossy(&page).into_owned()
}

fn write_all(program: &clap::Command, directory: &Path) -> Exit {
    let commands =
        std::iter::once(program).chain(program.get_subcommands().filter(|command| command.get_name() != "help"));
    let mut pages = 0;
    if let Err(error) = std::fs::create_dir_all(directory) {
        fail(&format!("cannot make the directory `{}`: {error}; name another one with --out", directory.display()));
        return Exit::NotWritten;
    }
    for command in commands {
        let file = directory.join(format!("{}.1", command.get_display_name().unwrap_or("streamgauge")));
        if let Err(error) = std::fs::write(&file, page(command)) {
            fail(&format!("cannot write `{}`: {error}; name another directory with --out", file.display()));
            return Exit::NotWritten;
        }
        pages += 1;
    }
    note(&format!("{pages} pages in `{}`", directory.display()));
    Exit::Met
}
