//! All signers in turns, many short rounds each, and a table of ratios.
//!
//! What disturbs the machine for a while disturbs all of them alike. A ratio is the median over
//! the rounds of the ratio within a round.

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use sigv4_bench::AwsSigV4;
use sigv4_bench::Case;
use sigv4_bench::Contender;
use sigv4_bench::Floor;
use sigv4_bench::Ours;
use sigv4_bench::OursPresigned;
use sigv4_bench::Reqsign;
use sigv4_bench::check;

fn main() {
    // As criterion: `--test` only tries whether everything works, and names are filters.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds = if arguments.iter().any(|argument| argument == "--test") {
        1
    } else {
        ROUNDS
    };
    let filters: Vec<String> = arguments
        .into_iter()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let cases = Case::filtered(&filters);
    let results: Vec<(&Case, Medians)> = cases
        .iter()
        .map(|case| {
            check(case);
            (case, measure(case, rounds))
        })
        .collect();

    if rounds == 1 {
        println!("\nOnly tried: the numbers of a single round mean nothing.");
    }
    println!("\nMicroseconds per signature, medians of {rounds} rounds:\n");
    println!("| case | floor | ours | aws-sigv4 | reqsign |");
    println!("|---|---|---|---|---|");
    for (case, medians) in &results {
        let [floor, ours, aws, reqsign] = medians.times.map(|time| time * 1e6);
        println!(
            "| {} | {floor:.3} | {ours:.3} | {aws:.3} | {reqsign:.3} |",
            case.name
        );
    }

    println!("\nRatios, medians of the ratios within a round:\n");
    println!("| case | ours / floor | aws-sigv4 / ours | reqsign / ours |");
    println!("|---|---|---|---|");
    for (case, medians) in &results {
        let [above_floor, aws, reqsign] = medians.ratios;
        println!(
            "| {} | {above_floor:.2} | {aws:.2} | {reqsign:.2} |",
            case.name
        );
    }

    println!("\nAllocations + reallocations (bytes) per signature:\n");
    let counted = Command::new(env!("CARGO_BIN_EXE_allocations"))
        .args(&filters)
        .status();
    assert!(
        counted.is_ok_and(|status| status.success()),
        "the allocations could not be counted"
    );
}

/// What was measured of a case.
struct Medians {
    /// Seconds per signature: floor, ours, aws-sigv4, reqsign.
    times: [f64; 4],
    /// Ours to the floor, aws-sigv4 to ours, reqsign to ours.
    ratios: [f64; 3],
}

fn measure(case: &Case, rounds: usize) -> Medians {
    let floor = Floor::new(case, SystemTime::now());
    let ours = Ours::new(case);
    let ours_presigned = case
        .presigned
        .is_some()
        .then(|| OursPresigned(Ours::new(case)));
    let aws = AwsSigV4::new(case);
    let reqsign = Reqsign::new(case);
    let contenders: [&dyn Fn() -> f64; 4] = [
        &|| round(case, &floor),
        &|| match &ours_presigned {
            Some(ours) => round(case, ours),
            None => round(case, &ours),
        },
        &|| round(case, &aws),
        &|| round(case, &reqsign),
    ];

    let mut times = [const { Vec::new() }; 4];
    for turn in 0..rounds + WARM_UP.min(rounds) {
        // Each begins as often as any other, so that none always follows the same one.
        for at in (0..4).map(|at| (at + turn) % 4) {
            let time = contenders[at]();
            if turn >= WARM_UP.min(rounds) {
                times[at].push(time);
            }
        }
    }
    let ratios = |of: usize, to: usize| {
        median(
            times[of]
                .iter()
                .zip(&times[to])
                .map(|(of, to)| of / to)
                .collect(),
        )
    };
    Medians {
        ratios: [ratios(1, 0), ratios(2, 1), ratios(3, 1)],
        times: times.clone().map(median),
    }
}

/// Signs batches for about a millisecond and returns the seconds per signature. Making and dropping
/// requests is outside the time.
fn round<C: Contender>(case: &Case, contender: &C) -> f64 {
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

const ROUNDS: usize = 500;
const WARM_UP: usize = 20;
const ROUND: Duration = Duration::from_millis(1);
