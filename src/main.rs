//! Keyward on the command line.

/// Against a bare echo, renewals are a twentieth faster than with the system's allocator (decision 50).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    keyward::cli::main()
}
