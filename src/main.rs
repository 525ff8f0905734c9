//! The binary: everything is in the library.

/// Arrow buffers and hash tables come and go by the thousand; the system's allocator gives each back to the kernel.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    callsieve::cli::main()
}
