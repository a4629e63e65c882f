//! Rust as it comes, panic=unwind: panics caught again and again, and a thread beside them.
use std::hint::black_box;
use std::panic;
use std::time::{Duration, Instant};

#[inline(never)]
fn burn(mut seed: u64) -> u64 {
    for _ in 0..200_000 {
        seed = black_box(seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407));
    }
    seed
}

#[inline(never)]
fn panics(depth: u32, seed: u64) -> u64 {
    let kept = vec![seed; 4];
    if depth == 0 {
        panic!("as meant");
    }
    panics(black_box(depth) - 1, seed + 1) + kept[0]
}

#[inline(never)]
fn catches(seed: u64) -> u64 {
    panic::catch_unwind(|| panics(20, seed)).unwrap_or(seed)
}

#[inline(never)]
fn beside(end: Instant) -> u64 {
    let mut seed = 7;
    while Instant::now() < end {
        seed = burn(seed);
    }
    seed
}

fn main() {
    let seconds: f64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    panic::set_hook(Box::new(|_| ()));
    let thread = std::thread::Builder::new().name("beside".into()).spawn(move || beside(end)).unwrap();
    let mut seed = 1;
    while Instant::now() < end {
        seed = black_box(catches(seed)) + 1;
    }
    black_box(thread.join().unwrap() + seed);
}
