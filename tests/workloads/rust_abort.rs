//! main → Walker<u64>::outer → closure → inner, built with panic=abort and without frame pointers.
use std::hint::black_box;
use std::time::{Duration, Instant};

struct Walker<T> {
    state: T,
}

impl Walker<u64> {
    #[inline(never)]
    fn outer(&mut self) -> u64 {
        let steps: Vec<u64> = (1..=4).collect();
        steps.iter().map(|step| 1 + inner(black_box(self.state) ^ *step)).sum()
    }
}

#[inline(never)]
fn inner(mut seed: u64) -> u64 {
    for _ in 0..200_000 {
        seed = black_box(seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407));
    }
    seed
}

fn main() {
    let seconds: f64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut walker = Walker { state: 1 };
    while Instant::now() < end {
        walker.state = black_box(walker.outer());
    }
}
