//! The binary: everything is in the library, except who hands out memory.

use tikv_jemallocator::Jemalloc;

/// A fifth of a run was spent in glibc's allocator, whose heaps DataFusion's mix of sizes breaks into pieces.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Memory goes back to the system after an idle second by a thread of its own; large blocks do not go back at once. Each
/// arena keeps what its threads have let go of, so a budget allows for few.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static MALLOC_CONF: &[u8; 91] =
    b"background_thread:true,narenas:4,dirty_decay_ms:1000,muzzy_decay_ms:0,oversize_threshold:0\0";

fn main() -> std::process::ExitCode {
    callsieve::cli::main()
}
