//! Keyward on the command line.

fn main() -> std::process::ExitCode {
    keyward::cli::main()
}
