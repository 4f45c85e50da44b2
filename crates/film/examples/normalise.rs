//! Normalises a photo: `normalise photo times`. What one takes is printed, in the median.

use film::{PhotoLimits, normalise};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photo, times] = &arguments[..] else {
        return Err("usage: normalise photo times".into());
    };
    let photo = std::fs::read(photo)?;

    let mut took = Vec::new();
    for _ in 0..times.parse::<usize>()?.max(1) {
        let started = Instant::now();
        normalise(&photo, &PhotoLimits::default())?;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    println!("{} ms", took[took.len() / 2].as_millis());
    Ok(())
}
