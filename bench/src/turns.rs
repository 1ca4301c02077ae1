//! Contenders in turns, many short rounds each.
//!
//! What disturbs the machine for a while disturbs all of them alike. A ratio is the median over
//! the rounds of the ratio within a round.

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use crate::case::Case;
use crate::contender::Contender;

/// The times of some contenders, round by round.
#[derive(Debug)]
pub struct Turns<const N: usize> {
    times: [Vec<f64>; N],
}

impl<const N: usize> Turns<N> {
    /// Takes the turns. Each contender measures one [`round`].
    #[must_use]
    pub fn take(rounds: usize, contenders: [&dyn Fn() -> f64; N]) -> Self {
        let warm_up = WARM_UP.min(rounds);
        let mut times = [const { Vec::new() }; N];
        for turn in 0..rounds + warm_up {
            // Each begins as often as any other, so that none always follows the same one.
            for at in (0..N).map(|at| (at + turn) % N) {
                let time = contenders[at]();
                if turn >= warm_up {
                    times[at].push(time);
                }
            }
        }
        Self { times }
    }

    /// Returns the seconds per signature of each contender.
    #[must_use]
    pub fn times(&self) -> [f64; N] {
        self.times.clone().map(median)
    }

    /// Returns how many times as long one takes as another.
    #[must_use]
    pub fn ratio(&self, of: usize, to: usize) -> f64 {
        let rounds = self.times[of].iter().zip(&self.times[to]);
        median(rounds.map(|(of, to)| of / to).collect())
    }
}

/// Signs batches for about a millisecond and returns the seconds per signature. Making and dropping
/// requests is outside the time.
pub fn round<C: Contender>(case: &Case, contender: &C) -> f64 {
    let batch = case.batch();
    let mut inputs = Vec::with_capacity(batch);
    let mut outputs = Vec::with_capacity(batch);
    let mut measured = Duration::ZERO;
    let mut signatures = 0_u32;
    while measured < ROUND {
        inputs.extend((0..batch).map(|_| contender.input()));
        let start = Instant::now();
        outputs.extend(
            inputs
                .iter_mut()
                .map(|input| contender.sign(black_box(input))),
        );
        measured += start.elapsed();
        signatures += u32::try_from(batch).expect("a batch is small");
        black_box(&mut inputs).clear();
        black_box(&mut outputs).clear();
    }
    measured.as_secs_f64() / f64::from(signatures)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

const WARM_UP: usize = 20;
const ROUND: Duration = Duration::from_millis(1);
