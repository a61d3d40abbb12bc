//! Compiles the generator and the sink of the comparison with peers with clang.

use libbpf_cargo::SkeletonBuilder;
use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=bpf");
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let arch = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets CARGO_CFG_TARGET_ARCH");
    // Debian keeps asm/types.h in the directory of the architecture, where clang does not look for the target bpf.
    let kernel_headers = format!("-I/usr/include/{arch}-linux-gnu");
    for name in ["generator", "sink"] {
        let built = SkeletonBuilder::new()
            .source(format!("bpf/{name}.bpf.c"))
            .obj(out_dir.join(format!("{name}.bpf.o")))
            .clang_args([kernel_headers.as_str(), "-Wall", "-Wextra", "-Werror"])
            .build();
        if let Err(error) = built {
            // One line per cause: clang's messages are among them.
            panic!(
                "compiling bpf/{name}.bpf.c failed; it needs clang and the headers of linux-libc-dev: {error:#}"
            );
        }
    }
}
